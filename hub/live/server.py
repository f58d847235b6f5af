"""The HTTP server: uvicorn, with limits for slow and hostile clients, and an end that loses no request.

uvicorn limits neither the size of a request's head nor how long a client may take to send it or to read an
answer.
"""

import asyncio
import contextlib
import os
import resource
import select
import socket
import sys
from typing import Any

import uvicorn
from structlog.contextvars import bound_contextvars
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from hub.api.exchange import Exchange
from hub.api.observed import OTHER
from hub.api.response import Response
from hub.live import switchboard
from hub.live.listener import listen, take_no_more
from realms.refusal import Refusal

HEAD_TIMEOUT_SECONDS = 10.0
HEAD_BYTES = 32 * 1024  # of the request line and all headers
SEPARATOR_BYTES = len(": \r\n")
STALL_TIMEOUT_SECONDS = 30.0  # a client that reads nothing for so long is cut off
STALL_LOOK_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 10
FIRST_REQUEST_SECONDS = 1.0  # when the server ends, for a connection that has had none
LAST_CONNECTIONS_SECONDS = 0.1  # between the last connection and the end of the listener
LAST_REFUSALS_SECONDS = 1.0  # for requests that ran longer than SHUTDOWN_SECONDS
BACKLOG = 4096


class HeadTooLarge(Exception):
    """A request's head is longer than HEAD_BYTES."""


