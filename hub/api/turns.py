"""Turns: work that a process does a little of at once, and callers take turns."""

import asyncio
from collections import Counter
from collections.abc import Callable


class WaitedForOwn(Exception):
    """The time was over while other work of the same caller was done."""


class WaitedForOthers(Exception):
    """The time was over while the work of other callers was done."""


class Turns:
    """Gives turns on one event loop.

    Args:
        at_once: pieces of work that are done at the same time.
        each: of them, how many may be of one caller.
        seconds: the longest time that one waits for its turn; None for as long as it takes.

    Attributes:
        working: the callers that have a turn, and how many.
    """

    def __init__(self, *, at_once: int, each: int = 1, seconds: float | None = None) -> None:
        self._at_once, self._each, self.seconds = at_once, each, seconds
        self.working: Counter[str] = Counter()
        # Who waits, by caller and in order. The caller that had a turn last stands last.
        self._waiting: dict[str, dict[asyncio.Future[None], None]] = {}

    async def take(self, owner: str) -> Callable[[], None]:
        """Wait for a turn of `owner`, without a thread.

        Returns:
            What ends the turn; to call it again does nothing.

        Raises:
            WaitedForOwn, WaitedForOthers: the turn did not come in time.
        """
        if self._has_turn_for(owner) and not self._waiting:
            self.working[owner] += 1
        else:
            await self._wait(owner)
        has_ended = False

        def end() -> None:
            nonlocal has_ended
            if not has_ended:
                has_ended = True
                self._end(owner)

        return end

    def _has_turn_for(self, owner: str) -> bool:
        return self.working.total() < self._at_once and self.working[owner] < self._each

    async def _wait(self, owner: str) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, {})[mine] = None
        self._give_turns()
        try:
            async with asyncio.timeout(self.seconds):
                await mine
        except TimeoutError:
            is_next = self._leave(owner, mine)
            raise (WaitedForOthers if is_next else WaitedForOwn) from None
        except BaseException:
            self._leave(owner, mine)
            raise

    def _leave(self, owner: str, mine: asyncio.Future[None]) -> bool:
        """Wait no more; return whether the next turn of the caller would have been this one."""
        queue = self._waiting.get(owner, {})
        if mine not in queue:  # the turn came, too late to be taken
            self._end(owner)
            return True
        is_next = self.working[owner] < self._each and next(iter(queue)) is mine
        del queue[mine]
        if not queue:
            del self._waiting[owner]
        return is_next

    def _end(self, owner: str) -> None:
        self.working[owner] -= 1
        if not self.working[owner]:
            del self.working[owner]
        if self._waiting:
            if queue := self._waiting.pop(owner, None):
                self._waiting[owner] = queue  # behind all others
            self._give_turns()

    def _give_turns(self) -> None:
        for owner in list(self._waiting):
            if not self._has_turn_for(owner):
                if self.working.total() >= self._at_once:
                    return
                continue
            queue = self._waiting.pop(owner)
            first = next(iter(queue))
            del queue[first]
            if queue:
                self._waiting[owner] = queue  # behind all others
            self.working[owner] += 1
            if not first.done():
                first.set_result(None)
