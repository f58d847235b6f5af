"""Tokens that try to choose how they are verified: `alg`, and what else a header may say."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.tokens import signing_keys
from tests.cases import cases
from tests.cast import Agent
from tests.tokens.presenting import accepts, assert_refused
from tests.tokens.signing import Signer, base64url, compact_token, hub_token, issued, public_text

DER = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
PEM = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
OPENSSH = (Encoding.OpenSSH, PublicFormat.OpenSSH)

# What a confused verifier might take for the secret of an HMAC: all that is public of a key.
ENCODINGS: dict[str, Callable[[Signer], bytes]] = {
    "raw": lambda signer: raw_of(signer),
    "hex": lambda signer: raw_of(signer).hex().encode(),
    "base64": lambda signer: base64.b64encode(raw_of(signer)),
    "base64url": lambda signer: base64url(raw_of(signer)).encode(),
    "DER": lambda signer: signer.private_key.public_key().public_bytes(*DER),
    "base64 of DER": lambda signer: base64.b64encode(signer.private_key.public_key().public_bytes(*DER)),
    "PEM": lambda signer: signer.private_key.public_key().public_bytes(*PEM),
    "PEM without its last newline": lambda signer: signer.private_key.public_key().public_bytes(*PEM).strip(),
    "PEM with CRLF": lambda signer: (
        signer.private_key.public_key().public_bytes(*PEM).replace(b"\n", b"\r\n")
    ),
    "OpenSSH": lambda signer: signer.private_key.public_key().public_bytes(*OPENSSH),
    "as registered": lambda signer: public_text(signer.private_key).encode(),
    "JWK": lambda signer: msgspec.json.encode(
        {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw_of(signer))}
    ),
    "nothing": lambda signer: b"",
}


def raw_of(signer: Signer) -> bytes:
    return signer.private_key.public_key().public_bytes_raw()


def with_alg(signer: Signer, alg: Any, sign: Callable[[bytes], bytes]) -> str:
    """Return the signer's good token, but for the algorithm and the signature."""
    return compact_token({**signer.header(), "alg": alg}, signer.claims(), sign)


def test_it_is_the_algorithm_alone_that_these_tests_change(signer: Signer) -> None:
    assert accepts(with_alg(signer, "EdDSA", signer.private_key.sign))


@cases("alg", ["none", "None", "NONE", "nOnE", "", None, 0, [], ["none"], ["EdDSA"], {}])
def test_none_is_no_algorithm(signer: Signer, alg: Any) -> None:
    assert_refused(with_alg(signer, alg, lambda signed: b""))
    assert_refused(with_alg(signer, alg, signer.private_key.sign))


def test_a_header_without_an_algorithm_is_refused(signer: Signer) -> None:
    assert_refused(signer.compact(signer.header(alg=None), signer.claims()))
    assert_refused(signer.compact({}, signer.claims()))


def test_a_good_header_without_a_signature_is_refused(signer: Signer) -> None:
    assert_refused(compact_token(signer.header(), signer.claims(), lambda signed: b""))
    assert_refused(compact_token(signer.header(), signer.claims(), lambda signed: bytes(64)))


@cases("encoding", ENCODINGS)
@cases("alg", ["HS256", "HS384", "HS512"])
def test_the_public_key_is_no_secret_of_an_hmac(signer: Signer, alg: str, encoding: str) -> None:
    secret, digest = ENCODINGS[encoding](signer), f"sha{alg[2:]}"

    assert_refused(with_alg(signer, alg, lambda signed: hmac.digest(secret, signed, digest)))
    assert_refused(with_alg(signer, "EdDSA", lambda signed: hmac.digest(secret, signed, digest)))


@pytest.mark.parametrize("alg", ["HS256", "none"])
def test_nor_is_the_hubs(alice: Agent, alg: str) -> None:
    token = issued(alice)
    assert accepts(token)
    key = signing_keys.published()[0]
    claims = base64.urlsafe_b64decode(token.split(".")[1] + "==")

    def sign(signed: bytes) -> bytes:
        return hmac.digest(bytes(key.public_key), signed, "sha256") if alg == "HS256" else b""

    assert_refused(compact_token({"alg": alg, "kid": key.kid}, claims, sign))


@pytest.mark.parametrize("alg", ["RS256", "PS256", "EdDSA"])
def test_rsa_is_refused(signer: Signer, alg: str) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def sign(signed: bytes) -> bytes:
        if alg == "PS256":
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            return private.sign(signed, pss, hashes.SHA256())
        return private.sign(signed, padding.PKCS1v15(), hashes.SHA256())

    assert_refused(with_alg(signer, alg, sign))


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_ecdsa_is_refused(signer: Signer, alg: str) -> None:
    private = ec.generate_private_key(ec.SECP256R1())

    assert_refused(with_alg(signer, alg, lambda signed: private.sign(signed, ec.ECDSA(hashes.SHA256()))))


