"""POST /sessions/:id/token."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from django.utils import timezone
from time_machine import TimeMachineFixture

from hub.tokens import signing_keys
from hub.wire import rfc3339
from realms import keys
from realms.audit.models import AuditEvent
from realms.ids import SESSION, new_id
from realms.models import ApiKey, Realm
from tests.cases import cases
from tests.cast import OPERATOR, Agent, new_agent, new_key
from tests.rows import forget_credentials
from tests.tokens.presenting import accepts
from tests.tokens.signing import ORIGIN, Signer, issued


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def seconds_of(token: str) -> int:
    claims = claims_of(token)
    return int(claims["exp"] - claims["iat"])


def test_the_answer_has_what_the_contract_names(alice: Agent, time_machine: TimeMachineFixture) -> None:
    now = timezone.now().replace(microsecond=250_000)
    time_machine.move_to(now, tick=False)

    answer = alice.post(f"sessions/{alice.id}/token", {"ttl_seconds": 60})

    assert answer.status == 200
    assert set(answer.json) == {"token", "token_type", "expires_at", "session"}
    assert (answer.json["token_type"], answer.json["session"]) == ("Bearer", alice.id)
    assert answer.json["expires_at"] == rfc3339(now.replace(microsecond=0) + timedelta(seconds=60))
    assert (
        claims_of(answer.json["token"])["exp"]
        == datetime.fromisoformat(answer.json["expires_at"]).timestamp()
    )
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_says_whom_it_is_for(alice: Agent) -> None:
    token = issued(alice)

    header, claims = jwt.get_unverified_header(token), claims_of(token)
    assert header == {"alg": "EdDSA", "kid": signing_keys.published()[0].kid, "typ": "JWT"}
    assert set(claims) == {"iss", "sub", "aud", "iat", "exp", "jti", "scope"}
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ORIGIN, ORIGIN, alice.id)
    assert claims["scope"] == "read write"
    assert accepts(token)


def test_every_token_is_another(alice: Agent) -> None:
    ids = {claims_of(issued(alice))["jti"] for _ in range(20)}

    assert len(ids) == 20


def test_it_takes_the_id_in_any_case_and_needs_no_body(alice: Agent) -> None:
    answer = alice.call("POST", f"sessions/{alice.id.lower().replace('sess', 'SESS')}/token")

    assert answer.json["session"] == alice.id
    assert seconds_of(answer.json["token"]) == 900


@cases("ttl", [60, 61, 900, 3599, 3600])
def test_a_token_lasts_as_long_as_was_wished(alice: Agent, ttl: int) -> None:
    token = issued(alice, ttl_seconds=ttl)

    assert seconds_of(token) == ttl
    assert accepts(token)


@cases("ttl", [59, 3601, 0, -1, -60, 2**63, 60.5, 900.5, 1e308, "900", "", True, None, [], [900], {}])
def test_a_ttl_is_60_to_3600_whole_seconds(alice: Agent, ttl: Any) -> None:
    answer = alice.post(f"sessions/{alice.id}/token", {"ttl_seconds": ttl})

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == "/ttl_seconds"
    assert not AuditEvent.objects.filter(action="token.issued").exists()


@cases(
    "scopes",
    [
        [],
        ["admin"],
        ["read", "admin"],
        ["READ"],
        ["read "],
        [""],
        ["read", "write", "read"],
        [1],
        [None],
        [["read"]],
        "read",
        "read write",
        {},
        {"read": True},
        0,
        True,
    ],
)
def test_scopes_are_a_list_of_those_that_there_are(alice: Agent, scopes: Any) -> None:
    answer = alice.post(f"sessions/{alice.id}/token", {"scopes": scopes})

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"].startswith("/scopes")


@cases("member", ["ttl", "scope", "session", "sub", "aud", "expires_at", "TTL_SECONDS", ""])
def test_an_unknown_member_is_named(alice: Agent, member: str) -> None:
    answer = alice.post(f"sessions/{alice.id}/token", {"ttl_seconds": 60, member: 1})

    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.json["errors"][0]["pointer"] == f"/{member}"


@cases("body", [b"[]", b"null", b"1", b'"x"'])
def test_a_body_is_an_object(alice: Agent, body: bytes) -> None:
    assert alice.call("POST", f"sessions/{alice.id}/token", content=body).code == "invalid_request"


def test_every_session_of_the_key_can_have_one(caller: Agent, alice: Agent, bob: Agent) -> None:
    for agent in (alice, bob):
        assert claims_of(issued(caller, of=agent))["sub"] == agent.id
    # X-AISP-Session says as whom one acts, and issuing needs nobody.
    assert claims_of(issued(alice, of=bob))["sub"] == bob.id


def test_another_key_of_the_realm_gets_none(alice: Agent, charlie: Agent) -> None:
    issued(alice)

    answer = charlie.post(f"sessions/{alice.id}/token")

    assert (answer.status, answer.code) == (403, "session_not_owned")


def test_sessions_of_other_realms_and_of_nobody_answer_alike(
    alice: Agent, bob: Agent, mallory: Agent
) -> None:
    issued(mallory)
    issued(alice, of=bob)
    assert bob.delete(f"sessions/{bob.id}").status == 200
    bodies = []

    for name in (mallory.id, bob.id, new_id(SESSION), "sess_1", "alice", "..", "%00"):
        answer = alice.post(f"sessions/{name}/token")
        assert (answer.status, answer.code) == (404, "session_not_found")
        del answer.json["request_id"]
        bodies.append(answer.json)

    assert all(body == bodies[0] for body in bodies)


def test_a_token_gets_its_session_another_but_no_sibling(signer: Signer, sibling: Signer) -> None:
    for bearer in (signer.bearer(), Agent(None, signer.session, token=issued(signer.agent))):
        further = issued(bearer)
        assert claims_of(further)["sub"] == signer.id
        assert accepts(further)

        answer = bearer.post(f"sessions/{sibling.id}/token")
        assert (answer.status, answer.code) == (403, "session_not_owned")
    issued(sibling.bearer())  # it was the sibling alone that was in the way


def test_a_token_gets_nothing_of_other_realms(signer: Signer, foreigner: Signer) -> None:
    issued(foreigner.bearer())

    assert signer.bearer().post(f"sessions/{foreigner.id}/token").code == "session_not_found"


def test_a_token_does_not_outlive_its_key(realm: Realm) -> None:
    expires_at = timezone.now() + timedelta(seconds=100, milliseconds=500)
    agent = new_agent(new_key(realm, expires_at=expires_at)[1], "agent")

    answer = agent.post(f"sessions/{agent.id}/token", {"ttl_seconds": 900})

    assert answer.json["expires_at"] == rfc3339(expires_at.replace(microsecond=0))
    assert claims_of(answer.json["token"])["exp"] == int(expires_at.timestamp())
    assert accepts(answer.json["token"])
    assert seconds_of(issued(agent, ttl_seconds=60)) == 60


def test_nor_what_a_token_of_that_key_asked_for(realm: Realm) -> None:
    expires_at = timezone.now() + timedelta(seconds=100)
    signer = Signer(new_key(realm, expires_at=expires_at)[1], "signer")

    assert claims_of(issued(signer.bearer()))["exp"] == int(expires_at.timestamp())


def test_nor_does_it_outlive_the_secret_that_asked_for_it(key: str, alice: Agent) -> None:
    """Whoever holds a secret in its grace cannot stretch the grace."""
    keys.rotate_key(key=ApiKey.objects.get(), grace=keys.GRACES["15m"], by=OPERATOR)
    ApiKey.objects.get().secrets.exclude(expires_at=None).update(
        expires_at=timezone.now() + timedelta(seconds=100)
    )
    forget_credentials()

    assert seconds_of(issued(alice, ttl_seconds=3600)) <= 100


def test_the_audit_log_says_who_got_one_and_not_what_it_is(
    realm: Realm, alice: Agent, signer: Signer
) -> None:
    token = issued(alice, ttl_seconds=60, scopes=["read"])
    further = issued(signer.bearer())

    by_key, by_session = AuditEvent.objects.in_realm(realm.pk).filter(action="token.issued")

    assert (by_key.actor_kind, by_key.target) == ("key", alice.id)
    assert (by_session.actor_kind, by_session.actor, by_session.target) == ("session", signer.id, signer.id)
    claims = claims_of(token)
    assert by_key.details == {
        "jti": claims["jti"],
        "scopes": ["read"],
        "expires_at": rfc3339(datetime.fromtimestamp(claims["exp"], tz=UTC)),
    }
    for event, secret in ((by_key, token), (by_session, further)):
        assert event.request_id and event.address
        assert not any(part in str(vars(event)) for part in secret.split("."))
