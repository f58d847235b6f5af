"""Who asks, and as which session it acts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypedDict

from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now
from django_stubs_ext import WithAnnotations

from hub.prepared import PreparedQuery, PreparedUpdate
from hub.sessions.models import Session
from realms.audit.actor import Actor, Kind
from realms.identity import KeyIdentity
from realms.ids import KEY, REALM, SESSION, parse_id
from realms.refusal import Refusal, refusal_at

# `last_seen` is written at most this often, so that a busy session does not rewrite its row each time.
SEEN_GRAIN_SECONDS = 10

_STALE = Q(last_seen__lt=Now() - timedelta(seconds=SEEN_GRAIN_SECONDS)) | Q(status=Session.Status.INACTIVE)


@dataclass(frozen=True, slots=True)
class SessionToken:
    """A verified bearer token: the session that it acts as, and until when."""

    session_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated sender of one request.

    Attributes:
        key: the API key that it presented, or that registered the session whose token it presented.
        scopes: the key's, narrowed by what the token says.
        named_session: what it wrote into X-AISP-Session, unchecked; None if it did not.
        request_id: the id of the request, for the log.
        address: the client's IP address.
        token: what it presented in the place of a key.
    """

    key: KeyIdentity
    scopes: frozenset[str]
    named_session: str | None
    request_id: str
    address: str = ""
    token: SessionToken | None = None

    @property
    def realm_id(self) -> str:
        """The realm in which everything that the caller names is looked up."""
        return self.key.realm_id

    @property
    def actor(self) -> Actor:
        """Who acts where no session has to: the session of a token, else the key."""
        if self.token is not None:
            return Actor(Kind.SESSION, self.token.session_id, self.request_id, self.address)
        return Actor(Kind.KEY, self.key.key_id, self.request_id, self.address)

    def acting_as(self, session: Session) -> Actor:
        """Who acts, for the audit log, where it is a session that does."""
        return Actor(Kind.SESSION, session.pk, self.request_id, self.address)

    def may_act_as(self, session_id: str) -> bool:
        """Tell whether the credential covers this session of the key's; a token is for one session alone."""
        return self.token is None or self.token.session_id == session_id

    def owns(self, session: Session) -> bool:
        """Tell whether a session of the caller's realm is the caller's own."""
        return session.key_id == self.key.key_id and self.may_act_as(session.pk)

    def check_realm(self, slug: str | None) -> None:
        """Raise `Refusal` `realm_access_denied` if the request names a realm that is not the caller's."""
        if slug is not None and slug != self.key.realm_slug:
            raise Refusal("realm_access_denied")


class _Staleness(TypedDict):
    is_stale: bool


def _of_key(realm_id: str, key_id: str) -> QuerySet[Any]:
    own = Session.objects.in_realm(realm_id).filter(key_id=key_id)
    return own.annotate(is_stale=ExpressionWrapper(_STALE, output_field=BooleanField()))


def _by_id(realm_id: str, key_id: str, session_id: str) -> QuerySet[Any]:
    return _of_key(realm_id, key_id).filter(pk=session_id)


_session_of_key = PreparedQuery(_by_id, ids={"realm_id": REALM, "key_id": KEY, "session_id": SESSION})


def own_session(caller: Caller, session_id: str) -> Session:
    """Return the session `session_id` if `caller` may act as it, and note that it was seen.

    Raises:
        Refusal: `session_not_owned`.
    """
    if caller.may_act_as(session_id):
        key = caller.key
        for session in _session_of_key(realm_id=key.realm_id, key_id=key.key_id, session_id=session_id):
            return _seen(session)
    raise Refusal("session_not_owned")


def acting_session(caller: Caller) -> Session:
    """Return the session that `caller` acts as: the token's, else the named one, else the only one it has.

    Raises:
        Refusal: `invalid_request` (a malformed header), `session_not_owned`, `session_required`.
    """
    if (session_id := named_session(caller)) is not None:
        return own_session(caller, session_id)
    own = list(_of_key(caller.realm_id, caller.key.key_id)[:2])
    if len(own) != 1:
        how = "register one with POST /api/v1/sessions, then" if not own else "the key owns several;"
        raise Refusal("session_required", f"No acting session: {how} name it in X-AISP-Session.")
    return _seen(own[0])


def named_session(caller: Caller) -> str | None:
    """Return the id of the session that the request names, or whose token it carries; None without either.

    Raises:
        Refusal: `invalid_request` (a malformed header).
    """
    if caller.named_session is None:
        return caller.token.session_id if caller.token is not None else None
    if (session_id := parse_id(SESSION, caller.named_session)) is None:
        raise refusal_at("/X-AISP-Session", "X-AISP-Session is not a session id such as sess_01HX….")
    return session_id


def _seen(session: "WithAnnotations[Session, _Staleness]") -> Session:
    if session.is_stale:
        # After the commit, where the request is one transaction: it would hold the session's row from here
        # on, and what it does next locks rows of sessions in the order of their ids.
        transaction.on_commit(partial(mark_seen, session.realm_id, session.pk))
    return session


_mark_seen = PreparedUpdate(
    lambda realm_id, session_id: Session.objects.in_realm(realm_id).filter(_STALE, pk=session_id),
    {"last_seen": Now(), "status": Session.Status.ACTIVE},
    ids={"realm_id": REALM, "session_id": SESSION},
)


def mark_seen(realm_id: str, session_id: str) -> None:
    """Note that a session acts now, which makes an inactive one active."""
    _mark_seen(realm_id=realm_id, session_id=session_id)
