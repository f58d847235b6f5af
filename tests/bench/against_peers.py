"""The hub beside what a user might run in its place."""

import asyncio
import random
from contextlib import ExitStack

import msgspec
import psycopg

from tests.bench import programs, wire
from tests.bench.client import request
from tests.bench.load import ONCE, WrongAnswer
from tests.bench.peers import nats
from tests.bench.programs import PEERS
from tests.bench.report import Target
from tests.bench.rounds import Contender, compare
from tests.bench.run import CLIENTS, SESSIONS, Run
from tests.bench.sections import HUB, sends_of

A2A = "A2A SDK's server, PostgreSQL"
EVENTSTREAM = "django-eventstream, PostgreSQL"
NATS, NATS_SYNCED = "NATS JetStream", "NATS JetStream, sync always"
CHANNELS = 1000


class _Task(msgspec.Struct):
    id: str


class _Result(msgspec.Struct):
    task: _Task


class _Answer(msgspec.Struct):
    result: _Result


def is_task(body: bytes) -> None:
    """Raise `WrongAnswer` unless a task was made."""
    try:
        msgspec.json.decode(body, type=_Answer)
    except msgspec.ValidationError:
        raise WrongAnswer(body) from None


def is_sent(body: bytes) -> None:
    """Raise `WrongAnswer` unless django-eventstream took an event."""
    if body != b'{"sent":true}':
        raise WrongAnswer(body)


def _message() -> bytes:
    parts = [{"text": "hello"}]
    message = {"messageId": ONCE.decode(), "role": "ROLE_USER", "parts": parts}
    call = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
    return request("POST", "/", "", msgspec.json.encode(call), A2A_Version="1.0")


def _event() -> bytes:
    return request("POST", f"/channels/{random.randrange(CHANNELS)}", "", b'{"text":"hello"}')


def _own_database(run: Run, name: str) -> dict[str, str]:
    with psycopg.connect(run.database, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    return {"DATABASE_URL": run.database.rpartition("/")[0] + f"/{name}"}


def peers(run: Run) -> None:
    """Sends, and what is nearest to them."""
    with ExitStack() as stack:
        hub = stack.enter_context(programs.hub("serve", run.environment))
        a2a = stack.enter_context(programs.asgi(f"{PEERS}.a2a_server", _own_database(run, "a2a")))
        eventstream = stack.enter_context(
            programs.asgi(f"{PEERS}.eventstream_django", _own_database(run, "eventstream"))
        )
        asyncio.run(run.register(hub.base, SESSIONS))
        contenders = {
            HUB: run.contender(hub, sends_of(run.keys.limited, run.sessions), wire.is_sent),
            A2A: run.contender(a2a, [[_message()]] * CLIENTS, is_task),
            EVENTSTREAM: run.contender(
                eventstream, [[_event() for _ in range(100)] for _ in range(CLIENTS)], is_sent
            ),
        }
        for name, syncs in ((NATS, False), (NATS_SYNCED, True)):
            server = stack.enter_context(nats.server(syncs=syncs))
            run.load.run(nats.make_stream, server.base)
            contenders[name] = _publishing(run, server.base)
        measured = compare(contenders, run.rounds)
        run.report.add("Peers: a message that is kept", measured)
        for name in (A2A, EVENTSTREAM):
            ratio = measured[HUB].rate_ratio(measured[name])
            run.report.target(Target(f"sends to those of {name}", ratio, least=5))
        ratio = measured[HUB].rate_ratio(measured[NATS_SYNCED])
        run.report.target(Target(f"sends to publishes of {NATS_SYNCED}", ratio, least=0.6))


def _publishing(run: Run, base: str) -> Contender:
    return Contender(lambda: run.load.run(nats.publishes, base, CLIENTS, run.seconds))
