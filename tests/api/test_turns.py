"""Who has a turn, who waits, and who has waited too long."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.api.turns import Turns, WaitedForOthers, WaitedForOwn

Test = Callable[[], Coroutine[Any, Any, None]]


def turns(seconds: float = 5) -> Turns:
    return Turns(at_once=2, seconds=seconds)


def run(test: Test) -> None:
    asyncio.run(test())


async def settle() -> None:
    """Let every task do what it can do now."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_two_callers_have_a_turn_and_a_third_waits_for_one_of_them() -> None:
    @run
    async def _() -> None:
        these = turns()
        end_of_a = await these.take("a")
        await these.take("b")
        third = asyncio.create_task(these.take("c"))
        await settle()
        assert not third.done()

        end_of_a()
        end_of_a()  # once more does nothing
        await settle()

        assert third.done()


def test_a_caller_has_one_turn_at_a_time() -> None:
    @run
    async def _() -> None:
        these = turns()
        end = await these.take("a")
        second = asyncio.create_task(these.take("a"))
        await settle()
        assert not second.done()

        end()
        await settle()

        assert second.done()


def test_a_caller_with_many_waiting_delays_another_by_one_turn() -> None:
    @run
    async def _() -> None:
        these = Turns(at_once=1, seconds=5)
        order: list[str] = []

        async def work(name: str) -> None:
            end = await these.take(name)
            order.append(name)
            end()

        end = await these.take("many")
        many = [asyncio.create_task(work("many")) for _ in range(5)]
        await settle()
        one = asyncio.create_task(work("one"))
        await settle()
        end()
        await asyncio.gather(one, *many)

        assert order[0] == "one"


def test_the_time_is_over_for_a_caller_that_waits_for_its_own_turn_or_for_others() -> None:
    @run
    async def _() -> None:
        these = turns(seconds=0)
        these.seconds = 5
        end_of_a = await these.take("a")
        await these.take("b")
        these.seconds = 0

        with pytest.raises(WaitedForOwn):
            await these.take("a")
        with pytest.raises(WaitedForOthers):
            await these.take("c")

        end_of_a()  # who gave up is not waited for
        these.seconds = 5
        await these.take("c")


def test_who_stands_behind_its_own_waits_for_its_own() -> None:
    @run
    async def _() -> None:
        these = turns()
        await these.take("a")
        await these.take("b")
        first = asyncio.create_task(these.take("c"))
        await settle()
        these.seconds = 0

        with pytest.raises(WaitedForOwn):
            await these.take("c")
        first.cancel()


steps = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["take", "end", "leave"])), max_size=40)


@given(steps)
def test_whatever_happens_nobody_is_forgotten(steps: list[tuple[str, str]]) -> None:
    @run
    async def _() -> None:
        these = turns()
        waiting: list[tuple[str, asyncio.Task[Callable[[], None]]]] = []
        working: list[tuple[str, Callable[[], None]]] = []

        async def look() -> None:
            await settle()
            for each in [each for each in waiting if each[1].done()]:
                waiting.remove(each)
                if not each[1].cancelled():
                    working.append((each[0], each[1].result()))
            counts = Counter(name for name, _ in working)
            assert sum(counts.values()) <= 2
            assert max(counts.values(), default=0) <= 1
            free = 2 - len(working)
            assert not free or not {name for name, _ in waiting} - set(counts)

        for name, act in steps:
            if act == "take":
                waiting.append((name, asyncio.create_task(these.take(name))))
            elif act == "end":
                for each in [each for each in working if each[0] == name]:
                    working.remove(each)
                    each[1]()
            else:
                next((task.cancel() for who, task in waiting if who == name), None)
            await look()
        while waiting or working:
            for each in working:
                each[1]()
            working.clear()
            await look()
