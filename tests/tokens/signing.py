"""Sessions with key pairs, and the tokens that they sign."""

import base64
import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.sessions.models import Session
from tests.cast import Agent, new_agent

ORIGIN = "http://testserver"  # HUB_ORIGIN of the tests


def public_text(private_key: Ed25519PrivateKey) -> str:
    """Return the public half as a session registers it."""
    der = private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return "ed25519:" + base64.b64encode(der).decode()


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
        now = int(time.time())
        good = {
            "iss": self.id,
            "sub": self.id,
            "aud": ORIGIN,
            "iat": now,
            "exp": now + 300,
            "jti": uuid.uuid4().hex,
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def token(self, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return a token that the session signs; `header` and `changes` are laid over the good ones."""
        headers = {"kid": self.id, **(header or {})}
        return jwt.encode(self.claims(**changes), self.private_key, algorithm="EdDSA", headers=headers)

    def bearer(self, **changes: Any) -> Agent:
        """Return an agent that calls with a token of the session's own."""
        return Agent(None, self.session, token=self.token(**changes))
