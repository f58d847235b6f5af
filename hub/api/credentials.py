"""Credentials: from a request's headers to its caller."""

from hub.sessions.acting import Caller
from realms import keys
from realms.refusal import Refusal

KEY_HEADER = "X-AISP-Key"
SESSION_HEADER = "X-AISP-Session"
READ, WRITE = "read", "write"


def authenticate(
    *, api_key: str | None, authorization: str | None, named_session: str | None, request_id: str
) -> Caller:
    """Return who presents these headers.

    Raises:
        Refusal: `ambiguous_credentials`, `invalid_credentials`, `key_expired`, `key_revoked`,
            `realm_suspended`.
    """
    if api_key is not None and authorization is not None:
        raise Refusal("ambiguous_credentials")
    identity = keys.look_up(api_key) if api_key is not None else None
    if identity is None:
        raise Refusal("invalid_credentials")
    identity.refuse_unless_live()
    return Caller(key=identity, named_session=named_session, request_id=request_id)


def check_scope(caller: Caller, method: str) -> None:
    """Raise `Refusal` `scope_missing` unless the credential covers the HTTP method."""
    scope = READ if method == "GET" else WRITE
    if scope not in caller.key.scopes:
        raise Refusal("scope_missing", f"This needs the scope `{scope}`, which the API key does not have.")
