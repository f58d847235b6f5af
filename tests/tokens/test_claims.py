"""What a token has to claim, in which types, and between which times."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from time_machine import TimeMachineFixture

from tests.cases import cases
from tests.clock import Clock
from tests.rows import forget_credentials
from tests.tokens.presenting import accepts, assert_refused, present
from tests.tokens.signing import Signer, hub_token

REQUIRED = ["iss", "sub", "aud", "iat", "exp", "jti"]
NOW = datetime(2026, 4, 6, 9, tzinfo=UTC)
LEEWAY = timedelta(seconds=30)
TICK = timedelta(microseconds=1)


@pytest.fixture
def frozen(signer: Signer, time_machine: TimeMachineFixture) -> int:
    """The second's number at which the clock stands still."""
    time_machine.move_to(NOW, tick=False)
    return int(NOW.timestamp())


@cases("claim", REQUIRED)
def test_every_required_claim_is_required(signer: Signer, claim: str) -> None:
    assert accepts(signer.token())

    assert_refused(signer.token(**{claim: None}))
    assert_refused(signer.written(**{claim: "null"}))
    assert_refused(hub_token(signer.agent, **{claim: None}))


@cases(
    "aud",
    [
        None,
        "",
        [],
        ["http://testserver"],
        ["http://testserver", "http://testserver"],
        ["http://testserver", "https://other.example"],
        {"http://testserver": True},
        "http://testserver/",
        "http://testserver/api/v1",
        "http://testserver:80",
        "http://testserve",
        "http://testserver.evil.example",
        "http://testserver ",
        " http://testserver",
        "http://testserver\0",
        "HTTP://testserver",
        "http://TESTSERVER",
        "https://testserver",
        "testserver",
        "*",
        "http://evil.example",
        "http://testserver http://evil.example",
        True,
        0,
    ],
)
def test_the_audience_is_the_hubs_origin_and_nothing_else(signer: Signer, aud: Any) -> None:
    assert accepts(signer.token(aud="http://testserver"))
    assert accepts(hub_token(signer.agent, aud="http://testserver"))

    assert_refused(signer.token(aud=aud))
    assert_refused(hub_token(signer.agent, aud=aud))


def test_a_token_lasts_at_most_900_seconds(signer: Signer, frozen: int) -> None:
    assert accepts(signer.token(iat=frozen, exp=frozen + 900))
    assert accepts(signer.token(iat=frozen - 600, exp=frozen + 300))

    for iat, exp in ((0, 901), (-600, 301), (0, 900.5), (30, 931), (0, 10**10), (-(10**9), 1)):
        assert_refused(signer.token(iat=frozen + iat, exp=frozen + exp))


def test_one_of_the_hubs_lasts_at_most_an_hour(signer: Signer, frozen: int) -> None:
    assert accepts(hub_token(signer.agent, iat=frozen, exp=frozen + 3600))

    assert_refused(hub_token(signer.agent, iat=frozen, exp=frozen + 3601))


@cases(("iat", "exp"), [(0, 0), (0, -1), (20, 10), (-10, -10), (30, 1)])
def test_a_token_does_not_end_before_it_begins(signer: Signer, frozen: int, iat: int, exp: int) -> None:
    assert accepts(signer.token(iat=frozen - 40, exp=frozen + exp))

    assert_refused(signer.token(iat=frozen + iat, exp=frozen + exp))


def test_it_ends_30_seconds_after_its_expiry(
    signer: Signer, frozen: int, time_machine: TimeMachineFixture
) -> None:
    token = signer.token(iat=frozen - 900, exp=frozen)

    time_machine.move_to(NOW + LEEWAY - TICK, tick=False)
    assert accepts(token)
    forget_credentials()
    assert accepts(token)

    time_machine.move_to(NOW + LEEWAY, tick=False)
    forget_credentials()
    assert_refused(token)


def test_it_ends_in_the_cache_too(
    signer: Signer, frozen: int, clock: Clock, time_machine: TimeMachineFixture
) -> None:
    token = signer.token(iat=frozen - 900, exp=frozen)
    time_machine.move_to(NOW + LEEWAY - TICK, tick=False)
    assert accepts(token)

    time_machine.move_to(NOW + LEEWAY, tick=False)

    assert_refused(token)


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_it_begins_30_seconds_before_its_time(
    signer: Signer, frozen: int, time_machine: TimeMachineFixture, claim: str
) -> None:
    token = signer.token(**{claim: frozen + 30, "exp": frozen + 300})

    time_machine.move_to(NOW - TICK, tick=False)
    assert_refused(token)

    time_machine.move_to(NOW, tick=False)
    assert accepts(token)


