"""Django's WSGI application in a few threads, as an ASGI application.

Each request has been read whole (`hub.api.intake`), so that it goes to a thread in one piece, and its
answer comes back in one. A thread is not held by a client that reads slowly.
"""

import asyncio
import contextvars
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from a2wsgi.wsgi import build_environ

from hub import metrics
from hub.api.response import Send
from hub.api.spool import ClientWatch, Spool

WITHOUT_CONTENT = (204, 304)

Answer = tuple[int, list[tuple[bytes, bytes]], bytes | Spool]


class WsgiThreads:
    """ASGI application that answers with a WSGI application (PEP 3333) in `threads` threads."""

    def __init__(self, app: Callable[..., Any], threads: int) -> None:
        self.app = app
        metrics.THREADS.set(threads)
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="request")

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Send) -> None:
        body = (await receive())["body"]
        context = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        client = ClientWatch(loop, receive)
        try:
            metrics.REQUESTS_WAITING.inc()
            status, headers, content = await loop.run_in_executor(
                self._executor, context.run, self._answer, scope, body, client
            )
            start = {"type": "http.response.start", "status": status, "headers": headers}
            if isinstance(content, Spool):
                with content:
                    if not client.has_left:
                        await send(start)
                        await content.send(send, client)
                return
            await send(start)
            await send({"type": "http.response.body", "body": content})
        finally:
            client.close()

    def _answer(self, scope: Any, body: bytes, client: ClientWatch) -> Answer:
        metrics.REQUESTS_WAITING.dec()
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            started[:] = [(status, headers)]

        stream: Any = io.BytesIO(body)
        parts = self.app(build_environ(scope, stream), start_response)
        is_streaming = getattr(parts, "streaming", False)
        content: bytes | Spool
        try:
            if not is_streaming:
                content = b"".join(parts)
            elif scope["method"] == "HEAD":
                content = b""  # nobody wants it made
            else:
                content = Spool.of(parts, client)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        status, headers = started[0]
        code = int(status.split(" ", 1)[0])
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        knows_length = not (is_streaming and scope["method"] == "HEAD")
        if (
            knows_length
            and code not in WITHOUT_CONTENT
            and not any(name == b"content-length" for name, _ in raw)
        ):
            raw.append((b"content-length", str(len(content)).encode()))
        return code, raw, content
