"""The events of a stream, for the published schema.

OpenAPI 3.1 has no word for the items of a stream (3.2 has `itemSchema`), and its tools read the schema of
`text/event-stream` as that of one event, fields by name (WHATWG HTML §9.2).
"""

from typing import Any

from realms import ids

EVENT_STREAM = "text/event-stream"

_STRING = {"type": "string"}


def _event(name: str, what: str, content: dict[str, Any], **fields: Any) -> dict[str, Any]:
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": content}
    return {
        "type": "object",
        "title": f"Event `{name}`",
        "description": what,
        "required": ["event", *fields, "data"],
        "properties": {"event": {"const": name}, **fields, "data": data},
    }


def _object(**members: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(members), "properties": members}


STREAM_EVENT: dict[str, Any] = {
    "oneOf": [
        _event(
            "message",
            "A message; its `data` is what a poll returns for it.",
            {"$ref": "#/components/schemas/ReceivedMessage"},
            id={"type": "string", "pattern": ids.id_pattern(ids.MESSAGE)},
        ),
        _event(
            "reset",
            "The inbox does not hold the given id any more; everything that it holds follows.",
            _object(
                reason=_STRING,
                oldest={"type": ["string", "null"], "pattern": ids.id_pattern(ids.MESSAGE)},
            ),
        ),
        _event(
            "close",
            "The stream ends, and why; `reconnect` tells whether to come back.",
            _object(reason=_STRING, reconnect={"type": "boolean"}),
        ),
    ]
}
