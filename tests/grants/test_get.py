"""GET /grants/:id."""

from tests.cases import cases
from tests.cast import Agent
from tests.grants.lives import STATES, asked, grant_in, in_an_hour


def test_both_sides_see_it(alice: Agent, bob: Agent) -> None:
    expiry = in_an_hour()
    grant_id = asked(alice, bob, expires_at=expiry)
    expected = {
        "id": grant_id,
        "from": alice.id,
        "to": bob.id,
        "capability": "memory.read",
        "namespace": "project.*",
        "status": "pending",
        "expires_at": expiry,
    }

    for agent in (alice, bob):
        answer = agent.get(f"grants/{grant_id}")
        assert (answer.status, answer.json) == (200, expected)


def test_an_id_may_be_in_small_letters(alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob)

    assert alice.get(f"grants/{grant_id.lower()}").json["id"] == grant_id


def test_a_grant_of_no_memory_has_no_namespace(alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob, capability="delegate.receive", namespace=...)

    assert alice.get(f"grants/{grant_id}").json["namespace"] is None


@cases("state", STATES)
def test_its_status_is_the_one_now(alice: Agent, bob: Agent, state: str) -> None:
    grant_id = grant_in(state, alice, bob)

    assert bob.get(f"grants/{grant_id}").json["status"] == ("expired" if "overdue" in state else state)


def test_a_third_session_may_not_see_it(alice: Agent, bob: Agent, charlie: Agent) -> None:
    grant_id = asked(alice, bob)

    answer = charlie.get(f"grants/{grant_id}")

    assert (answer.status, answer.code) == (403, "grant_not_yours")


def test_another_session_of_the_same_key_may_not_see_it(alice: Agent, bob: Agent, charlie: Agent) -> None:
    grant_id = asked(charlie, bob)
    assert alice.key == bob.key

    assert alice.get(f"grants/{grant_id}").code == "grant_not_yours"


@cases("verb", ["GET", "DELETE", "POST approve", "POST deny"])
@cases(
    "name",
    ["grant_01HX9J2N3PQRSTVWXYZ0123456", "sess_01HX9J2N3PQRSTVWXYZ0123456", "grant_1", "x", "a%00b", "%FF"],
)
def test_an_unknown_or_malformed_id_is_not_found(alice: Agent, verb: str, name: str) -> None:
    method, _, action = verb.partition(" ")

    answer = alice.call(method, f"grants/{name}/{action}".rstrip("/"))

    assert (answer.status, answer.code) == (404, "grant_not_found")


@cases("verb", ["GET", "DELETE", "POST approve", "POST deny"])
def test_a_grant_of_another_realm_is_like_an_unknown_one(
    alice: Agent, bob: Agent, mallory: Agent, verb: str
) -> None:
    grant_id = asked(alice, bob)
    method, _, action = verb.partition(" ")
    paths = [f"grants/{name}/{action}".rstrip("/") for name in (grant_id, "grant_01HX9J2N3PQRSTVWXYZ0123456")]

    theirs, unknown = (mallory.call(method, path) for path in paths)

    assert theirs.status == 404
    assert theirs.json | {"request_id": ""} == unknown.json | {"request_id": ""}
    assert alice.get(f"grants/{grant_id}").json["status"] == "pending"
