"""What the live endpoints share: a consumer that answers one request in a task of its own."""

import asyncio
from typing import Any, ClassVar

import structlog
from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer

from hub.api.endpoint import Endpoint
from hub.api.exchange import Exchange
from hub.api.problems import refusal_of
from hub.api.response import Response
from realms.refusal import Refusal


class LiveConsumer(AsyncConsumer):
    """Answers one request, which the intake has read; `answer` runs until it returns or the client leaves."""

    channel_layer_alias = ""  # no channel of its own: the process hears the bell once for all
    method: ClassVar[str]
    endpoint: ClassVar[Endpoint]
    route: ClassVar[str]  # as the URL table has it
    is_stream: ClassVar[bool] = False

    exchange: Exchange
    response: Response

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.exchange = scope["exchange"]
        self.exchange.route = self.route
        self.response = Response(send, self.exchange)
        self.task: asyncio.Task[None] | None = None
        await super().__call__(scope, receive, send)

    async def dispatch(self, message: Any) -> None:
        """Handle a message without touching the database: no thread is at hand here."""
        await getattr(self, get_handler_name(message))(message)

    async def http_request(self, message: Any) -> None:
        """Begin to answer."""
        self.task = asyncio.create_task(self._answer())

    async def http_disconnect(self, message: Any) -> None:
        """Stop answering: the client left, or the answer is complete."""
        task, self.task = self.task, None  # a circle otherwise: how it ended leads to the consumer
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        raise StopConsumer

    async def _answer(self) -> None:
        with structlog.contextvars.bound_contextvars(request_id=self.exchange.request_id):
            try:
                await self._answer_or_raise()
            except Exception as error:
                if self.response.started:
                    refusal_of(error)  # logs it
                    await self.response.write(b"", more=False)  # the client is not to wait for more
                else:
                    await self.response.refuse(error)
            finally:
                self.exchange.end(self.response.status, is_stream=self.is_stream)

    async def _answer_or_raise(self) -> None:
        if (allowed := self.exchange.preflight()) is not None:
            await self.response.start(204, allowed)
            await self.response.write(b"", more=False)
            return
        if self.exchange.method != self.method:
            raise Refusal("method_not_allowed", f"Use {self.method}.", headers={"Allow": self.method})
        await self.answer()

    async def answer(self) -> None:
        """Answer the request; a `Refusal` raised before the response has begun becomes a problem."""
        raise NotImplementedError
