"""Credentials: from a request's headers to its caller."""

from collections.abc import Mapping

from hub.sessions.acting import Caller
from realms import keys
from realms.refusal import Refusal

READ, WRITE = "read", "write"


def authenticate(method: str, headers: Mapping[str, str], request_id: str) -> Caller:
    """Return who sends a request, and may send one with its HTTP method.

    Args:
        headers: the request's, by names in lower case.

    Raises:
        Refusal: `ambiguous_credentials`, `invalid_credentials`, `key_expired`, `key_revoked`,
            `realm_suspended`, `scope_missing`.
    """
    api_key = headers.get("x-aisp-key")
    if api_key is not None and "authorization" in headers:
        raise Refusal("ambiguous_credentials")
    identity = keys.look_up(api_key) if api_key is not None else None
    if identity is None:
        raise Refusal("invalid_credentials")
    identity.refuse_unless_live()
    scope = READ if method == "GET" else WRITE
    if scope not in identity.scopes:
        raise Refusal("scope_missing", f"This needs the scope `{scope}`, which the API key does not have.")
    return Caller(key=identity, named_session=headers.get("x-aisp-session"), request_id=request_id)
