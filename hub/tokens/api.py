"""Tokens: the viewset of the hub's public keys. Issuing one is an operation of sessions."""

from hub.api import examples
from hub.api.endpoint import Answer, endpoint
from hub.api.viewset import HubViewSet
from hub.tokens.bodies import SigningKeySet
from hub.tokens.signing_keys import jwk_of, published

CACHE = "public, max-age=300"


class SigningKeyViewSet(HubViewSet):
    """The keys that verify the hub's tokens."""

    caller = None  # type: ignore[assignment]  # anybody may read them

    @endpoint("Get the hub's public keys", answer=SigningKeySet, public=True, example=examples.JWKS)
    def jwks(self, _: None) -> Answer:
        """A JWK set (RFC 7517) of the Ed25519 keys that sign the tokens which the hub issues: one, or two
        for an hour after a rotation.
        """
        keys = SigningKeySet(keys=[jwk_of(key) for key in published()])
        return Answer(keys, {"Cache-Control": CACHE})
