"""Answers that their clients have not read yet: the room that they take, and the length of a next page."""

import threading
from collections import Counter

from hub.api.room import MIB, Room
from hub.page_bytes import PAGE_BYTES

LEAST_PAGE_BYTES = MIB // 2  # more than any item of a list has
SHORT_PAGE_BYTES = 64 * 1024
PAGES_BYTES = 8 * MIB  # of all pages that are made at the same time; each takes some times as much
ANSWERS = Room(each=16 * MIB, all=128 * MIB, code="too_many_unread_answers", what="unread answers")

_lock = threading.Lock()
_promised: Counter[str] = Counter()  # bytes of pages that are made now, by caller


class UnreadAnswer:
    """An answer of one caller, from its beginning until the server has sent it."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._hold = ANSWERS.hold(owner)
        self._promise = 0

    def begin_page(self) -> int:
        """Return how many bytes a page of a list may have, which is made from now on.

        It is `PAGE_BYTES`, or half of the room that is left to the caller or to pages if that is less. A
        caller without unread answers gets a short page if others take up all room.

        Raises:
            Refusal: `too_many_unread_answers`, `unavailable`.
        """
        if not ANSWERS.held_by(self._owner) and ANSWERS.free(self._owner) < LEAST_PAGE_BYTES:
            return SHORT_PAGE_BYTES
        ANSWERS.refuse_unless_free(self._owner, LEAST_PAGE_BYTES)
        with _lock:
            left = min(ANSWERS.free(self._owner) - _promised[self._owner], PAGES_BYTES - _promised.total())
            self._promise = max(LEAST_PAGE_BYTES, min(PAGE_BYTES, left // 2))
            _promised[self._owner] += self._promise
        return self._promise

    def take_room(self, size: int) -> None:
        """Count the bytes of the answer, now that it is made."""
        self.end_page()
        self._hold.resize(size, force=True)

    def release(self) -> None:
        """Count the answer no more."""
        self.end_page()
        self._hold.release()

    def end_page(self) -> None:
        """Promise the page no room any more, now that it is made or refused."""
        if self._promise:
            with _lock:
                _promised[self._owner] -= self._promise
                if not _promised[self._owner]:
                    del _promised[self._owner]
            self._promise = 0
