"""What the live endpoints share: a consumer that answers one request in a task of its own."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import structlog
from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer

from hub.activity.rules import REFUSED, note
from hub.api.body import check_media_type
from hub.api.cors import preflight_headers
from hub.api.credentials import admit
from hub.api.endpoint import Endpoint
from hub.api.intake import address_of, headers_of
from hub.api.observed import Observed
from hub.api.problems import refusal_of
from hub.api.response import Response
from hub.sessions.acting import Caller
from realms.refusal import Refusal


class LiveConsumer(AsyncConsumer):
    """Answers one request, which `Intake` read whole; `answer` runs until it returns or the client leaves."""

    channel_layer_alias = ""  # no channel of its own: the process hears the bell once for all
    method: ClassVar[str]
    endpoint: ClassVar[Endpoint]
    route: ClassVar[str]  # as the URL table has it
    is_stream: ClassVar[bool] = False

    headers: Mapping[str, str]
    body: bytes
    response: Response
    realm_id: str | None = None  # the caller's, as soon as it is admitted

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.headers = headers_of(scope)
        self.response = Response(send, self.headers, address_of(scope))
        self.observed = Observed(
            scope["method"], self.response.request_id, self.route, address=self.response.address
        )
        self.task: asyncio.Task[None] | None = None
        await super().__call__(scope, receive, send)

    async def dispatch(self, message: Any) -> None:
        """Handle a message without touching the database: no thread is at hand here."""
        await getattr(self, get_handler_name(message))(message)

    async def http_request(self, message: Any) -> None:
        """Begin to answer."""
        self.body = message["body"]
        self.task = asyncio.create_task(self._answer())

    async def http_disconnect(self, message: Any) -> None:
        """Stop answering: the client left, or the answer is complete."""
        task, self.task = self.task, None  # a circle otherwise: how it ended leads to the consumer
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        raise StopConsumer

    async def _answer(self) -> None:
        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=self.response.request_id):
            try:
                await self._admitted()
            except Exception as error:
                refusal = refusal_of(error)
                if self.response.started:
                    await self.response.write(b"", more=False)  # the client is not to wait for more
                else:
                    if self.realm_id is not None:
                        note(self.realm_id, REFUSED + refusal.code)
                    await self.response.refuse(refusal)
            finally:
                self.observed.status, self.observed.code = self.response.status, self.response.code
                self.observed.end(time.perf_counter() - began, is_stream=self.is_stream)

    async def _admitted(self) -> None:
        method = self.scope["method"]
        if (allowed := preflight_headers(method, self.headers)) is not None:
            await self.response.start(204, allowed)
            await self.response.write(b"", more=False)
            return
        if method != self.method:
            raise Refusal("method_not_allowed", f"Use {self.method}.", headers={"Allow": self.method})
        if self.body and self.method == "POST":
            check_media_type(self.headers.get("content-type"), self.headers.get("content-encoding"))
        await self.answer()

    async def answer(self) -> None:
        """Answer the request; a `Refusal` raised before the response has begun becomes a problem."""
        raise NotImplementedError

    def authenticate(self) -> Caller:
        """Return the caller; to be run in a thread with a database connection."""
        admitted = admit(
            self.method,
            self.headers,
            request_id=self.response.request_id,
            address=self.response.address,
        )
        self.response.limit_headers, self.realm_id = admitted.headers, admitted.caller.realm_id
        self.observed.caller = admitted.caller
        return admitted.caller
