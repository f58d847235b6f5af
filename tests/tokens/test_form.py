"""How a token is written: the header Authorization, three segments of base64url, and its length."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from hub.tokens.verifier import TOKEN_CHARACTERS
from tests.cases import cases
from tests.cast import Agent, Answer
from tests.tokens.presenting import accepts, assert_refused, present, without_chance
from tests.tokens.signing import Signer

BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def authorized(value: str) -> Answer:
    return Agent(None).get("sessions", headers={"Authorization": value})


@pytest.fixture
def token(signer: Signer) -> str:
    """A good token."""
    token = signer.token()
    assert accepts(token)
    return token


@cases("scheme", ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer   "])
def test_the_scheme_has_any_case_and_spaces_after_it(token: str, scheme: str) -> None:
    assert authorized(scheme + token).status == 200


@cases(
    "value",
    [
        "{token}",
        "Bearer{token}",
        "Bearer",
        "Bearer ",
        "Bearer\t{token}",
        "Bearer \t{token}",
        "Bearer \u00a0{token}",
        "Bearer:{token}",
        "Bearer: {token}",
        "Bearer, {token}",
        'Bearer "{token}"',
        "Bearer token={token}",
        "Bearer {token} {token}",
        "Bearer {token},Bearer {token}",
        "Bearer {token} x",
        "Bearer {token}\0",
        " Bearer {token}",
        "Basic {token}",
        "Token {token}",
        "JWT {token}",
        "DPoP {token}",
        "Bearers {token}",
    ],
)
def test_any_other_way_to_write_it_is_refused(token: str, value: str) -> None:
    answer = authorized(value.replace("{token}", token))

    assert without_chance(answer) == without_chance(authorized("Bearer x"))


def test_a_token_and_a_key_together_are_ambiguous(signer: Signer, token: str) -> None:
    answer = signer.agent.get("sessions", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status, answer.code) == (400, "ambiguous_credentials")

    answer = Agent(None, token=token).get("sessions", headers={"X-AISP-Key": "x"})
    assert (answer.status, answer.code) == (400, "ambiguous_credentials")


def test_a_token_is_no_key_and_a_key_no_token(signer: Signer, token: str) -> None:
    answers = [Agent(token).get("sessions"), Agent(None, token=signer.agent.key).get("sessions")]

    for answer in answers:
        assert without_chance(answer) == without_chance(present("x"))


@cases(
    "change",
    [
        lambda head, body, sign: "",
        lambda head, body, sign: ".",
        lambda head, body, sign: "..",
        lambda head, body, sign: "....",
        lambda head, body, sign: head,
        lambda head, body, sign: f"{head}.{body}",
        lambda head, body, sign: f"{head}.{body}.",
        lambda head, body, sign: f"{head}..{sign}",
        lambda head, body, sign: f".{body}.{sign}",
        lambda head, body, sign: f".{head}.{body}.{sign}",
        lambda head, body, sign: f"{head}.{body}.{sign}.",
        lambda head, body, sign: f"{head}.{body}.{sign}.{sign}",
        lambda head, body, sign: f"{head}.{body}.{sign}.{sign}.{sign}",  # as many as a JWE has
        lambda head, body, sign: f"{head}.{head}.{body}.{sign}",
        lambda head, body, sign: f"{head}.{body}.{sign[:-1]}",
        lambda head, body, sign: f"{head}.{body}.{sign}A",
        lambda head, body, sign: f"{head}.{body}.{sign}==",
        lambda head, body, sign: f"{head}{'=' * (-len(head) % 4 or 4)}.{body}.{sign}",
        lambda head, body, sign: f"{head}!.{body}.{sign}",
        lambda head, body, sign: f"{head[:9]}\n{head[9:]}.{body}.{sign}",
        lambda head, body, sign: f"{head[:9]} {head[9:]}.{body}.{sign}",
        lambda head, body, sign: f"{head}.{body[:9]}*{body[9:]}.{sign}",
        lambda head, body, sign: f"{head}.{body}.{sign[:9]}+{sign[10:]}",
        lambda head, body, sign: f"{head}.{body}.{sign[:9]}/{sign[10:]}",
        lambda head, body, sign: f"{head}.{body}.{sign[:9]}é{sign[10:]}",
        lambda head, body, sign: f"{head}.{body}.{sign[:9]}\u0661{sign[10:]}",
        lambda head, body, sign: f"{head}.{body}.{sign[:9]}\0{sign[10:]}",
        lambda head, body, sign: f"é{head}.{body}.{sign}",
        lambda head, body, sign: f"{head[:-5]}.{body}.{sign}",
    ],
)
def test_what_is_no_token_by_its_form_costs_no_query(
    token: str, change: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    malformed: str = change(*token.split("."))

    with django_assert_num_queries(0):
        assert_refused(malformed)


@cases("padding", ["=", "==", "==="])
@cases("segment", [0, 1, 2])
def test_padding_is_refused(
    token: str, segment: int, padding: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    parts = token.split(".")
    parts[segment] += padding

    with django_assert_num_queries(0):
        assert_refused(".".join(parts))


@pytest.mark.parametrize("segment", [0, 1, 2])
def test_a_segment_has_one_spelling(signer: Signer, segment: int) -> None:
    """Else whoever sees a token could make others of it that are as good."""
    variants = [
        signer.compact(signer.header(typ=typ), signer.claims(note="x" * length)).split(".")
        for typ in ("JWT", None)
        for length in range(3)
    ]
    # The last character of such a segment has surplus bits (RFC 4648 §3.5).
    parts = next(parts for parts in variants if len(parts[segment]) % 4)
    assert accepts(".".join(parts))

    last = BASE64URL[BASE64URL.index(parts[segment][-1]) ^ 1]
    parts[segment] = parts[segment][:-1] + last

    assert_refused(".".join(parts))


def test_a_token_has_at_most_4096_characters(
    signer: Signer, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def token_of(filler: int) -> str:
        return signer.compact(signer.header(), signer.claims(note="x" * filler))

    longest = next(token for token in map(token_of, range(2600, 3100)) if len(token) >= TOKEN_CHARACTERS - 1)
    assert len(longest) <= 4096 and accepts(longest)
    longer = next(token for token in map(token_of, range(2600, 3100)) if len(token) > TOKEN_CHARACTERS)
    assert len(longer) <= 4099

    with django_assert_num_queries(0):
        assert_refused(longer)
        assert_refused(token_of(10_240))


@cases("header", [b"", b"x", b"null", b"[]", b"1", b'"EdDSA"', b"{", b"\xff", b'{"alg":"EdDSA"}x', b"{}"])
def test_a_header_that_is_no_object_costs_no_query(
    signer: Signer, header: bytes, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = signer.compact(header, signer.claims())

    with django_assert_num_queries(0):
        assert_refused(token)


@cases("form", ["UTF-16", "BOM", "NaN member", "single quotes", "comment"])
def test_a_header_is_json_in_utf_8(signer: Signer, form: str) -> None:
    text = f'{{"alg":"EdDSA","kid":"{signer.id}"}}'
    assert accepts(signer.compact(text.encode(), signer.claims()))
    header = {
        "UTF-16": text.encode("utf-16"),
        "BOM": text.encode("utf-8-sig"),
        "NaN member": text.replace("{", '{"typ":NaN,').encode(),
        "single quotes": text.replace('"', "'").encode(),
        "comment": f"{text}//".encode(),
    }[form]

    assert_refused(signer.compact(header, signer.claims()))


@cases("claims", [b"", b"x", b"null", b"[]", b"1", b'"x"', b"{", b"\xff", b"{}", b"[" * 2500, b"{" * 2500])
def test_claims_that_are_no_object_are_refused(signer: Signer, claims: bytes) -> None:
    assert_refused(signer.compact(signer.header(), claims))
