"""`manage.py signing-key`: the hub signs with a new key, and the one before ends with its tokens."""

import re
import time
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.sealing import unseal
from hub.tokens import signing_keys
from hub.tokens.models import SigningKey
from realms.refusal import Refusal
from tests.at_once import at_once
from tests.cases import cases
from tests.cast import Agent
from tests.clock import Clock
from tests.rows import forget_credentials
from tests.tokens.presenting import accepts, assert_refused
from tests.tokens.rotation import command, grow_older, kid_of, kids, rotate
from tests.tokens.signing import ORIGIN, compact_token, issued

TTL, LEEWAY = 3600, 30  # the longest that a token lasts, and how long it is accepted after that


def signed_now(kid: str, agent: Agent) -> str:
    """Return a token that a key signs now, whatever its state, as a thief of it would."""
    sealed = SigningKey.objects.get(pk=kid).sealed_private_key
    private = Ed25519PrivateKey.from_private_bytes(unseal(sealed) or b"")
    now = int(time.time())
    claims = {"iss": ORIGIN, "sub": agent.id, "aud": ORIGIN, "iat": now, "exp": now + 60, "jti": "1"}
    return compact_token({"alg": "EdDSA", "kid": kid}, claims, private.sign)


def test_new_tokens_have_the_new_key_and_old_ones_go_on(alice: Agent) -> None:
    before = issued(alice)

    new = rotate()

    after = issued(alice)
    assert kid_of(after) == new != kid_of(before)
    assert kids() == [new, kid_of(before)]
    forget_credentials()
    assert accepts(before) and accepts(after)


def test_the_first_rotation_makes_the_first_key(alice: Agent) -> None:
    new = rotate()

    assert kids() == [new]
    assert kid_of(issued(alice)) == new


def test_the_old_key_lasts_until_its_last_token_is_over(
    alice: Agent, time_machine: TimeMachineFixture
) -> None:
    now = timezone.now().replace(microsecond=0)
    time_machine.move_to(now, tick=False)
    last = issued(alice, ttl_seconds=TTL)
    old, new = kid_of(last), rotate()
    lasts = SigningKey.objects.get(pk=old).expires_at
    assert lasts is not None
    over = now + timedelta(seconds=TTL + LEEWAY)
    assert over <= lasts <= over + timedelta(seconds=10), "no sooner, and hardly later"

    grow_older(TTL)
    time_machine.move_to(over - timedelta(microseconds=1), tick=False)
    forget_credentials()
    assert accepts(last)
    assert accepts(signed_now(old, alice)), "so it is the key that ends below"
    assert kids() == [new, old]

    grow_older(LEEWAY + 10)
    forget_credentials()
    assert_refused(last)
    assert_refused(signed_now(old, alice))
    assert kids() == [new]
    assert accepts(issued(alice))


def test_a_second_rotation_has_to_wait_or_be_forced(alice: Agent) -> None:
    first = issued(alice)
    rotate()
    second = issued(alice)
    accepted = kids()

    with pytest.raises(CommandError, match="force"):
        command("rotate")
    with pytest.raises(Refusal) as refused:
        signing_keys.rotate()
    assert refused.value.code == "rotation_in_grace"
    assert kids() == accepted

    third = rotate("--force")

    forget_credentials()
    assert kids() == [third, kid_of(second)]
    assert accepts(second) and accepts(issued(alice))
    assert_refused(first)
    assert_refused(signed_now(kid_of(first), alice))


def test_a_forced_end_takes_effect_within_a_second(alice: Agent, clock: Clock) -> None:
    first = issued(alice)
    rotate()
    assert accepts(first)
    rotate("--force")

    clock.now += 0.5
    accepts(first)  # being used does not keep it in the cache
    clock.now += 0.5

    assert_refused(first)


def test_force_changes_nothing_where_there_is_nothing_to_end(alice: Agent) -> None:
    first = issued(alice)

    new = rotate("--force")

    forget_credentials()
    assert kids() == [new, kid_of(first)]
    assert accepts(first)


def test_after_the_grace_no_force_is_needed(alice: Agent) -> None:
    issued(alice)
    second = rotate()
    grow_older(TTL + LEEWAY + 1)

    third = rotate()

    assert kids() == [third, second]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("force", [False, True])
def test_two_rotations_at_once_leave_two_keys_live(force: bool) -> None:
    signing_keys.signer()

    def rotated() -> str:
        try:
            return signing_keys.rotate(force=force).kid
        except Refusal as refusal:
            return refusal.code

    outcomes = at_once(rotated, rotated)

    assert outcomes.count("rotation_in_grace") in ((0, 1) if force else (1,))
    assert len(kids()) == 2
    assert SigningKey.objects.filter(signs=True).count() == 1


def test_the_list_says_which_key_signs_and_until_when_the_other_is_accepted(alice: Agent) -> None:
    assert command("list") == ""
    old = kid_of(issued(alice))
    new = rotate()

    lines = [line.split("\t") for line in command("list").splitlines()]

    assert [line[0] for line in lines] == [new, old]
    assert lines[0][2] == "signs"
    until = re.fullmatch(r"until (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}Z)", lines[1][2])
    assert until
    ahead = datetime.fromisoformat(until[1]) - timezone.now()
    assert timedelta(minutes=59) < ahead <= timedelta(seconds=TTL + LEEWAY)
    for line in lines:
        made = timezone.now() - datetime.fromisoformat(line[1])
        assert timedelta(0) <= made < timedelta(minutes=2)


@cases("arguments", [[], ["rotate", "now"], ["delete"], ["list", "--force"]])
def test_any_other_use_of_the_command_is_an_error(db: None, arguments: list[str]) -> None:
    command("list")

    with pytest.raises(CommandError):
        command(*arguments)


def test_neither_verb_shows_a_secret(alice: Agent) -> None:
    issued(alice)
    out = rotate() + command("list")

    for key in SigningKey.objects.all():
        assert key.sealed_private_key not in out
        assert (unseal(key.sealed_private_key) or b"").hex() not in out