class Connection(HttpToolsProtocol):
    """One client's connection."""

    _refusal: Refusal | None = None
    _answering: asyncio.Task[None] | None = None  # of a refusal
    _is_last = False  # no further request is answered
    _is_deaf = False  # nothing more is read
    _head_bytes = 0
    _ended_message = False  # the bytes that came last hold the end of a request
    _head_timer: Any = None
    _stall_timer: Any = None

    def connection_made(self, transport: Any) -> None:
        """Give the client its time for a first request."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._head_arrived()
        self._forget_stall()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Give the client its time for a further request."""
        super().on_message_begin()
        if self._head_timer is None:
            self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Read on, and refuse a head that does not end."""
        if self._is_deaf:
            return  # nothing after a request that was refused can be a request
        self._ended_message = False
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._head_timer is not None:
            # Behind another request nobody knows how many of the bytes are of this head.
            self._head_bytes += 1 if self._ended_message else len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(Refusal("head_too_large"))
        elif not self._is_answering() and self.timeout_keep_alive_task is None:
            self._expect_head()  # an empty line came, and uvicorn has stopped its timer

    def on_message_complete(self) -> None:
        """Note that the bytes that come are of another request from here on."""
        self._ended_message = True
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the head is too large."""
        self._head_arrived()
        size = len(self.url) + sum(len(name) + len(value) + SEPARATOR_BYTES for name, value in self.headers)
        if size > HEAD_BYTES:
            self._refusal = Refusal("head_too_large")
            raise HeadTooLarge
        super().on_headers_complete()
        if self._is_last or switchboard.draining():
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or what a callback of the parser did not take."""
        self._refuse(self._refusal or Refusal("invalid_request", "This is not an HTTP/1.1 request."))

    def shutdown(self) -> None:
        """Answer the requests that have come in, whole or in part, and then close."""
        self._is_last = True
        if self._is_answering():
            self.end_with_answer()
        elif self.cycle is None:  # just opened: its request may be on its way
            self.loop.call_later(FIRST_REQUEST_SECONDS, self._close_if_idle)
        else:
            self._close_if_idle()

    def end_with_answer(self) -> None:
        """Close the connection after the answers to the requests that have come."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def _close_if_idle(self) -> None:
        if not (self.transport.is_closing() or self._is_answering() or self._is_receiving()):
            self.transport.close()

    def _is_answering(self) -> bool:
        """Tell whether a request, or the refusal of one, has no whole answer yet."""
        return self._answering is not None or (self.cycle is not None and not self.cycle.response_complete)

    def _is_receiving(self) -> bool:
        """Tell whether a part of a request is here, read or not."""
        if self._head_timer is not None and self._head_bytes:
            return True
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def pause_writing(self) -> None:
        """Watch a client that does not read what is written."""
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size(), self.loop.time())

    def resume_writing(self) -> None:
        """Trust it again."""
        self._forget_stall()
        super().resume_writing()

    def _expect_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_SECONDS, self._head_is_late)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        if self._head_bytes:
            self._refuse(Refusal("request_timeout"))
        else:
            self.transport.close()

    def _watch(self, unsent: int, since: float) -> None:
        now = self.loop.time()
        if (left := self.transport.get_write_buffer_size()) < unsent:
            unsent, since = left, now
        if now - since > STALL_TIMEOUT_SECONDS:
            self.transport.abort()  # to close it would mean to wait until it has read all
        else:
            self._stall_timer = self.loop.call_later(STALL_LOOK_SECONDS, self._watch, unsent, since)

    def _forget_stall(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _refuse(self, refusal: Refusal) -> None:
        self._head_arrived()
        self._is_deaf = True
        if self.pipeline or (self._is_answering() and self._is_whole_or_answered()):
            self.end_with_answer()  # a refusal would stand in the middle of that answer
        else:
            self._answering = self.loop.create_task(self._send_refusal(refusal))

    def _is_whole_or_answered(self) -> bool:
        return not self.cycle.more_body or self.cycle.response_started

    async def _send_refusal(self, refusal: Refusal) -> None:
        """Answer a request that could not be read, as far as its head is known, and close the connection."""
        refusal.headers["Connection"] = "close"
        path = self.url.partition(b"?")[0].decode("latin-1") if self.headers is not None else ""
        known = {**(self.scope or {}), "method": OTHER, "path": path, "headers": self.headers or []}
        exchange = Exchange.of_scope({"client": self.client, "scheme": self.scheme, **known})
        response = Response(self._write, exchange)
        with bound_contextvars(request_id=exchange.request_id):
            await response.refuse(refusal)
            exchange.end(response.status)
        self.transport.close()

    async def _write(self, message: dict[str, Any]) -> None:
        """Write a message of ASGI as HTTP/1.1."""
        if message["type"] == "http.response.start":
            lines = b"".join(b"%b: %b\r\n" % header for header in message["headers"])
            self.transport.write(STATUS_LINE[message["status"]] + lines + b"\r\n")
        else:
            self.transport.write(message["body"])


class Server(uvicorn.Server):
    """uvicorn's server, with an end that loses no request."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and have the answers that are under way be the last when the process begins to drain."""
        switchboard.when_draining(self._end_with_answers)
        await super().startup(sockets)

    def _end_with_answers(self) -> None:
        for connection in list(self.server_state.connections):
            assert isinstance(connection, Connection)
            connection.end_with_answer()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, close idle connections, and let requests that run be answered."""
        for listener in sockets or []:
            take_no_more(listener)
        await asyncio.sleep(LAST_CONNECTIONS_SECONDS)
        await super().shutdown(sockets)
        if self.server_state.tasks and not self.force_exit:  # cancelled: each of them answers with a refusal
            await asyncio.wait(set(self.server_state.tasks), timeout=LAST_REFUSALS_SECONDS)


def config() -> uvicorn.Config:
    """Return uvicorn's configuration of a hub."""
    return uvicorn.Config(
        "config.asgi:application",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def serve(host: str, port: int) -> None:
    """Serve the hub until a signal ends it; exits if the port is taken."""
    _allow_many_files()
    try:
        listener = listen(host, port, backlog=BACKLOG)
    except OSError as error:
        sys.exit(f"Cannot listen on {host} port {port}: {error.strerror}.")
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again when it has shut down
        Server(config()).run(sockets=[listener])
    # The end of the interpreter would wait for threads that still work, for nobody.
    sys.stdout.flush()
    os._exit(0)


def _allow_many_files() -> None:
    """Each stream is an open file, of which a process may often have 1,024 if it does not ask for more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
