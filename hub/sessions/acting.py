"""Who asks, and as which session it acts."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from hub.sessions.models import Session
from realms.ids import SESSION, parse_id
from realms.keys import KeyIdentity
from realms.refusal import Refusal, refusal_at

# `last_seen` is written at most this often, so that a busy session does not rewrite its row each time.
SEEN_GRAIN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated sender of one request.

    Attributes:
        key: the API key that it presented.
        named_session: what it wrote into X-AISP-Session, unchecked; None if it did not.
        request_id: the id of the request, for the log.
    """

    key: KeyIdentity
    named_session: str | None
    request_id: str

    @property
    def realm_id(self) -> str:
        """The realm in which everything that the caller names is looked up."""
        return self.key.realm_id

    def check_realm(self, slug: str | None) -> None:
        """Raise `Refusal` `realm_access_denied` if the request names a realm that is not the caller's."""
        if slug is not None and slug != self.key.realm_slug:
            raise Refusal("realm_access_denied")


def own_session(caller: Caller, session_id: str) -> Session:
    """Return the session `session_id` if `caller` may act as it, and note that it was seen.

    Raises:
        Refusal: `session_not_owned`.
    """
    own = Session.objects.in_realm(caller.realm_id).filter(key_id=caller.key.key_id)
    session = own.filter(pk=session_id).first()
    if session is None:
        raise Refusal("session_not_owned")
    mark_seen(session.realm_id, session.pk)
    return session


def acting_session(caller: Caller) -> Session:
    """Return the session that `caller` acts as: the named one, else the only one it has.

    Raises:
        Refusal: `invalid_request` (a malformed header), `session_not_owned`, `session_required`.
    """
    if caller.named_session is not None:
        session_id = parse_id(SESSION, caller.named_session)
        if session_id is None:
            raise refusal_at("/X-AISP-Session", "X-AISP-Session is not a session id such as sess_01HX….")
        return own_session(caller, session_id)
    own = list(Session.objects.in_realm(caller.realm_id).filter(key_id=caller.key.key_id)[:2])
    if len(own) != 1:
        how = "register one with POST /api/v1/sessions, then" if not own else "the key owns several;"
        raise Refusal("session_required", f"No acting session: {how} name it in X-AISP-Session.")
    mark_seen(own[0].realm_id, own[0].pk)
    return own[0]


def mark_seen(realm_id: str, session_id: str) -> None:
    """Note that a session acts now, which makes an inactive one active."""
    stale = Q(last_seen__lt=Now() - timedelta(seconds=SEEN_GRAIN_SECONDS)) | Q(status=Session.Status.INACTIVE)
    Session.objects.in_realm(realm_id).filter(stale, pk=session_id).update(
        last_seen=Now(), status=Session.Status.ACTIVE
    )
