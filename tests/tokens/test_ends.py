"""What ends a token before its time."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from realms import keys, owners
from realms.models import ApiKey, Realm
from tests.cases import cases
from tests.cast import OPERATOR, Agent
from tests.clock import Clock
from tests.rows import forget_credentials
from tests.tokens.presenting import accepts, present, without_chance
from tests.tokens.signing import Signer, issued


def set_key_status(status: ApiKey.Status) -> None:
    keys.set_status(key=ApiKey.objects.get(), status=status, by=OPERATOR)


ENDS: dict[str, Callable[[Signer], object]] = {
    "deregistered": lambda signer: signer.agent.delete(f"sessions/{signer.id}"),
    "revoked": lambda signer: set_key_status(ApiKey.Status.REVOKED),
    "disabled": lambda signer: set_key_status(ApiKey.Status.DISABLED),
    "expired": lambda signer: ApiKey.objects.update(expires_at=timezone.now() - timedelta(microseconds=1)),
}


@pytest.fixture(params=["hub", "self"])
def token(request: pytest.FixtureRequest, signer: Signer) -> str:
    """A token of the signer's session, of either issuer."""
    return issued(signer.agent) if request.param == "hub" else signer.token()


@pytest.mark.parametrize("end", ENDS)
def test_a_token_ends_with_its_session_and_its_key(
    signer: Signer, token: str, clock: Clock, end: str
) -> None:
    assert accepts(token)
    ENDS[end](signer)

    clock.now += 0.5
    present(token)  # being used does not keep it in the cache
    clock.now += 0.5

    assert without_chance(present(token)) == without_chance(present("x"))


@cases("end", ENDS)
def test_one_that_was_never_used_does_not_begin(signer: Signer, token: str, end: str) -> None:
    forget_credentials()
    ENDS[end](signer)
    forget_credentials()

    assert without_chance(present(token)) == without_chance(present("x"))


@cases("end", ["revoked", "expired"])
def test_who_has_the_key_itself_is_told_what_became_of_it(signer: Signer, token: str, end: str) -> None:
    ENDS[end](signer)
    forget_credentials()

    assert signer.agent.get("sessions").code == f"key_{end}"
    assert present(token).code == "invalid_credentials"


def test_no_session_of_the_key_outlives_it(signer: Signer, sibling: Signer, charlie: Agent) -> None:
    tokens = [signer.token(), sibling.token(), issued(signer.agent), issued(sibling.agent)]
    assert all(map(accepts, tokens))
    others = issued(charlie)

    key = ApiKey.objects.get(sessions=signer.id)
    keys.set_status(key=key, status=ApiKey.Status.REVOKED, by=OPERATOR)
    forget_credentials()

    assert not any(map(accepts, tokens))
    assert accepts(others)


def test_another_sessions_end_is_not_its_own(signer: Signer, sibling: Signer, token: str) -> None:
    sibling.agent.delete(f"sessions/{sibling.id}")
    forget_credentials()

    assert accepts(token)


def test_a_disabled_key_comes_back_with_its_tokens(signer: Signer, token: str) -> None:
    set_key_status(ApiKey.Status.DISABLED)
    forget_credentials()
    assert not accepts(token)

    set_key_status(ApiKey.Status.ACTIVE)
    forget_credentials()

    assert accepts(token)


def test_a_suspended_realm_says_so(realm: Realm, signer: Signer, token: str, clock: Clock) -> None:
    assert accepts(token)
    owners.set_realm_status(realm=realm, status=Realm.Status.SUSPENDED, by=OPERATOR)
    clock.now += 1.0

    bearer = Agent(None, signer.session, token=token)
    for answer in (bearer.get("sessions"), bearer.get("messages"), bearer.send(bearer)):
        assert (answer.status, answer.code) == (403, "realm_suspended")

    owners.set_realm_status(realm=realm, status=Realm.Status.ACTIVE, by=OPERATOR)
    clock.now += 1.0
    assert accepts(token)


def test_a_new_secret_of_the_key_ends_no_token(signer: Signer, token: str) -> None:
    """The token is the session's; whoever wants it over disables the key or deregisters the session."""
    keys.rotate_key(key=ApiKey.objects.get(), grace=keys.GRACES["none"], by=OPERATOR)
    forget_credentials()

    assert signer.agent.get("sessions").code == "key_expired"
    assert accepts(token)


def test_a_session_that_takes_over_the_name_does_not_take_over_the_token(key: str, signer: Signer) -> None:
    token = signer.token()
    signer.agent.delete(f"sessions/{signer.id}")

    heir = Signer(key, "signer")
    forget_credentials()

    assert accepts(heir.token())
    assert not accepts(token)
    assert not accepts(signer.compact(heir.header(), heir.claims()))
