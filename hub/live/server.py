"""The HTTP server: uvicorn, with bounds for clients that are slow or mean harm.

uvicorn bounds neither a request's head nor how long a client may take to send it or to read an answer.
"""

import contextlib
import resource
import socket
import sys
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from accounts.address import client_address
from hub.api.observed import OTHER, note_unread
from hub.api.problems import problem_body, problem_headers
from hub.api.request_id import HEADER, request_id_from
from hub.live import switchboard
from realms.refusal import Refusal

HEAD_TIMEOUT_SECONDS = 10.0
HEAD_BYTES = 32 * 1024  # of the request line and all headers
SEPARATOR_BYTES = len(": \r\n")
STALL_TIMEOUT_SECONDS = 30.0  # a client that reads nothing for so long is cut off
STALL_LOOK_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 75
SHUTDOWN_SECONDS = 10
UNSENT_BYTES = 64 * 1024  # in the kernel for one client, beyond what is on its way
UNACKNOWLEDGED_SECONDS = 30  # after so long without a sign of life a connection is dead
BACKLOG = 4096


class HeadTooLarge(Exception):
    """A request's head is longer than HEAD_BYTES."""


class Connection(HttpToolsProtocol):
    """One client's connection."""

    _refusal: Refusal | None = None
    _head_bytes = 0
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
        super().data_received(data)
        if self._head_timer is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(Refusal("head_too_large"))

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the head is too large."""
        self._head_arrived()
        size = len(self.url) + sum(len(name) + len(value) + SEPARATOR_BYTES for name, value in self.headers)
        if size > HEAD_BYTES:
            self._refusal = Refusal("head_too_large")
            raise HeadTooLarge
        super().on_headers_complete()
        if switchboard.draining() and self.cycle is not None:
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or what a callback of the parser did not take."""
        self._refuse(self._refusal or Refusal("invalid_request", "This is not an HTTP/1.1 request."))

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
        request_id = request_id_from(None)
        content = problem_body(refusal, request_id)
        headers = problem_headers(refusal) | {
            HEADER: request_id,
            "Content-Length": str(len(content)),
            "Connection": "close",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        note_unread(refusal, method=OTHER, request_id=request_id, address=self._address(), seconds=0)
        self.transport.write(STATUS_LINE[refusal.status] + lines.encode("latin-1") + b"\r\n" + content)
        self.transport.close()

    def _address(self) -> str:
        return client_address(self.client[0]) if self.client else ""


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


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, with what connections inherit from it.

    They send at once: event loops ask for that only of sockets that they made themselves. And the kernel's
    part is bounded, what it keeps for a client that does not read and how long for one that is gone.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    for option, value in (
        ("TCP_NODELAY", 1),
        ("TCP_NOTSENT_LOWAT", UNSENT_BYTES),
        ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_SECONDS * 1000),
    ):
        if hasattr(socket, option):  # not on every system
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return listener


def serve(host: str, port: int) -> None:
    """Serve the hub until a signal ends it; exits if the port is taken."""
    _allow_many_files()
    try:
        listener = listen(host, port)
    except OSError as error:
        sys.exit(f"Cannot listen on {host} port {port}: {error.strerror}.")
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again when it has shut down
        uvicorn.Server(config()).run(sockets=[listener])


def _allow_many_files() -> None:
    """Each stream is an open file, of which a process may often have 1,024 if it does not ask for more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
