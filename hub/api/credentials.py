"""Credentials: from a request's headers to its caller, who is known, within limits, and in scope."""

from collections.abc import Mapping

from hub.activity.rules import REFUSED, REQUESTS, note
from hub.api import accepted, limits
from hub.api.exchange import Exchange
from hub.api.limits import READ, WRITE
from hub.sessions.acting import Caller, SessionToken
from hub.tokens import verifier
from realms import identity
from realms.identity import KeyIdentity
from realms.refusal import Refusal

BEARER = "bearer "


def admit(exchange: Exchange) -> Caller:
    """Return who sends a request, and note in its exchange the caller and how the caller's limits stand.

    Raises:
        Refusal: `ambiguous_credentials`, `invalid_credentials`, `key_expired`, `key_revoked`,
            `rate_limited`, `realm_suspended`, `scope_missing`.
    """
    if not accepted.is_known(exchange.headers):
        limits.refuse_busy_address(exchange.address)
    try:
        key, scopes, token = _identified(exchange.headers)
    except Refusal as refusal:
        accepted.forget(exchange.headers)
        refusal.headers.update(limits.count_refusal(exchange.address))
        raise
    accepted.remember(exchange.headers)
    note(key.realm_id, REQUESTS)
    scope = READ if exchange.method == "GET" else WRITE
    try:
        exchange.limit_headers = limits.count_request(key, scope)
        key.refuse_if_suspended()
        if scope not in scopes:
            raise Refusal("scope_missing", f"This needs the scope `{scope}`, which the credential lacks.")
    except Refusal as refusal:
        note(key.realm_id, REFUSED + refusal.code)
        raise
    exchange.caller = Caller(
        key=key,
        scopes=scopes,
        named_session=exchange.headers.get("x-aisp-session"),
        request_id=exchange.request_id,
        address=exchange.address,
        token=token,
    )
    return exchange.caller


def _identified(headers: Mapping[str, str]) -> tuple[KeyIdentity, frozenset[str], SessionToken | None]:
    """Return whose credential it is: live key, scopes, and the token if it is one."""
    api_key, authorization = headers.get("x-aisp-key"), headers.get("authorization")
    if api_key is not None and authorization is not None:
        raise Refusal("ambiguous_credentials")
    if api_key is not None and (key := identity.look_up(api_key)) is not None:
        _refuse_unless_live(key)
        return key, key.scopes, None
    bearer = _bearer(authorization) if authorization is not None else None
    if bearer is None:
        raise Refusal("invalid_credentials")
    try:
        _refuse_unless_live(bearer.key)
    except Refusal:
        # What became of the key is told to nobody but whoever has its secret.
        raise Refusal("invalid_credentials") from None
    return bearer.key, bearer.scopes, bearer.token


def _refuse_unless_live(key: KeyIdentity) -> None:
    try:
        key.refuse_unless_live()
    except Refusal as refusal:
        # Its realm's members see why, whatever is said to whoever called.
        note(key.realm_id, REFUSED + refusal.code)
        raise


def _bearer(authorization: str) -> verifier.Bearer | None:
    """Return who presents an Authorization header (RFC 6750 §2.1: the scheme in any case, then spaces)."""
    if authorization[: len(BEARER)].lower() != BEARER:
        return None
    return verifier.verify(authorization[len(BEARER) :].strip(" "))
