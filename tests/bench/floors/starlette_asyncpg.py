"""Floor (a): Starlette and asyncpg with the hub's own statements; credentials in a dict, no limits."""

import os
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from realms.ids import MESSAGE, SESSION, id_of, new_id, uuid_of

CONNECTIONS = 16
JSON = "application/json"

_encoder = msgspec.json.Encoder()


class Envelope(msgspec.Struct, rename={"from_": "from"}):
    """A message as it is sent."""

    aisp: str
    from_: str
    to: str
    category: str
    payload: msgspec.Raw


class Entry(msgspec.Struct):
    """A memory entry to write."""

    key: str
    value: msgspec.Raw


class Entries(msgspec.Struct):
    """Memory entries to write."""

    entries: list[Entry]


class Given(msgspec.Struct):
    """What the run gives to the floor: the hub's statements, and who each key belongs to.

    Attributes:
        credentials: of each key the ids of its realm and of itself, and the most that an inbox may hold.
    """

    send: str
    poll: str
    credentials: dict[str, tuple[str, str, int]]


class Statement:
    """A statement with `%(name)s` in it, as PostgreSQL has it: `$1`."""

    def __init__(self, named: str) -> None:
        self.names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", named)))
        self.text = re.sub(r"%\((\w+)\)s", lambda found: f"${self.names.index(found[1]) + 1}", named)

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        """Return the values in the statement's order."""
        return [values[name] for name in self.names]


given = msgspec.json.decode(os.environ["BENCH_GIVEN"], type=Given)
CREDENTIALS = {
    key: (uuid_of(realm), uuid_of(id_), limit) for key, (realm, id_, limit) in given.credentials.items()
}
PROCESS = uuid.uuid4()
SEND, POLL = Statement(given.send), Statement(given.poll)
_WRITE = """
INSERT INTO bench_memory (realm_id, key, value, version, updated_at) VALUES ($1, $2, $3, 1, now())
ON CONFLICT (realm_id, key) DO UPDATE SET value = $3, version = bench_memory.version + 1, updated_at = now()
RETURNING version
"""
_READ = "SELECT value, version, updated_at FROM bench_memory WHERE realm_id = $1 AND key = $2"


def answer(value: Any, status: int = 200) -> Response:
    """Return a JSON answer."""
    return Response(_encoder.encode(value), status, media_type=JSON)


async def send(request: Request) -> Response:
    """Send a message by the hub's statement."""
    realm, key, inbox_limit = CREDENTIALS[request.headers["x-aisp-key"]]
    envelope = msgspec.json.decode(await request.body(), type=Envelope)
    id_ = new_id(MESSAGE)
    values = {
        "id": uuid_of(id_),
        "realm": realm,
        "key": key,
        "sender": uuid_of(envelope.from_),
        "recipient": uuid_of(envelope.to),
        "recipient_ids": f'["{envelope.to}"]',
        "category": envelope.category,
        "payload": bytes(envelope.payload).decode(),
        "envelope": "",
        "reply_to": None,
        "capability": "",
        "expires_at": None,
        "inbox_limit": inbox_limit,
        "seen_grain": timedelta(seconds=10),
        "process": PROCESS,
        "process_timeout": timedelta(seconds=15),
    }
    sent_at, streaming, *_ = await request.app.state.pool.fetchrow(SEND.text, *SEND.arguments(values))
    if sent_at is None:
        return answer({"error": "refused"}, 403)
    return answer({"message_id": id_, "status": "delivered" if streaming else "queued"})


async def poll(request: Request) -> Response:
    """Poll an inbox by the hub's statement."""
    realm, key, _ = CREDENTIALS[request.headers["x-aisp-key"]]
    values = {
        "realm": realm,
        "key": key,
        "seen_grain": timedelta(seconds=10),
        "session": uuid_of(request.headers["x-aisp-session"]),
        "category": None,
        "since": None,
        "page_bytes": 4 * 1024 * 1024,
    }
    rows = await request.app.state.pool.fetch(POLL.text, *POLL.arguments(values))
    messages = [
        {
            "id": id_of(MESSAGE, row[4]),
            "from": id_of(SESSION, row[5]),
            "category": row[6],
            "payload": msgspec.Raw(row[7].encode()),
            "sent_at": row[11],
        }
        for row in rows
        if row[3] is not None
    ]
    return answer({"messages": messages, "unread_count": rows[0][1]})


async def write(request: Request) -> Response:
    """Write memory entries."""
    realm, _, _ = CREDENTIALS[request.headers["x-aisp-key"]]
    entries = msgspec.json.decode(await request.body(), type=Entries).entries
    for entry in entries:
        await request.app.state.pool.fetchval(_WRITE, realm, entry.key, bytes(entry.value).decode())
    return answer({"written": len(entries), "entries": [entry.key for entry in entries]})


async def read(request: Request) -> Response:
    """Read a memory entry."""
    realm, _, _ = CREDENTIALS[request.headers["x-aisp-key"]]
    key = request.path_params["key"]
    row = await request.app.state.pool.fetchrow(_READ, realm, key)
    value = msgspec.Raw(row[0].encode())
    return answer({"key": key, "value": value, "version": row[1], "updated_at": row[2]})


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Connect to the database."""
    async with asyncpg.create_pool(
        os.environ["DATABASE_URL"], min_size=CONNECTIONS, max_size=CONNECTIONS
    ) as app.state.pool:
        yield


app = Starlette(
    routes=[
        Route("/api/v1/messages", send, methods=["POST"]),
        Route("/api/v1/messages", poll),
        Route("/api/v1/memory", write, methods=["POST"]),
        Route("/api/v1/memory/{key}", read),
    ],
    lifespan=lifespan,
)