@pytest.mark.parametrize("alg", ["EdDSA", "Ed448"])
def test_ed448_is_refused(signer: Signer, alg: str) -> None:
    private = ed448.Ed448PrivateKey.generate()

    assert_refused(with_alg(signer, alg, private.sign))
    assert_refused(with_alg(signer, alg, lambda signed: private.sign(signed)[:64]))


@cases("alg", ["eddsa", "EDDSA", "EdDSA ", "Ed25519", "ed25519", "RS256", "HS256"])
def test_the_algorithm_has_one_name(signer: Signer, alg: str) -> None:
    assert_refused(with_alg(signer, alg, signer.private_key.sign))


def jwk_of(signer: Signer) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url(raw_of(signer))}


@cases(
    ("member", "value"),
    [
        ("crit", []),
        ("crit", ["exp"]),
        ("crit", ["b64"]),
        ("crit", None),
        ("b64", False),
        ("b64", True),
        ("jwk", {}),
        ("jku", "https://evil.example/jwks.json"),
        ("jku", "http://testserver/.well-known/jwks.json"),
        ("x5u", "https://evil.example/cert.pem"),
        ("x5c", ["MIIB"]),
        ("x5t", "AAAA"),
        ("x5t#S256", "AAAA"),
        ("cty", "JWT"),
        ("zip", "DEF"),
        ("enc", "A256GCM"),
        ("iss", "sess_01HX9J2N3PQRSTVWXYZ0123456"),
        ("nonce", "1"),
        ("", ""),
        ("ALG", "none"),
    ],
)
def test_a_header_says_nothing_but_alg_kid_and_typ(signer: Signer, member: str, value: Any) -> None:
    header, claims = signer.header(), signer.claims()
    assert accepts(signer.compact(header, claims))

    assert_refused(signer.compact({**header, member: value}, claims))


def test_a_key_in_the_header_verifies_nothing(signer: Signer, sibling: Signer) -> None:
    """The sibling signs in the signer's name and brings its own key along."""
    for member in ({"jwk": jwk_of(sibling)}, {"jwk": {**jwk_of(sibling), "kid": signer.id}}):
        assert_refused(sibling.compact({**signer.header(), **member}, signer.claims()))
    # Not even the right key may be brought.
    assert_refused(signer.compact({**signer.header(), "jwk": jwk_of(signer)}, signer.claims()))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "Jwt"])
def test_the_type_is_jwt_in_any_case_or_none_at_all(signer: Signer, typ: str) -> None:
    assert accepts(signer.compact(signer.header(typ=typ), signer.claims()))
    assert accepts(signer.compact(signer.header(typ=None), signer.claims()))


@cases("typ", ["", "at+jwt", "JWE", "JOSE", "application/jwt", "JWT\n", " JWT", 1, ["JWT"], {}])
def test_any_other_type_is_refused(signer: Signer, typ: Any) -> None:
    assert_refused(signer.compact(signer.header(typ=typ), signer.claims()))


def test_of_a_header_member_written_twice_no_reader_takes_the_first(signer: Signer, sibling: Signer) -> None:
    """RFC 7515 §4 leaves it to refuse both or to take the last; what matters is that all do the same."""
    own, other = f'"kid":"{signer.id}"', f'"kid":"{sibling.id}"'
    claims = signer.claims()
    assert accepts(signer.compact(f'{{"alg":"EdDSA",{own}}}'.encode(), claims))

    assert_refused(signer.compact(f'{{"alg":"EdDSA",{own},{other}}}'.encode(), claims))
    assert_refused(signer.compact(f'{{"alg":"EdDSA",{other},{own}}}'.encode(), sibling.claims()))
    assert_refused(signer.compact(f'{{"alg":"EdDSA",{own},"alg":"none"}}'.encode(), claims))
    assert_refused(signer.compact(f'{{"alg":"none",{own},"alg":"EdDSA"}}'.encode(), claims))


def test_a_token_that_the_hub_did_not_sign_is_not_the_hubs(signer: Signer) -> None:
    assert accepts(hub_token(signer.agent))
    kid = signing_keys.published()[0].kid
    claims = signer.claims(iss="http://testserver")

    assert_refused(signer.compact({"alg": "EdDSA", "kid": kid}, claims))
    assert_refused(signer.compact(signer.header(), claims))


def test_a_thumbprint_of_a_sessions_key_is_no_kid(signer: Signer) -> None:
    digest = hashlib.sha256(
        msgspec.json.encode({"crv": "Ed25519", "kty": "OKP", "x": base64url(raw_of(signer))})
    ).digest()

    assert_refused(signer.compact(signer.header(kid=base64url(digest)), signer.claims()))
