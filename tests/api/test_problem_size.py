"""A problem document is small, whatever was wrong and however often."""

import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.api.problems import PROBLEM_BYTES, problem_body
from hub.memory.models import MemoryEntry
from hub.messages.models import Message
from realms.ids import new_id
from realms.refusal import LISTED, Refusal
from tests.cast import Agent


def test_of_many_unknown_members_the_first_20_are_listed_and_the_others_counted(alice: Agent) -> None:
    body = "{" + ",".join(f'"extra-{i}":{{}}' for i in range(100_000)) + ',"entries":[{"key":"a","value":1}]}'

    answer = alice.post("memory", content=body.encode())

    assert answer.status == 400
    assert [error["pointer"] for error in answer.json["errors"]] == [f"/extra-{i}" for i in range(LISTED)]
    assert "99980 more errors" in answer.json["detail"]
    assert not MemoryEntry.objects.exists()


def test_a_long_name_of_a_client_is_cut_short(alice: Agent) -> None:
    answer = alice.post("memory", {"x" * 500_000: 1, "entries": [{"key": "a", "value": 1}]})

    assert answer.status == 400
    assert len(msgspec.json.encode(answer.json)) < 2000


@pytest.mark.parametrize("count", [LISTED, LISTED + 1, 100])
def test_of_many_unknown_recipients_the_first_20_are_listed(alice: Agent, count: int) -> None:
    recipients = [new_id("sess") for _ in range(count)]

    envelope = {"aisp": "0.1", "from": alice.id, "to": recipients, "category": "message", "payload": {}}

    answer = alice.post("messages", envelope)

    assert answer.status == 404
    assert answer.json["recipients"] == recipients[:LISTED]
    assert [error["detail"] for error in answer.json["errors"]] == recipients[:LISTED]
    assert (f"{count - LISTED} more" in answer.json["detail"]) == (count > LISTED)
    assert answer.json["detail"].count("sess_") == LISTED
    assert not Message.objects.exists()


def test_of_many_versions_in_conflict_the_first_20_are_listed(alice: Agent) -> None:
    entries = [{"key": f"a.{i}", "value": 1, "if_version": 7} for i in range(100)]

    answer = alice.post("memory", {"entries": entries})

    assert answer.code == "version_conflict"
    assert len(answer.json["versions"]) == len(answer.json["errors"]) == LISTED
    assert "80 more errors" in answer.json["detail"]


errors = st.lists(
    st.fixed_dictionaries({"pointer": st.text(), "detail": st.text() | st.just("\1" * 100_000)}), max_size=60
)
members = st.dictionaries(
    st.sampled_from(["recipients", "versions"]), st.lists(st.text()) | st.just(["é" * 90_000] * 30)
)


@given(detail=st.text() | st.just("\1" * 900_000), errors=errors, more=st.integers(0, 9), members=members)
def test_any_problem_has_at_most_64_kib(
    detail: str, errors: list[dict[str, str]], more: int, members: dict[str, list[str]]
) -> None:
    refusal = Refusal("invalid_request", detail, errors=errors, more_errors=more, members=members)

    content = problem_body(refusal, "request-1")

    assert len(content) <= PROBLEM_BYTES
    said = msgspec.json.decode(content)
    hidden = len(errors) + more - len(said.get("errors", []))
    assert (f"{hidden} more error" in said["detail"]) or not hidden


def test_a_refusal_comes_whole_from_another_process() -> None:
    refusal = Refusal(
        "invalid_json",
        "No.",
        errors=[{"pointer": "/a", "detail": "b"}],
        more_errors=2,
        headers={"Retry-After": "1"},
        members={"oldest": None},
    )

    assert vars(pickle.loads(pickle.dumps(refusal))) == vars(refusal)
