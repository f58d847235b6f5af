"""Which threads are busy, and what waits for one, is seen from outside."""

import asyncio
import threading
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse

from hub import health
from hub.api.exchange import Exchange
from hub.api.request_threads import RequestThreads
from tests.client import Client
from tests.live.scope import SCOPE
from tests.observability.conftest import Grown

BUSY = "aisp_hub_request_threads_busy"
WAITING = "aisp_hub_requests_waiting"


def test_a_thread_is_busy_while_a_request_runs(grown: Grown, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(grown(BUSY))
        return HttpResponse()

    [livez] = [pattern for pattern in health.urlpatterns if pattern.name == "livez"]
    monkeypatch.setattr(livez, "callback", view)

    assert Client().get("/livez").status_code == 200
    assert (seen, grown(BUSY)) == ([1], 0)


def test_what_finds_no_thread_waits(grown: Grown) -> None:
    began, may_end = threading.Semaphore(0), threading.Event()

    class Slow:
        def answer(self, request: HttpRequest, exchange: Exchange) -> HttpResponse:
            began.release()
            may_end.wait()
            return HttpResponse()

    async def receive() -> dict[str, Any]:
        raise AssertionError("the intake has read the request")

    async def send(message: dict[str, Any]) -> None:
        """Take an answer."""

    async def three_at_once() -> None:
        threads = RequestThreads(Slow(), 1)  # type: ignore[arg-type]
        scopes = [{**SCOPE, "exchange": Exchange.of_scope(SCOPE)} for _ in range(3)]
        requests = [asyncio.create_task(threads(scope, receive, send)) for scope in scopes]
        await asyncio.to_thread(began.acquire)
        try:
            assert grown(WAITING) == 2
        finally:
            may_end.set()
        await asyncio.gather(*requests)

    asyncio.run(three_at_once())

    assert grown(WAITING) == 0
