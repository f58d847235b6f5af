"""Methods that a path does not take."""

from tests.cases import cases
from tests.cast import Agent

PATHS = {
    "sessions": "GET, POST",
    "sessions/sess_01HX9J2N3PQRSTVWXYZ0123456": "GET, DELETE",
    "messages/ack": "POST",
    "memory/project.name": "GET, DELETE",
    "grants/grant_01HX9J2N3PQRSTVWXYZ0123456/approve": "POST",
    "schema": "GET",
}


@cases("path", PATHS)
@cases("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_another_method_is_refused(alice: Agent, method: str, path: str) -> None:
    answer = alice.call(method, path)

    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == PATHS[path]


def test_it_is_refused_without_a_credential_too(db: None) -> None:
    assert Agent(key=None).call("OPTIONS", "sessions").code == "method_not_allowed"
