"""Floor (e) with Django's own work: its handler, its resolver, one view without DRF, no middleware.

Django answers in as many threads as the hub has, since its statements may not run on the loop. Its own ASGI
handler runs such a view in one thread, and is slower.
"""

import asyncio
import io
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.bench.floors.bare_asgi import CONTENT, HEADERS
from tests.bench.programs import REQUEST_THREADS


def view(request: HttpRequest) -> HttpResponse:
    """Answer."""
    return HttpResponse(CONTENT, headers=HEADERS)


urlpatterns = [path("api/v1/messages", view)]
settings.configure(SECRET_KEY=secrets.token_hex(), ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, DEBUG=False)
django.setup(set_prefix=False)
handler = BaseHandler()
handler.load_middleware()
threads = ThreadPoolExecutor(REQUEST_THREADS)


def answer(scope: dict[str, Any]) -> HttpResponse:
    """Let Django answer a request without a body."""
    response = handler.get_response(ASGIRequest(scope, io.BytesIO()))
    assert isinstance(response, HttpResponse)
    response.close()
    return response


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer in a thread."""
    if scope["type"] == "http":
        response = await asyncio.get_running_loop().run_in_executor(threads, answer, scope)
        headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": response.content})
