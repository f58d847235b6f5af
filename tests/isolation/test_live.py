"""The two paths that Django does not answer: the matrix over real HTTP, and streams side by side."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from realms.models import Realm
from tests.isolation.calls import Call, Heard, key_of, owners_call
from tests.isolation.matrix import Cell, caller_cells, faults_heard, name_cells
from tests.isolation.names import Named
from tests.isolation.snapshot import changes, changes_in, snapshot
from tests.isolation.table import TABLE, Row
from tests.isolation.worlds import World, new_world
from tests.live.client import WireAgent
from tests.rows import forget_credentials

EVENT_STREAM = "text/event-stream"
LIVE = [row for row in TABLE if row.live]
STREAM = next(row for row in LIVE if row.path.endswith("stream"))
# In mallory's inbox, and a `reset` before them where a stream is opened with an id.
MESSAGES = 3


@pytest.fixture
def world(server: str, transactional_db: None) -> World:
    """Both realms, committed so that the server sees them."""
    made = new_world()
    forget_credentials()
    return made


@pytest.fixture
def http(server: str) -> Iterator[httpx.Client]:
    """A connection to the server."""
    with httpx.Client(base_url=server, timeout=10) as client:
        yield client


def heard(http: httpx.Client, call: Call) -> Heard:
    """Send a request; of a stream, hear as many events as the inbox has to give."""
    headers = {**call.headers, "Accept": "*/*"}
    with http.stream(call.method, call.path, headers=headers, content=call.content) as response:
        content = b""
        streaming = response.headers["content-type"] == EVENT_STREAM
        events = MESSAGES + any("event-id" in name.lower() for name in call.headers)
        for chunk in response.iter_raw():
            content += chunk
            if streaming and content.count(b"\n\n") >= events:
                break
        said = {name.lower(): value for name, value in response.headers.items()}
        return Heard(response.status_code, said, re.sub(rb"retry: \d+", b"retry: <some>", content))


def refused(row: Row) -> list[Cell]:
    """Return the cells of a row that end in a refusal."""
    return [cell for cell in (*caller_cells(row), *name_cells(row)) if cell.gets != 200]


@pytest.mark.parametrize("row", LIVE, ids=str)
def test_every_refusal_of_the_live_paths(world: World, http: httpx.Client, row: Row) -> None:
    before = snapshot()

    faults = [fault for cell in refused(row) for fault in faults_heard(cell, world, partial(heard, http))]

    faults += changes(before, snapshot())
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("header", ["Last-Event-ID", "X-Last-Event-ID"])
def test_a_stream_after_another_realms_message_is_one_after_none(
    world: World, http: httpx.Client, header: str
) -> None:
    before = snapshot()
    granted = [cell for cell in name_cells(STREAM) if cell.gets == 200 and f"header/{header}" in cell.title]

    assert granted
    for cell in granted:
        real, unknown = cell.real(world), cell.unknown and cell.unknown(world)
        assert unknown is not None
        answer, like = heard(http, real), heard(http, unknown)
        assert answer.status == like.status == 200
        assert b"event: reset" in answer.content and b"plain payload" in answer.content
        assert answer.comparable(real.named) == like.comparable(unknown.named), cell.title
        assert not world.alice.telltale.search(answer.bytes_without(real.named)), cell.title
    assert not changes_in(world.alice, before, snapshot())


def test_the_owners_stream_has_the_owners_messages(world: World, http: httpx.Client) -> None:
    for tenant, other in ((world.alice, world.mallory), (world.mallory, world.alice)):
        stream = heard(http, owners_call(STREAM, STREAM.forms[0], tenant, key_of(tenant)))

        assert stream.content.count(f"{tenant.word} payload".encode()) == MESSAGES
        assert not other.telltale.search(stream.content)


def test_streams_of_two_realms_get_each_its_own(world: World, server: str) -> None:
    alice, mallory = (WireAgent(server, tenant.agent) for tenant in (world.alice, world.mallory))
    with alice, mallory, alice.stream() as hers, mallory.stream() as his:
        assert hers.messages(MESSAGES) and his.messages(MESSAGES)
        # Sent at once in both realms, so that one process reads both inboxes together.
        sent = [(alice.send(alice.id), mallory.send(mallory.id)) for _ in range(5)]

        assert hers.messages(5) == [ids[0] for ids in sent]
        assert his.messages(5) == [ids[1] for ids in sent]
        assert his.is_quiet() and hers.is_quiet()


def test_the_streams_of_another_realm_take_no_room(world: World, http: httpx.Client, server: str) -> None:
    Realm.objects.filter(pk=world.mallory.realm.pk).update(max_streams=1)

    with WireAgent(server, world.alice.agent) as alice, alice.stream() as hers:
        assert hers.messages(MESSAGES)
        stream = heard(http, owners_call(STREAM, STREAM.forms[0], world.mallory, key_of(world.mallory)))

    assert stream.status == 200


def test_a_ping_reaches_a_session_of_the_realm_alone(world: World, http: httpx.Client, server: str) -> None:
    ping = next(row for row in LIVE if row.method == "POST")
    call = owners_call(ping, ping.forms[0], world.alice, key_of(world.alice))
    answering = WireAgent(server, world.alice.neighbour)
    listening = WireAgent(server, world.mallory.neighbour)

    with answering, listening, answering.stream() as hers, listening.stream() as his:
        his.messages(1), hers.messages(1)
        with ThreadPoolExecutor(max_workers=1) as thread:
            pinged = thread.submit(heard, http, call)
            assert hers.next().data["payload"]["nonce"] == "abc123"
            # A pong of the same nonce from another realm is none.
            said = {"aisp": "0.1", "from": listening.id, "category": "pong", "payload": {"nonce": "abc123"}}
            for to in ("hub", world.alice.theirs(Named.ME)):
                assert listening.post("/messages", {**said, "to": to}).status_code == 404
            assert not pinged.done()
            answering.send(world.alice.theirs(Named.ME), "pong", payload={"nonce": "abc123"})
        assert pinged.result().status == 200
        assert his.is_quiet()
