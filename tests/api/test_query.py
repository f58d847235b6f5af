"""Query parameters."""

import pytest

from tests.cases import cases
from tests.cast import Agent


@cases(
    "path",
    [
        "messages?since=null",
        "messages?since=Null",
        "grants?direction=null",
        "grants?status=null",
        "schema?format=null",
    ],
)
def test_null_is_no_way_to_leave_a_parameter_out(alice: Agent, path: str) -> None:
    answer = alice.get(path)

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == "/" + path.split("?")[1].split("=")[0]


@pytest.mark.parametrize("name", ["null", "NULL"])
def test_null_is_a_name_like_any_other(alice: Agent, name: str) -> None:
    assert alice.post("sessions", {"name": name, "kind": "service"}).status == 200

    answer = alice.get(f"sessions?name={name}")

    assert [session["name"] for session in answer.json["sessions"]] == [name]
