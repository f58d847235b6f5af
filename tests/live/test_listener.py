"""The listening socket at its end: what clients have opened is accepted, and nothing further is opened."""

import socket
import sys

import pytest

from hub.live.listener import listen, take_no_more


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's socket filters")
def test_a_connection_that_waits_is_accepted_and_a_later_one_is_not_opened() -> None:
    with listen("127.0.0.1", 0, backlog=8) as listener, socket.socket() as waiting:
        waiting.connect(listener.getsockname())
        waiting.sendall(b"request")

        take_no_more(listener)

        with pytest.raises(TimeoutError):
            socket.create_connection(listener.getsockname(), timeout=0.05)
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(100) == b"request"
            accepted.sendall(b"answer")
            assert waiting.recv(100) == b"answer"
        address = listener.getsockname()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=10)
