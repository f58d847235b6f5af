"""Writing entries, and what the database holds of them."""

from typing import Any

from hub.memory.models import MemoryEntry, MemoryNamespace, MemoryUsage
from tests.cast import Agent, Answer

# The reference's own request.
REFERENCE: dict[str, Any] = {
    "entries": [
        {"key": "project.name", "value": "My Project"},
        {"key": "project.stage", "value": "planning"},
    ]
}


def write(agent: Agent, values: dict[str, Any], **members: Any) -> Answer:
    """Have `agent` write values under keys; `members` go into each entry."""
    entries = [{"key": key, "value": value, **members} for key, value in values.items()]
    return agent.post("memory", {"entries": entries})


def written(agent: Agent, *keys: str) -> None:
    """Have `agent` write the value 1 under each key."""
    answer = write(agent, dict.fromkeys(keys, 1))
    assert answer.status == 200, answer.json


def keys_in(answer: Answer) -> list[str]:
    """Return the keys of the entries in an answer."""
    assert answer.status == 200, answer.json
    return [entry["key"] for entry in answer.json["entries"]]


def stored() -> dict[str, Any]:
    """Return all that the database holds of memory, to compare before and after."""
    columns = ("key", "value", "size", "version", "namespace__owner", "written_by", "updated_at")
    return {
        "entries": list(MemoryEntry.objects.order_by("pk").values_list(*columns)),
        "namespaces": list(MemoryNamespace.objects.order_by("pk").values_list("name", "owner")),
        "usage": list(MemoryUsage.objects.order_by("pk").values_list("realm", "entries", "bytes")),
    }
