"""Pings: a caller waits for a session's pong."""

import secrets
from collections.abc import Collection
from datetime import timedelta
from functools import partial
from typing import Annotated

import msgspec
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from hub.bell import bell
from hub.messages.inbox import Outgoing, lock_inboxes, post, withdraw
from hub.messages.models import HUB, NONCE_CHARACTERS, Ping
from hub.sessions.acting import Caller, acting_session
from hub.sessions.models import Session
from hub.wire import compact
from realms.ids import MESSAGE, new_id
from realms.refusal import Refusal

PING_TIMEOUT_SECONDS = 5.0


def start_ping(*, caller: Caller, target_id: str, nonce: str | None, ping_id: str) -> Ping:
    """Ping a session, from the caller's acting session if that is clear, else from the hub.

    Args:
        nonce: what the pong has to carry; made here if None.
        ping_id: the id of the message, for which the bell rings when the pong comes.

    Raises:
        Refusal: `session_not_found`; `session_not_owned` or `invalid_request` for a named acting session.
    """
    return _begin(caller.realm_id, _asker(caller), target_id, nonce=nonce, ping_id=ping_id)


def check_may_ping(caller: Caller, target_id: str) -> None:
    """Raise the `Refusal` with which `start_ping` would refuse."""
    _asker(caller)
    if not Session.objects.in_realm(caller.realm_id).filter(pk=target_id).exists():
        raise Refusal("session_not_found")


def ping_from_hub(*, realm_id: str, target_id: str) -> Ping:
    """Ping a session for a person in the console, who then asks with `hubs_ping` how it went.

    Raises:
        Refusal: `session_not_found`.
    """
    return _begin(realm_id, None, target_id, nonce=None, ping_id=new_id(MESSAGE))


def _begin(realm_id: str, asker_id: str | None, target_id: str, *, nonce: str | None, ping_id: str) -> Ping:
    nonce = nonce if nonce is not None else secrets.token_urlsafe(12)
    expires_at = timezone.now() + timedelta(seconds=PING_TIMEOUT_SECONDS)
    outgoing = Outgoing(
        id=ping_id,
        realm_id=realm_id,
        sender_id=asker_id,
        recipients=[target_id],
        category="ping",
        payload=compact({"nonce": nonce}).decode(),
        expires_at=expires_at,
    )
    with transaction.atomic():
        inboxes = lock_inboxes(realm_id, [target_id])
        if not inboxes:
            raise Refusal("session_not_found")
        post(outgoing, inboxes)
        return Ping.objects.create(
            message_id=outgoing.id,
            target_id=target_id,
            asker_id=asker_id,
            nonce=nonce,
            expires_at=expires_at,
        )


def _asker(caller: Caller) -> str | None:
    try:
        return acting_session(caller).pk
    except Refusal as refusal:
        if refusal.code != "session_required":
            raise
        return None


def hubs_ping(*, realm_id: str, target_id: str, ping_id: str) -> Ping | None:
    """Return a ping from the hub to a session of the realm, as it is now; None if there is none."""
    pings = Ping.objects.filter(message__realm_id=realm_id, target_id=target_id, asker=None)
    return pings.filter(pk=ping_id).first()


def answered(ping_ids: Collection[str]) -> list[Ping]:
    """Return those of pings whose pong has come, as they are now."""
    return list(Ping.objects.filter(pk__in=ping_ids, answered_at__isnull=False))


def give_up(ping: Ping, realm_id: str) -> None:
    """Take a ping that nobody answered out of the inbox that it still lies in."""
    with transaction.atomic():
        for inbox in lock_inboxes(realm_id, [ping.target_id]):
            withdraw(inbox, ping.pk)


def completes_ping(outgoing: Outgoing) -> bool:
    """Complete the ping that a pong answers, if one waits. A pong to the hub has no other use.

    Raises:
        Refusal: `ping_not_waiting`.
    """
    to = outgoing.recipients[0] if len(outgoing.recipients) == 1 else None
    nonce = _nonce_of(outgoing.payload)
    if to is not None and nonce is not None:
        asker = Q(asker=None) if to == HUB else Q(asker=to)
        waiting = Ping.objects.filter(
            asker, target_id=outgoing.sender_id, nonce=nonce, answered_at=None, expires_at__gt=Now()
        )
        with transaction.atomic():
            ids = list(waiting.select_for_update().values_list("pk", flat=True))
            if ids and Ping.objects.filter(pk__in=ids, answered_at=None).update(answered_at=Now()):
                transaction.on_commit(partial(bell.ring, ids))
                return True
    if to == HUB:
        raise Refusal("ping_not_waiting")
    return False


class _Pong(msgspec.Struct):
    """The payload of a pong that may answer a ping."""

    nonce: Annotated[str, msgspec.Meta(max_length=NONCE_CHARACTERS)]


def _nonce_of(payload: str) -> str | None:
    try:
        return msgspec.json.decode(payload, type=_Pong).nonce
    except msgspec.ValidationError:
        return None
