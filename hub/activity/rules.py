"""Counting: a request adds to a number of its process, and a thread adds the numbers to the tallies.

What a process has counted within `HUB_TALLY_SECONDS` of a crash is lost, and what was written without an
answer from the database may count twice: these are numbers to look at, nothing is decided by them.
"""

import atexit
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from hub.activity.models import Tally
from realms.models import Realm

REQUESTS = "requests"  # of the realm's keys, whatever became of them
MESSAGES = "messages"  # envelopes that were taken
REFUSED = "refused."  # and the problem's code

MINUTE_SECONDS, HOUR_SECONDS = 60, 3600
MINUTES_KEPT = timedelta(days=2)
HOURS_KEPT = timedelta(days=40)
NUMBERS = 50_000  # that wait in a process; further ones are not counted while the database is away
NUMBERS_PER_WRITE = 200

log = structlog.get_logger(__name__)


class _Key(NamedTuple):
    """What a row is found by, in the order in which rows are locked."""

    realm_id: str
    grain: str
    begins_at: datetime
    measure: str


def _parts(keys: list[tuple[int, str, str]]) -> Iterator[list[tuple[int, str, str]]]:
    for begin in range(0, len(keys), NUMBERS_PER_WRITE):
        yield keys[begin : begin + NUMBERS_PER_WRITE]


class _Counts:
    """What this process has counted and not yet written: numbers by minute, realm and measure."""

    def __init__(self) -> None:
        self.begin_anew()
        # A forked worker has none of its parent's threads, and its parent writes what it counted itself.
        os.register_at_fork(after_in_child=self.begin_anew)

    def begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._numbers: dict[tuple[int, str, str], int] = {}
        self._work = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_late = False

    def note(self, realm_id: str, measure: str, number: int) -> None:
        key = (int(time.time() // MINUTE_SECONDS), realm_id, measure)
        with self._lock:
            if key in self._numbers:
                self._numbers[key] += number
            elif len(self._numbers) < NUMBERS:
                self._numbers[key] = number
                self._see_to_it()

    def _see_to_it(self) -> None:
        if self._thread is None and settings.HUB_TALLY_SECONDS:
            self._thread = threading.Thread(target=self._write_for_ever, name="tallies", daemon=True)
            self._thread.start()
            atexit.register(self.write_last)
        self._work.set()

    def _write_for_ever(self) -> None:
        while True:
            self._work.wait()
            time.sleep(settings.HUB_TALLY_SECONDS)
            self._work.clear()
            self._try_to_write()

    def _try_to_write(self) -> None:
        try:
            self.write()
        except Exception as error:
            self._work.set()
            if not self._is_late:
                self._is_late = True
                log.warning("tallies wait for the database", error=repr(error))
        else:
            self._is_late = False
        finally:
            connection.close()  # of this thread, which would keep it idle

    def write_last(self) -> None:
        if self._numbers:
            self._try_to_write()

    def write(self) -> None:
        with self._writing:
            with self._lock:
                numbers, self._numbers = self._numbers, {}
            try:
                for some in _parts(sorted(numbers, key=lambda key: key[1:])):
                    _add({key: numbers[key] for key in some})
                    for key in some:
                        del numbers[key]
            finally:
                with self._lock:
                    for key, number in numbers.items():
                        if key in self._numbers or len(self._numbers) < NUMBERS:
                            self._numbers[key] = self._numbers.get(key, 0) + number


_counts = _Counts()


def note(realm_id: str, measure: str, number: int = 1) -> None:
    """Count something that happened in a realm now. Never waits for anything and never fails."""
    _counts.note(realm_id, measure, number)


def flush() -> None:
    """Write down what this process has counted; a thread does it every `HUB_TALLY_SECONDS`.

    Raises:
        DatabaseError: the database is away; what was not written is kept for the next time.
    """
    _counts.write()


def flush_last() -> None:
    """Write down what is left, if the database answers, because the process ends."""
    if settings.HUB_TALLY_SECONDS:
        _counts.write_last()


def _add(numbers: dict[tuple[int, str, str], int]) -> None:
    """Add to the rows of the minutes and of their hours, in one transaction.

    Rows that are missing are made first, then all are locked in one order: so processes that write at
    once wait for each other and neither deadlock nor lose anything.
    """
    known = set(Realm.objects.filter(pk__in={realm for _, realm, _ in numbers}).values_list("pk", flat=True))
    added: Counter[_Key] = Counter()
    for (minute, realm_id, measure), number in numbers.items():
        if realm_id in known:
            for grain, seconds in ((Tally.Grain.MINUTE, MINUTE_SECONDS), (Tally.Grain.HOUR, HOUR_SECONDS)):
                since = minute * MINUTE_SECONDS // seconds * seconds
                begins_at = datetime.fromtimestamp(since, UTC)
                added[_Key(realm_id, grain.value, begins_at, measure)] += number
    if not added:
        return
    with transaction.atomic():
        Tally.objects.bulk_create([Tally(**key._asdict()) for key in sorted(added)], ignore_conflicts=True)
        rows = list(_locked(added))
        for row in rows:
            row.count += added[_Key(row.realm_id, row.grain, row.begins_at, row.measure)]
        Tally.objects.bulk_create(rows, update_conflicts=True, unique_fields=["id"], update_fields=["count"])


def _locked(keys: Iterable[_Key]) -> Iterator[Tally]:
    """Yield the rows of `keys`, locked; a few others of the same realms and times are locked with them."""
    realm_ids, grains, times, measures = (set(column) for column in zip(*keys, strict=True))
    near = Tally.objects.filter(
        realm__in=realm_ids, grain__in=grains, measure__in=measures, begins_at__in=times
    )
    wanted = set(keys)
    for row in near.select_for_update(no_key=True).order_by("realm_id", "grain", "begins_at", "measure"):
        if _Key(row.realm_id, row.grain, row.begins_at, row.measure) in wanted:
            yield row


def sweep_tallies(*, limit: int = 10_000) -> int:
    """Drop the minutes and the hours that are older than they are kept for; return how many."""
    dropped = 0
    for grain, kept in ((Tally.Grain.MINUTE, MINUTES_KEPT), (Tally.Grain.HOUR, HOURS_KEPT)):
        old = Tally.objects.filter(grain=grain, begins_at__lt=Now() - kept).order_by("begins_at")
        ids = list(old.values_list("pk", flat=True)[:limit])
        dropped += Tally.objects.filter(pk__in=ids).delete()[0]
    return dropped
