"""The listening socket: what connections inherit from it, and how it ends without losing one of them."""

import contextlib
import ctypes
import socket
import struct

UNSENT_BYTES = 64 * 1024  # in the kernel for one client, beyond what is on its way
UNACKNOWLEDGED_SECONDS = 30  # after so long without a sign of life a connection is dead
SO_ATTACH_FILTER = 26  # Linux, asm-generic/socket.h; Python has no name for it
# A classic BPF program that drops packets with the flag SYN, which open connections: (code, jump if true,
# jump if false, operand), as in the kernel's Documentation/networking/filter.rst.
DROP_SYN = (
    (0x30, 0, 0, 13),  # load the byte with the flags of the TCP header (RFC 9293 §3.1)
    (0x45, 0, 1, 0x02),  # test SYN
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # keep
)


def listen(host: str, port: int, *, backlog: int) -> socket.socket:
    """Return a listening socket.

    Its connections send at once: event loops ask for that only of sockets that they opened themselves. The
    kernel's part is limited, both the bytes that it holds for a client that does not read and the time that
    it keeps a client that is gone.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=backlog)
    for option, value in (
        ("TCP_NODELAY", 1),
        ("TCP_NOTSENT_LOWAT", UNSENT_BYTES),
        ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_SECONDS * 1000),
    ):
        if hasattr(socket, option):  # not on every system
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return listener


def take_no_more(listener: socket.socket) -> None:
    """Have the kernel take no further connections, while those that clients have opened wait to be accepted.

    A listener that is closed resets the connections that wait in it. A client that has sent its request on
    one cannot know whether the request was done. A client whose SYN is dropped sends it again after a second,
    finds the port closed, and knows that nothing was done. On systems other than Linux nothing happens.
    """
    instructions = b"".join(struct.pack("HBBI", *instruction) for instruction in DROP_SYN)
    program = ctypes.create_string_buffer(instructions, len(instructions))
    with contextlib.suppress(OSError):
        listener.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(DROP_SYN), ctypes.addressof(program))
        )
