"""The hub's signing keys: made at first use, published, sealed."""

import base64
import hashlib
import json
from functools import partial

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.sealing import seal, unseal
from hub.tokens import signing_keys
from hub.tokens.models import SigningKey
from tests.at_once import at_once
from tests.cast import Agent
from tests.tokens.presenting import accepts, assert_refused
from tests.tokens.rotation import JWKS, kid_of, kids, published, rotate
from tests.tokens.signing import ORIGIN, base64url, compact_token, issued


def test_the_first_token_makes_a_key_and_the_next_uses_it(alice: Agent) -> None:
    assert kids() == []

    first = issued(alice)

    assert kids() == [kid_of(first)] == [kid_of(issued(alice))]
    assert SigningKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sealed_with", ["this SECRET_KEY", "another", "none"])
def test_processes_that_need_a_key_at_once_make_one(settings: Settings, sealed_with: str) -> None:
    if sealed_with != "none":
        signing_keys.signer()
    if sealed_with == "another":
        settings.SECRET_KEY = "another"

    used = at_once(*[signing_keys.signer] * 4)

    assert len({kid for kid, _ in used}) == 1
    assert SigningKey.objects.filter(signs=True).count() == 1
    assert SigningKey.objects.count() == (2 if sealed_with == "another" else 1)


@pytest.mark.django_db(transaction=True)
def test_requests_that_need_a_key_at_once_get_good_tokens(alice: Agent, bob: Agent) -> None:
    tokens = at_once(*[partial(issued, agent) for agent in (alice, bob, alice, bob)])

    assert {kid_of(token) for token in tokens} == set(kids())
    assert len(kids()) == 1
    assert all(map(accepts, tokens))


def test_anybody_may_get_the_keys(alice: Agent) -> None:
    issued(alice)

    answer = Agent(None).get(JWKS)

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert set(answer.json) == {"keys"}
    assert alice.get(JWKS).json == answer.json
    assert Agent(None).post(JWKS, {}).status == 405


def test_a_key_is_published_as_rfc_8037_has_it_and_its_secret_is_not(alice: Agent) -> None:
    issued(alice)
    stored = SigningKey.objects.get()

    (key,) = published()

    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "EdDSA", "sig")
    assert key["x"] == base64url(bytes(stored.public_key))
    members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": key["x"]}, separators=(",", ":"))
    assert key["kid"] == base64url(hashlib.sha256(members.encode()).digest())  # RFC 7638 §3


def test_whoever_has_the_keys_can_verify_a_token(alice: Agent) -> None:
    """As a service does that the hub knows nothing of."""
    before, _, token = issued(alice), rotate(), issued(alice)
    keys = jwt.PyJWKSet.from_dict({"keys": published()})

    for each in (before, token):
        key = keys[kid_of(each)]
        claims = jwt.decode(each, key, audience=ORIGIN, issuer=ORIGIN)
        assert claims["sub"] == alice.id
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, keys[kid_of(before)], audience=ORIGIN, issuer=ORIGIN)


def test_the_private_half_lies_sealed(alice: Agent) -> None:
    kid = kid_of(issued(alice))
    row = SigningKey.objects.get(pk=kid)
    private = unseal(row.sealed_private_key)

    assert private is not None and len(private) == 32
    public = Ed25519PrivateKey.from_private_bytes(private).public_key()
    assert public.public_bytes_raw() == bytes(row.public_key)
    for spelling in (base64.b64encode(private), base64.urlsafe_b64encode(private), private.hex().encode()):
        assert spelling.rstrip(b"=").decode() not in row.sealed_private_key


@pytest.mark.parametrize("fallbacks", [[], ["not it either"]])
def test_a_key_that_cannot_be_unsealed_is_replaced(
    alice: Agent, settings: Settings, fallbacks: list[str]
) -> None:
    before = issued(alice)

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "changed", fallbacks
    after = issued(alice)

    assert kid_of(after) != kid_of(before)
    assert kids() == [kid_of(after), kid_of(before)]
    assert accepts(after)
    assert accepts(before), "its signature needs no secret to be verified"
    assert kid_of(issued(alice)) == kid_of(after)


def test_a_key_of_the_secret_before_goes_on_signing(alice: Agent, settings: Settings) -> None:
    before = issued(alice)

    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "changed"
    after = issued(alice)

    assert kid_of(after) == kid_of(before)
    assert len(kids()) == 1
    assert accepts(after) and accepts(before)


def test_what_was_sealed_is_for_this_hub_alone(settings: Settings) -> None:
    sealed = seal(b"secret")
    assert unseal(sealed) == b"secret"
    assert seal(b"secret") != sealed, "equal contents do not show"

    for wrong in ("", "x", sealed[:-1], sealed[:-8] + "AAAAAA==", sealed.swapcase()):
        assert unseal(wrong) is None
    settings.SECRET_KEY = "changed"
    assert unseal(sealed) is None


def test_tokens_of_a_hub_with_another_database_are_refused(
    alice: Agent, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = issued(alice)
    other = Ed25519PrivateKey.generate()
    claims = base64.urlsafe_b64decode(token.split(".")[1] + "==")

    assert_refused(compact_token({"alg": "EdDSA", "kid": kid_of(token)}, claims, other.sign))
    assert accepts(token)
