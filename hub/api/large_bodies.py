"""Large bodies wait for each other (ASGI): a process works on two at once, and on one of each API key.

A large body takes a thousand times the CPU time and the memory of a small one. A request that waits holds no
thread, and keys take turns: the bodies of one key delay those of another by one.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from structlog.contextvars import bound_contextvars

from hub.api.credentials import admit
from hub.api.exchange import Exchange
from hub.api.intake import AsgiApp, Receive, Scope
from hub.api.paths import Kind
from hub.api.response import Response, Send
from hub.api.room import RETRY_SECONDS
from hub.api.turns import Turns, WaitedForOthers, WaitedForOwn
from hub.json_apart import LARGE_BYTES, PROCESSES
from realms.refusal import Refusal

WAIT_SECONDS = 5.0
TURNS = Turns(at_once=PROCESSES, seconds=WAIT_SECONDS)
RETRY = {"Retry-After": str(RETRY_SECONDS)}


class LargeBodies:
    """ASGI application that hands whole requests on to another, those with a large body in turn.

    Args:
        run: runs a function that uses the database in a thread.
    """

    def __init__(self, app: AsgiApp, run: Callable[..., Awaitable[Any]]) -> None:
        self.app = app
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope["exchange"]
        if len(exchange.body) > LARGE_BYTES:
            with bound_contextvars(request_id=exchange.request_id):
                try:
                    await self._take_turn(exchange)
                except Exception as error:
                    response = Response(send, exchange)
                    await response.refuse(error)
                    exchange.end(response.status)
                    return
        await self.app(scope, receive, send)

    async def _take_turn(self, exchange: Exchange) -> None:
        """Wait until it is the turn of the request's key, which ends with the work on the body.

        Raises:
            Refusal: what `admit` raises; `too_many_large_bodies`, `unavailable`.
        """
        if exchange.kind is Kind.API:
            await self._run(admit, exchange)
        try:
            exchange.at_body_end.append(await TURNS.take(exchange.owner))
        except WaitedForOwn:
            raise Refusal("too_many_large_bodies", headers=RETRY) from None
        except WaitedForOthers:
            detail = f"Large bodies of others take up all turns. Send the request again in {RETRY_SECONDS} s."
            raise Refusal("unavailable", detail, headers=RETRY) from None
