"""Sessions with key pairs, the tokens that they sign, and tokens signed with the hub's own key."""

import base64
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.sessions.models import Session
from hub.tokens import signing_keys
from tests.cast import Agent, new_agent

ORIGIN = "http://testserver"  # HUB_ORIGIN of the tests


def public_text(private_key: Ed25519PrivateKey) -> str:
    """Return the public half as a session registers it."""
    der = private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "ed25519:" + base64.b64encode(der).decode()


def base64url(content: bytes) -> str:
    """Return base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def compact_token(
    header: Mapping[str, Any] | bytes, claims: Mapping[str, Any] | bytes, sign: Callable[[bytes], bytes]
) -> str:
    """Return a token in the compact form (RFC 7515 §7.1), whatever it says; bytes stay as they are."""
    parts = [part if isinstance(part, bytes) else msgspec.json.encode(part) for part in (header, claims)]
    signed = ".".join(base64url(part) for part in parts)
    return f"{signed}.{base64url(sign(signed.encode()))}"


def issued(agent: Agent, *, of: Agent | None = None, **wishes: Any) -> str:
    """Return a token that the hub issues to an agent, for its own session or that `of` another."""
    answer = agent.post(f"sessions/{(of or agent).id}/token", wishes)
    assert answer.status == 200, answer.json
    return str(answer.json["token"])


def hub_token(agent: Agent, **changes: Any) -> str:
    """Return a token for an agent's session that the hub's own key signs, whatever it says.

    `changes` are laid over the claims of a good one; a change to None leaves the claim out.
    """
    kid, private_key = signing_keys.signer()
    good = {"iss": ORIGIN, "sub": agent.id, **_times_and_names(), "scope": "read write"}
    claims = {name: value for name, value in {**good, **changes}.items() if value is not None}
    return compact_token({"alg": "EdDSA", "kid": kid}, claims, private_key.sign)


def _times_and_names() -> dict[str, Any]:
    now = int(time.time())
    return {"aud": ORIGIN, "iat": now, "exp": now + 300, "jti": uuid.uuid4().hex}


class Signer:
    """A session with a key pair.

    Attributes:
        agent: calls with the API key that registered the session.
    """

    def __init__(self, key: str, name: str, **said: Any) -> None:
        self.private_key = Ed25519PrivateKey.generate()
        self.agent = new_agent(key, name, public_key=public_text(self.private_key), **said)

    @property
    def id(self) -> str:
        """The id of the session."""
        return self.agent.id

    @property
    def session(self) -> Session:
        """The session."""
        assert self.agent.session is not None
        return self.agent.session

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good token; a change to None leaves the claim out."""
        good = {"iss": self.id, "sub": self.id, **_times_and_names()}
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def token(self, **changes: Any) -> str:
        """Return a token that the session signs; `changes` are laid over the claims of a good one."""
        claims, headers = self.claims(**changes), {"kid": self.id}
        return jwt.encode(claims, self.private_key, algorithm="EdDSA", headers=headers)

    def header(self, **changes: Any) -> dict[str, Any]:
        """Return the header of a good token; a change to None leaves the member out."""
        good = {"alg": "EdDSA", "kid": self.id, "typ": "JWT"}
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def compact(self, header: Mapping[str, Any] | bytes, claims: Mapping[str, Any] | bytes) -> str:
        """Return a token of just this header and these claims, which the session signs."""
        return compact_token(header, claims, self.private_key.sign)

    def written(self, **texts: str) -> str:
        """Return a token whose named claims are these JSON texts; `{now}` in them is the second's number."""
        now = str(int(time.time()))
        members = {name: msgspec.json.encode(value).decode() for name, value in self.claims().items()}
        members |= {name: text.replace("{now}", now) for name, text in texts.items()}
        object_text = ",".join(f'"{name}":{text}' for name, text in members.items())
        return self.compact(self.header(), f"{{{object_text}}}".encode())

    def bearer(self, **changes: Any) -> Agent:
        """Return an agent that calls with a token of the session's own."""
        return Agent(None, self.session, token=self.token(**changes))
