"""What the live endpoints share: a consumer that answers one request in a task of its own."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

import structlog
from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer
from django.core.exceptions import TooManyFieldsSent
from django.db import InterfaceError, OperationalError

from hub.api.body import BODY_BYTES, check_media_type
from hub.api.cors import cors_headers
from hub.api.credentials import KEY_HEADER, SESSION_HEADER, authenticate, check_scope
from hub.api.endpoint import Endpoint
from hub.api.intake import ClientLeft, headers_of, read_whole_body, send_problem
from hub.api.problems import too_many_parameters, unavailable
from hub.api.request_id import HEADER, request_id_from
from hub.sessions.acting import Caller
from realms.refusal import Refusal

log = structlog.get_logger(__name__)


class LiveConsumer(AsyncConsumer):
    """Answers one request; `answer` runs until it returns or the client leaves."""

    channel_layer_alias = ""  # no channel of its own: the process hears the bell once for all
    method: ClassVar[str]
    endpoint: ClassVar[Endpoint]

    headers: Mapping[str, str]
    request_id: str
    started: bool = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.headers = headers_of(scope)
        self.request_id = request_id_from(self.headers.get(HEADER.lower()))
        self.receive = receive
        self.task: asyncio.Task[None] | None = None
        try:
            self.body = await read_whole_body(receive, self.headers, BODY_BYTES)
        except Refusal as refusal:
            await send_problem(send, self.headers, refusal)
            return
        except ClientLeft:
            return
        await super().__call__(scope, _request_then(receive), send)

    async def dispatch(self, message: Any) -> None:
        """Handle a message without touching the database: no thread is at hand here."""
        await getattr(self, get_handler_name(message))(message)

    async def http_request(self, message: Any) -> None:
        """Begin to answer."""
        self.task = asyncio.create_task(self._answer())

    async def http_disconnect(self, message: Any) -> None:
        """Stop answering: the client left, or the answer is complete."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        raise StopConsumer

    async def _answer(self) -> None:
        with structlog.contextvars.bound_contextvars(request_id=self.request_id):
            try:
                await self._admitted()
            except Refusal as refusal:
                await self._fail(refusal)
            except TooManyFieldsSent:
                await self._fail(too_many_parameters())
            except (OperationalError, InterfaceError) as error:
                log.error("database unavailable", error=repr(error))
                await self._fail(unavailable())
            except Exception as error:
                log.error("internal error", exc_info=error)
                await self._fail(Refusal("internal_error"))

    async def _admitted(self) -> None:
        if self.scope["method"] != self.method:
            if self._is_preflight():
                await self._preflight()
                return
            raise Refusal("method_not_allowed", f"Use {self.method}.", headers={"Allow": self.method})
        if not self.scope["query_string"].isascii():
            raise Refusal("invalid_request", "The query string has bytes that should be percent-encoded.")
        if self.body and self.method == "POST":
            check_media_type(self.headers.get("content-type"), self.headers.get("content-encoding"))
        await self.answer()

    def _is_preflight(self) -> bool:
        return self.scope["method"] == "OPTIONS" and "access-control-request-method" in self.headers

    async def _preflight(self) -> None:
        allowed = cors_headers(self.headers.get("origin"), preflight=True)
        if len(allowed) < 2:
            raise Refusal("method_not_allowed", f"Use {self.method}.", headers={"Allow": self.method})
        await self.start(204, allowed)
        await self.send({"type": "http.response.body", "body": b""})

    async def _fail(self, refusal: Refusal) -> None:
        if not self.started:
            self.started = True
            await send_problem(self.send, self.headers, refusal)

    async def answer(self) -> None:
        """Answer the request; a `Refusal` raised before `start` becomes a problem."""
        raise NotImplementedError

    def authenticate(self) -> Caller:
        """Return the caller; to be run in a thread with a database connection."""
        caller = authenticate(
            api_key=self.headers.get(KEY_HEADER.lower()),
            authorization=self.headers.get("authorization"),
            named_session=self.headers.get(SESSION_HEADER.lower()),
            request_id=self.request_id,
        )
        check_scope(caller, self.method)
        return caller

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status line and the headers."""
        self.started = True
        answer = {HEADER: self.request_id, **cors_headers(self.headers.get("origin")), **headers}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in answer.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": raw})


def _request_then(receive: Any) -> Any:
    """Return a `receive` that first says that the request is whole, which `read_whole_body` saw."""
    first = True

    async def receive_on() -> Any:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": b"", "more_body": False}
        while (message := await receive())["type"] != "http.disconnect":
            pass  # the empty body of a request without one
        return message

    return receive_on
