"""Idempotency-Key: find the answer of an attempt, or make it and keep it.

The record commits with the change that it protects, so that there is never one without the other. While
the first request runs, PostgreSQL holds an advisory lock of its transaction, which a crash lets go of; on
SQLite, whose transactions run one after another, a second request waits for the first. A ping's answer
comes after its transaction: until then its record has none.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, connection, models, transaction
from django.db.models import BigIntegerField, BooleanField, Func, Subquery, Value
from django.db.models.functions import Now
from django.utils import timezone

from accounts.sealing import seal, unseal
from hub.idempotency.models import NAME_CHARACTERS, IdempotencyRecord
from hub.sessions.acting import Caller
from realms.models import ApiKey
from realms.refusal import Refusal, refusal_at

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT = timedelta(hours=24)
RUNNING = timedelta(seconds=15)  # an unanswered record that is older was left by a process that died
RETRY_SECONDS = 1

_NAME = re.compile(rf"[\x21-\x7e]{{1,{NAME_CHARACTERS}}}")


class _TryLock(Func):
    """True if the transaction gets the lock of this number without waiting."""

    function = "pg_try_advisory_xact_lock"
    output_field = BooleanField()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that carries an Idempotency-Key.

    Attributes:
        name: of the caller and its Idempotency-Key together, as a digest.
    """

    realm_id: str
    key_id: str
    name: str
    fingerprint: bytes


def attempt_of(
    caller: Caller, name: str | None, path: str, body: bytes, *, session: str | None = None
) -> Attempt | None:
    """Return the attempt that a POST is; None if it carries no Idempotency-Key.

    It belongs to one caller: the API key with the session that it names, or the tokens of one session.

    Args:
        name: its Idempotency-Key.
        session: which acts, if another place than X-AISP-Session names it.

    Raises:
        Refusal: `invalid_request`.
    """
    if name is None:
        return None
    if not _NAME.fullmatch(name):
        raise refusal_at(f"/{HEADER}", f"{HEADER} is 1 to {NAME_CHARACTERS} visible ASCII characters.")
    session = caller.token.session_id if caller.token else session or caller.named_session or ""
    whose = f"{'token' if caller.token else 'key'} {session.upper()} {name}"
    # With the scopes: whoever may do less must not get by a name what was answered to more.
    parts = [path.encode(), session.upper().encode(), " ".join(sorted(caller.scopes)).encode(), body]
    fingerprint = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()
    own_name = hashlib.sha256(whose.encode()).hexdigest()
    return Attempt(caller.realm_id, caller.key.key_id, own_name, fingerprint)


def once(
    attempt: Attempt, answer: Callable[[], bytes], check_right: Callable[[], object]
) -> tuple[bytes, bool]:
    """Return the kept answer of an attempt, or make one and keep it; and whether it was kept.

    What `answer` changes commits with the record of it. If it raises, nothing is changed or kept.

    Args:
        check_right: raises a refusal if the caller may not do any more what the answer says.

    Raises:
        Refusal: `idempotency_key_reused`, `idempotency_in_progress`, and what `answer` and `check_right`
            raise.
    """
    with transaction.atomic():
        kept = begin(attempt)
        if kept is not None:
            check_right()
            return kept, True
        content = answer()
        keep(attempt, content)
        return content, False


def begin(attempt: Attempt) -> bytes | None:
    """Return the kept answer of an attempt, or None if it is to be made, in the running transaction.

    Raises:
        Refusal: `idempotency_key_reused`, `idempotency_in_progress`.
    """
    record, is_mine = _find_or_lock(attempt)
    if record is None or _is_over(record):
        if not is_mine:
            raise _in_progress()
        if record is not None:
            record.delete()
        return None
    if bytes(record.fingerprint) != attempt.fingerprint:
        raise Refusal("idempotency_key_reused")
    if record.sealed_answer is None:
        raise _in_progress()
    answer = unseal(record.sealed_answer)
    if answer is None:
        detail = "The answer was kept under a secret key that this hub no longer has."
        raise Refusal("idempotency_key_reused", detail)
    return answer


def _is_over(record: IdempotencyRecord) -> bool:
    """Tell whether a record binds nobody any more: too old, or of a process that died."""
    age = timezone.now() - record.created_at
    return age >= (RUNNING if record.sealed_answer is None else KEPT)


def keep(attempt: Attempt, answer: bytes | None) -> None:
    """Write down an attempt with its answer, or without one while it still runs.

    Raises:
        Refusal: `idempotency_in_progress`, if another attempt committed between look-up and lock: this one
            is to be rolled back.
    """
    record = IdempotencyRecord(
        realm_id=attempt.realm_id,
        key_id=attempt.key_id,
        name=attempt.name,
        fingerprint=attempt.fingerprint,
        sealed_answer=None if answer is None else seal(answer),
    )
    try:
        record.save(force_insert=True)
    except IntegrityError:
        raise _in_progress() from None


def finish(attempt: Attempt, answer: bytes | None) -> None:
    """Write down the answer of an attempt that ran; without one, let it be made again."""
    running = _records(attempt).filter(sealed_answer=None)
    if answer is None:
        running.delete()
    else:
        running.update(sealed_answer=seal(answer))


def sweep(*, limit: int = 10_000) -> int:
    """Forget answers that are older than `KEPT`; return how many."""
    old = IdempotencyRecord.objects.filter(created_at__lt=Now() - KEPT).order_by("created_at")
    ids = list(old.values_list("pk", flat=True)[:limit])
    return IdempotencyRecord.objects.filter(pk__in=ids).delete()[0]


def _records(attempt: Attempt) -> models.QuerySet[IdempotencyRecord]:
    mine = IdempotencyRecord.objects.filter(realm_id=attempt.realm_id, key_id=attempt.key_id)
    return mine.filter(name=attempt.name)


def _in_progress() -> Refusal:
    return Refusal("idempotency_in_progress", headers={"Retry-After": str(RETRY_SECONDS)})


def _find_or_lock(attempt: Attempt) -> tuple[IdempotencyRecord | None, bool]:
    """Return the record of an attempt, and whether equal attempts are kept out until the transaction ends.

    One statement does both, which sees the database as it was before it had the lock; `keep` notices a
    record that was committed in between.
    """
    records = _records(attempt)
    if connection.vendor != "postgresql":
        return records.first(), True  # the transaction began with SQLite's only lock
    number = hashlib.sha256(f"{attempt.key_id} {attempt.name}".encode()).digest()[:8]
    lock = _TryLock(Value(int.from_bytes(number, signed=True), output_field=BigIntegerField()))
    [(is_mine, record_id)] = (
        ApiKey.objects.in_realm(attempt.realm_id)
        .filter(pk=attempt.key_id)
        .values_list(lock, Subquery(records.values("pk")))
    )
    return records.filter(pk=record_id).first() if record_id is not None else None, bool(is_mine)
