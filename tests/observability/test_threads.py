"""Which threads are busy, and what waits for one, is seen from outside."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from hub.api.middleware import ApiMiddleware
from hub.api.wsgi_threads import WsgiThreads
from tests.live.scope import SCOPE
from tests.observability.conftest import Grown

BUSY = "aisp_hub_request_threads_busy"
WAITING = "aisp_hub_requests_waiting"


def test_a_thread_is_busy_while_a_request_runs(rf: RequestFactory, grown: Grown) -> None:
    seen: list[float] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(grown(BUSY))
        return HttpResponse()

    ApiMiddleware(view)(rf.get("/somewhere"))

    assert (seen, grown(BUSY)) == ([1], 0)


def test_what_finds_no_thread_waits(grown: Grown) -> None:
    began, may_end = threading.Semaphore(0), threading.Event()

    def slow(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        began.release()
        may_end.wait()
        start_response("200 OK", [])
        return [b""]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        """Take an answer."""

    async def three_at_once() -> None:
        threads = WsgiThreads(slow, 1)
        requests = [asyncio.create_task(threads(SCOPE, receive, send)) for _ in range(3)]
        await asyncio.to_thread(began.acquire)
        try:
            assert grown(WAITING) == 2
        finally:
            may_end.set()
        await asyncio.gather(*requests)

    asyncio.run(three_at_once())

    assert grown(WAITING) == 0
