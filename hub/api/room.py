"""Room: the bytes that callers hold in this process, bounded for each of them and in all.

A rate limit bounds how often a caller comes. Whoever sends or reads slowly holds memory for as long as a
connection lives, so what is held is bounded too.
"""

import threading
from collections import Counter

from realms.refusal import Refusal

MIB = 1024 * 1024
RETRY_SECONDS = 5


class Room:
    """Bytes that callers may hold at the same time.

    Args:
        each: bytes for one caller.
        all: bytes for all callers of the process.
        code: of the refusal of a caller that holds too much.
        what: what the bytes are, for the refusal, in the plural.
    """

    def __init__(self, *, each: int, all: int, code: str, what: str) -> None:
        self.each, self.all = each, all
        self._code, self._what = code, what
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        self._in_all = 0

    def held(self) -> int:
        """Return the bytes that all callers hold now."""
        return self._in_all

    def hold(self, owner: str) -> "Hold":
        """Return a hold of `owner`, which is empty yet."""
        return Hold(self, owner)

    def change(self, owner: str, by: int, *, force: bool) -> None:
        """Let `owner` hold so many bytes more, or less if `by` is negative.

        Args:
            force: count what is there already, instead of refusing it.

        Raises:
            Refusal: the code of this room, or `unavailable` if all callers together hold too much.
        """
        with self._lock:
            if by > 0 and not force:
                self._refuse_beyond(owner, by)
            self._in_all += by
            self._held[owner] += by
            if not self._held[owner]:
                del self._held[owner]

    def held_by(self, owner: str) -> int:
        """Return the bytes that `owner` holds now."""
        return self._held[owner]

    def free(self, owner: str) -> int:
        """Return how many bytes `owner` may hold besides what it holds."""
        with self._lock:
            return max(0, min(self.each - self._held[owner], self.all - self._in_all))

    def refuse_unless_free(self, owner: str, size: int) -> None:
        """Check that `owner` may hold so many bytes more; raises what `change` raises."""
        with self._lock:
            self._refuse_beyond(owner, size)

    def _refuse_beyond(self, owner: str, more: int) -> None:
        headers = {"Retry-After": str(RETRY_SECONDS)}
        what = self._what.capitalize()
        if self._held[owner] + more > self.each:
            detail = (
                f"{what} of yours take up {self.each // MIB} MiB. Wait until some are done, then try again."
            )
            raise Refusal(self._code, detail, headers=headers)
        if self._in_all + more > self.all:
            detail = f"{what} of others take up all room. Send the request again in {RETRY_SECONDS} s."
            raise Refusal("unavailable", detail, headers=headers)


class Hold:
    """What one request of a caller holds of a room.

    Attributes:
        size: in bytes.
    """

    __slots__ = ("_owner", "_room", "size")

    def __init__(self, room: Room, owner: str) -> None:
        self._room, self._owner = room, owner
        self.size = 0

    def resize(self, size: int, *, force: bool = False) -> None:
        """Hold so many bytes from now on; raises what `Room.change` raises, and then holds what it held."""
        if size != self.size:
            self._room.change(self._owner, size - self.size, force=force)
            self.size = size

    def fits(self, size: int) -> bool:
        """Hold so many bytes from now on, and return True; False if there is no room for them."""
        try:
            self.resize(size)
        except Refusal:
            return False
        return True

    def release(self) -> None:
        """Hold nothing any more."""
        self.resize(0)
