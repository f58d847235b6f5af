"""Heavy callers, in a process of their own: slow readers, large writes, bodies full of errors.

Run as `python -m tests.crowd.heavy_load`, with a plan in JSON on standard input. It acts until its input is
closed, then prints how often each kind of caller got each status.
"""

import asyncio
import json
import os
import socket
import sys
from collections import Counter
from typing import Any

from tests.bench.client import Connection, request

VALUES = 100
VALUE = b"[" + b",".join([b"[]"] * 21_800) + b"]"  # 65 KB
UNKNOWN_MEMBERS = 600_000
RECEIVE_BUFFER_BYTES = 4096
READ_BYTES = 4096
READ_SECONDS = 0.5
REFUSED_SECONDS = 0.2  # a caller that does not care for Retry-After
NICENESS = 10  # the attackers' machine is another one

counts: Counter[str] = Counter()


def large_write(name: str) -> bytes:
    """Return a valid write of 6.5 MB."""
    entries = b",".join(b'{"key":"%b.v%d","value":%b}' % (name.encode(), i, VALUE) for i in range(VALUES))
    return b'{"entries":[' + entries + b"]}"


def errors() -> bytes:
    """Return a body with 600,000 members that nothing has."""
    return b"{" + b",".join(b'"m%d":0' % number for number in range(UNKNOWN_MEMBERS)) + b"}"


async def send_again_and_again(base: str, kind: str, key: str, session: str, body: bytes) -> None:
    """Post a body to the memory, over and over."""
    while True:
        connection = Connection(base)
        try:
            await connection.open()
            while True:
                answer = await connection.call("POST", "/api/v1/memory", key, body, X_AISP_Session=session)
                counts[f"{kind} {answer[0]}"] += 1
                if answer[0] in (429, 503):
                    await asyncio.sleep(REFUSED_SECONDS)
        except (OSError, asyncio.IncompleteReadError):
            counts[f"{kind} closed"] += 1
            await asyncio.sleep(REFUSED_SECONDS)
        finally:
            if hasattr(connection, "writer"):
                connection.writer.close()


async def read_slowly(host: str, port: int, key: str, session: str) -> None:
    """Ask for a full page and take 8 KiB of it a second."""
    loop = asyncio.get_running_loop()
    ask = request("GET", "/api/v1/messages?peek=true&limit=300", key, X_AISP_Session=session)
    while True:
        with socket.socket() as connection:
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            try:
                await loop.sock_connect(connection, (host, port))
                await loop.sock_sendall(connection, ask)
                status = ""
                while part := await loop.sock_recv(connection, READ_BYTES):
                    if not status:
                        status = part.split(b" ")[1].decode()
                        counts[f"reader {status}"] += 1
                    if status != "200":
                        break
                    await asyncio.sleep(READ_SECONDS)
            except OSError:
                counts["reader closed"] += 1
        await asyncio.sleep(REFUSED_SECONDS)


async def act(plan: dict[str, Any]) -> None:
    """Do what the plan says until the input is closed."""
    base, (host, port) = plan["base"], plan["address"]
    callers: list[tuple[str, str]] = plan["callers"]
    tasks = []
    for number in range(plan["readers"]):
        tasks.append(read_slowly(host, port, *callers[number % len(callers)]))
    for number in range(plan["writers"]):
        key, session = callers[number % len(callers)]
        tasks.append(send_again_and_again(base, "writer", key, session, large_write(f"w{number}")))
    bad = errors()
    for number in range(plan["faulty"]):
        tasks.append(send_again_and_again(base, "faulty", *callers[number % len(callers)], bad))
    running = [asyncio.create_task(task) for task in tasks]
    await asyncio.to_thread(sys.stdin.read)
    for task in running:
        task.cancel()
    print(json.dumps(counts), flush=True)
    os._exit(0)  # connections may still be full


if __name__ == "__main__":
    os.nice(NICENESS)
    asyncio.run(act(json.loads(sys.stdin.readline())))
