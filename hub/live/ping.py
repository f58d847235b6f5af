"""The ping (`POST /sessions/:id/ping`): waits for the pong without a thread or a connection."""

import asyncio

from django.db import transaction
from django.http import QueryDict

from hub import metrics
from hub.api import examples
from hub.api.credentials import admit
from hub.api.decode import decode_body, decode_query, id_in_path
from hub.api.endpoint import Endpoint, NoQuery
from hub.api.media_types import JSON, accepts
from hub.idempotency import rules as idempotency
from hub.live import switchboard
from hub.live.consumer import LiveConsumer
from hub.live.database import in_database
from hub.messages import pings
from hub.messages.models import Ping
from hub.sessions.bodies import PingRequest, Pong, pong_answer
from hub.wire import compact
from realms.ids import MESSAGE, SESSION, new_id
from realms.refusal import Refusal


class PingConsumer(LiveConsumer):
    """Pings a session and answers with its pong.

    Attributes:
        attempt: the request's Idempotency-Key, from when its ping is on its way.
    """

    attempt: idempotency.Attempt | None = None
    method = "POST"
    route = "api/v1/sessions/<str:session_id>/ping"
    endpoint = Endpoint(
        name="ping",
        summary="Ping a session",
        description=(
            "The session gets a `ping` message with the nonce and answers it with a `pong` message to the "
            "ping's `from`, whose payload carries the nonce. The hub waits 5 s for it. `from` is the "
            "caller's acting session if that is clear, else `hub`."
        ),
        answer=Pong,
        body=PingRequest,
        body_optional=True,
        may_act=True,
        refuses=("session_not_found", "session_not_owned", "ping_timeout"),
        example=examples.PING,
    )

    async def answer(self) -> None:
        """Send the ping, wait, and tell."""
        if not accepts(self.exchange.headers.get("accept"), JSON):
            raise Refusal("not_acceptable")
        ping_id = new_id(MESSAGE)
        headers = {"Content-Type": JSON}
        with switchboard.pong_watch().waiting_for(ping_id) as pong:
            try:
                started = await in_database(self._start, ping_id)
                self.exchange.forget_body()
                if isinstance(started, bytes):
                    await self.response.send(200, {**headers, idempotency.REPLAYED: "true"}, started)
                    return
                answered = await self._answered(started, pong)
            except BaseException:
                if self.attempt is not None:
                    # The client left, or something failed: the same request may be sent again.
                    await asyncio.shield(in_database(self._finish, None))
                raise
        if answered is None:
            await in_database(self._give_up, started)
            metrics.PINGS.labels("timeout").inc()
            raise Refusal("ping_timeout")
        pong_body = pong_answer(answered)
        metrics.PINGS.labels("answered").inc()
        metrics.PING_DURATION.observe(pong_body.latency_ms / 1000)
        content = compact(pong_body)
        await in_database(self._finish, content)
        await self.response.send(200, headers, content)

    def _start(self, ping_id: str) -> Ping | bytes:
        """Send the ping, or return the answer that the request's Idempotency-Key stands for."""
        exchange = self.exchange
        caller = exchange.caller or admit(exchange)
        decode_query(QueryDict(self.scope["query_string"]), NoQuery)
        request = decode_body(exchange.json(), PingRequest) if exchange.body else PingRequest()
        named = self.scope["url_route"]["kwargs"]["session_id"]
        target_id = id_in_path(SESSION, named, or_refuse="session_not_found")
        attempt = idempotency.attempt_of(
            caller, exchange.headers.get(idempotency.HEADER.lower()), exchange.path, exchange.body
        )
        with transaction.atomic():
            if attempt is not None:
                kept = idempotency.begin(attempt)
                if kept is not None:
                    pings.check_may_ping(caller, target_id)
                    return kept
                idempotency.keep(attempt, None)
            ping = pings.start_ping(caller=caller, target_id=target_id, nonce=request.nonce, ping_id=ping_id)
        self.attempt = attempt
        return ping

    def _finish(self, content: bytes | None) -> None:
        if self.attempt is not None:
            idempotency.finish(self.attempt, content)

    def _give_up(self, ping: Ping) -> None:
        assert self.exchange.caller is not None, "whoever pings was admitted"
        pings.give_up(ping, self.exchange.caller.realm_id)
        self._finish(None)

    async def _answered(self, ping: Ping, pong: asyncio.Future[Ping]) -> Ping | None:
        try:
            async with asyncio.timeout(pings.PING_TIMEOUT_SECONDS):
                return await pong
        except TimeoutError:  # between the last look and now it may have come
            return next(iter(await in_database(pings.answered, {ping.pk})), None)
