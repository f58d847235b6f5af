"""Forms with a password wait for each other (ASGI): as many are at work as hashes are made at once.

A form that waits holds no thread, so that agents do not wait for people who sign in.
"""

from structlog.contextvars import bound_contextvars

from accounts.hashing import AT_ONCE
from hub.api.exchange import Exchange
from hub.api.intake import AsgiApp, Receive, Scope
from hub.api.paths import Kind
from hub.api.response import Response, Send
from hub.api.room import RETRY_SECONDS
from hub.api.turns import Turns, WaitedForOthers, WaitedForOwn
from realms.refusal import Refusal

WAIT_SECONDS = 20.0
FORMS = "/accounts/"
TURNS = Turns(at_once=AT_ONCE, each=AT_ONCE, seconds=WAIT_SECONDS)


class PasswordTurns:
    """ASGI application that hands whole requests on to another, forms with a password in turn."""

    def __init__(self, app: AsgiApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange: Exchange = scope["exchange"]
        if exchange.kind is Kind.PAGE and exchange.method == "POST" and exchange.path.startswith(FORMS):
            try:
                exchange.at_body_end.append(await TURNS.take(exchange.owner))
            except (WaitedForOwn, WaitedForOthers):
                detail = f"Too many people sign in now. Send the form again in {RETRY_SECONDS} s."
                refusal = Refusal("unavailable", detail, headers={"Retry-After": str(RETRY_SECONDS)})
                with bound_contextvars(request_id=exchange.request_id):
                    response = Response(send, exchange)
                    await response.refuse(refusal)
                    exchange.end(response.status)
                return
        await self.app(scope, receive, send)