@cases("claim", ["iat", "nbf"])
@cases("ahead", [31, 60, 250])
def test_a_token_of_the_future_is_refused(signer: Signer, frozen: int, claim: str, ahead: int) -> None:
    assert accepts(signer.token(**{claim: frozen - ahead}))

    assert_refused(signer.token(**{claim: frozen + ahead}))
    assert_refused(hub_token(signer.agent, **{claim: frozen + ahead}))


@cases("behind", [30, 31, 3600, 10**9])
def test_an_expired_token_is_refused(signer: Signer, frozen: int, behind: int) -> None:
    exp = frozen - behind

    assert_refused(signer.token(iat=exp - 300, exp=exp))
    assert_refused(hub_token(signer.agent, iat=exp - 300, exp=exp))


def test_a_time_is_any_json_number(signer: Signer, frozen: int) -> None:
    """RFC 7519 §2: a NumericDate may have a fraction."""
    assert accepts(signer.written(iat="{now}.25", exp=f"{frozen + 300}.5"))
    assert accepts(signer.written(iat="{now}.0e0", exp=f"{(frozen + 300) // 10}e1", nbf="-0"))
    assert accepts(signer.written(nbf="{now}.75"))


@cases("claim", ["iat", "exp", "nbf"])
@cases(
    "text",
    [
        '"{now}"',
        '" {now} "',
        '"0"',
        "true",
        "false",
        "[]",
        "[{now}]",
        "{}",
        '"2026-04-06T09:00:00Z"',
        '""',
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "1e308",
        "9" * 400,
        "9" * 1000,
        "18446744073709551616",
        "[" * 1200 + "]" * 1200,
    ],
)
def test_a_time_that_is_no_number_of_ours_is_refused(
    signer: Signer, frozen: int, claim: str, text: str
) -> None:
    if claim == "exp":
        text = text.replace("{now}", str(frozen + 300))
    assert accepts(signer.written(iat="{now}", exp=str(frozen + 300), nbf="{now}"))

    assert_refused(signer.written(**{claim: text}))


@pytest.mark.parametrize("text", ["-1", "-1e308", "-0.5"])
def test_a_time_before_1970_is_long_past(signer: Signer, text: str) -> None:
    assert accepts(signer.written(nbf=text))

    assert_refused(signer.written(iat=text))
    assert_refused(signer.written(exp=text))
    assert_refused(signer.written(iat=text, exp=text))


@cases("claim", ["iss", "sub", "aud", "jti"])
@cases("text", ["1", "true", "false", "[]", "{}", '["{value}"]', '{"a":"{value}"}', '""', "0"])
def test_a_name_that_is_no_text_is_refused(signer: Signer, claim: str, text: str) -> None:
    value = str(signer.claims()[claim])
    assert accepts(signer.written(**{claim: f'"{value}"'}))

    assert_refused(signer.written(**{claim: text.replace("{value}", value)}))


def test_a_token_id_has_1_to_255_characters(signer: Signer) -> None:
    assert accepts(signer.token(jti="x"))
    assert accepts(signer.token(jti="x" * 255))

    assert_refused(signer.token(jti="x" * 256))
    assert_refused(signer.token(jti=""))


def test_other_claims_are_ignored(signer: Signer, foreigner: Signer) -> None:
    """RFC 7519 §4. Above all, no claim chooses the realm or the key."""
    foreign = foreigner.session
    token = signer.token(
        realm=foreign.realm_id,
        realm_id=foreign.realm_id,
        key=foreign.key_id,
        admin=True,
        note={"a": [1, None]},
    )

    listed = signer.bearer(realm=foreign.realm_id).get("sessions").json["sessions"]

    assert accepts(token)
    assert [session["id"] for session in listed] == [signer.id]


def test_deep_nesting_breaks_nothing(signer: Signer) -> None:
    """Whether a claim that nobody reads may be nested so deep is up to Python's parser."""
    lists, objects = "[" * 1200 + "]" * 1200, '{"a":' * 400 + "1" + "}" * 400

    for text in (lists, objects):
        assert present(signer.written(note=text)).status in (200, 401)
        assert_refused(signer.written(sub=text))
        assert_refused(signer.compact(f'{{"alg":"EdDSA","kid":{text}}}'.encode(), signer.claims()))


@cases("claim", ["sub", "aud", "exp", "scope"])
def test_of_a_claim_written_twice_the_last_counts(signer: Signer, sibling: Signer, claim: str) -> None:
    """RFC 7519 §4 allows it, or to refuse both; there is no reader that takes the first."""
    bad = {"sub": f'"{sibling.id}"', "aud": '"http://evil.example"', "exp": "1", "scope": '"admin"'}[claim]
    good = {**signer.claims(), "scope": "read"}[claim]
    quoted = good if isinstance(good, int) else f'"{good}"'

    assert accepts(signer.written(**{claim: f'{bad},"{claim}":{quoted}'}))
    assert_refused(signer.written(**{claim: f'{quoted},"{claim}":{bad}'}))
