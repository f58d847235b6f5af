"""Turns: work that a process does a little of at once, one piece for each caller, and callers take turns."""

import asyncio
from collections.abc import Callable


class WaitedForOwn(Exception):
    """The time was over while other work of the same caller was done."""


class WaitedForOthers(Exception):
    """The time was over while the work of other callers was done."""


class Turns:
    """Gives turns on one event loop.

    Args:
        at_once: pieces of work that are done at the same time, each of another caller.
        seconds: the longest time that one waits for its turn.

    Attributes:
        working: the callers that have a turn.
    """

    def __init__(self, *, at_once: int, seconds: float) -> None:
        self._at_once, self.seconds = at_once, seconds
        self.working: set[str] = set()
        # Who waits, by caller and in order. The caller that had a turn last stands last.
        self._waiting: dict[str, dict[asyncio.Future[None], None]] = {}

    async def take(self, owner: str) -> Callable[[], None]:
        """Wait for a turn of `owner`, without a thread.

        Returns:
            What ends the turn; to call it again does nothing.

        Raises:
            WaitedForOwn, WaitedForOthers: the turn did not come in time.
        """
        await self._wait(owner)
        has_ended = False

        def end() -> None:
            nonlocal has_ended
            if not has_ended:
                has_ended = True
                self._end(owner)

        return end

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
        is_next = owner not in self.working and next(iter(queue)) is mine
        del queue[mine]
        if not queue:
            del self._waiting[owner]
        return is_next

    def _end(self, owner: str) -> None:
        self.working.discard(owner)
        if queue := self._waiting.pop(owner, None):
            self._waiting[owner] = queue  # behind all others
        self._give_turns()

    def _give_turns(self) -> None:
        for owner in list(self._waiting):
            if len(self.working) >= self._at_once:
                return
            if owner not in self.working:
                queue = self._waiting[owner]
                first = next(iter(queue))
                del queue[first]
                if not queue:
                    del self._waiting[owner]
                self.working.add(owner)
                if not first.done():
                    first.set_result(None)
