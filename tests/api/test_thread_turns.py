"""Callers take turns for the threads of a process."""

import asyncio
import threading
from typing import Any

from django.http import HttpRequest, HttpResponse

from hub.api import accepted
from hub.api.exchange import Exchange
from hub.api.request_threads import AHEAD, RequestThreads
from tests.live.scope import SCOPE


class Slow:
    """A handler that notes who began, and ends when it may."""

    def __init__(self, *, threads: int) -> None:
        self.began: list[str] = []
        self.may_end = threading.Event()
        self.app = RequestThreads(self, threads)  # type: ignore[arg-type]

    def answer(self, request: HttpRequest, exchange: Exchange) -> HttpResponse:
        self.began.append(exchange.headers["x-aisp-key"])
        assert self.may_end.wait(10)
        return HttpResponse()

    def ask(self, key: str, *, is_known: bool = True) -> asyncio.Task[None]:
        if is_known:
            accepted.remember({"x-aisp-key": key})
        scope = {**SCOPE, "path": "/api/v1/sessions", "headers": [(b"x-aisp-key", key.encode())]}
        return asyncio.create_task(self.app({**scope, "exchange": Exchange.of_scope(scope)}, receive, send))


async def receive() -> dict[str, Any]:
    raise AssertionError("the intake has read the request")


async def send(message: dict[str, Any]) -> None:
    """Take an answer."""


def test_many_requests_of_a_caller_delay_another_by_few() -> None:
    async def ask() -> list[str]:
        handler = Slow(threads=1)
        requests = [handler.ask("many") for _ in range(20)] + [handler.ask("one")]
        await asyncio.sleep(0)
        handler.may_end.set()
        await asyncio.gather(*requests)
        return handler.began

    began = asyncio.run(ask())

    assert len(began) == 21
    assert began.index("one") <= 1 + AHEAD


def test_made_up_credentials_are_one_caller() -> None:
    async def ask() -> list[str]:
        handler = Slow(threads=1)
        requests = [handler.ask(f"made-up {number}", is_known=False) for number in range(20)]
        requests.append(handler.ask("one"))
        await asyncio.sleep(0)
        handler.may_end.set()
        await asyncio.gather(*requests)
        return handler.began

    assert asyncio.run(ask()).index("one") <= 1 + AHEAD


def test_a_caller_leaves_threads_to_others() -> None:
    async def ask() -> set[str]:
        handler = Slow(threads=4)
        requests = [handler.ask("many") for _ in range(20)] + [handler.ask("one")]
        async with asyncio.timeout(10):
            while "one" not in handler.began:
                await asyncio.sleep(0)
        began = handler.began.copy()
        handler.may_end.set()
        await asyncio.gather(*requests)
        return set(began)

    assert asyncio.run(ask()) == {"many", "one"}
