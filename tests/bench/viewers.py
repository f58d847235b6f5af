"""What people who look at the console cost those who send: `make bench` has pages open beside its sends."""

import asyncio
import contextlib
import statistics
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from tests.bench import programs
from tests.bench.client import Connection, envelope, rate, register
from tests.bench.run import CLIENTS, Run

PAGES = 10
TURN_SECONDS = 4.0  # two looks of the feed
SIGN_IN = """
from django.conf import settings
from tests.client import Client
from realms.models import Realm
realm = Realm.objects.get()
realm.owner.must_change_password = False
realm.owner.save()
browser = Client()
browser.force_login(realm.owner)
print(realm.pk, settings.SESSION_COOKIE_NAME + "=" + browser.cookies[settings.SESSION_COOKIE_NAME].value)
"""


def owner_of_the_realm(environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the only realm's id, and the cookie of its owner, who is signed in for this."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", SIGN_IN]
    run = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    realm_id, cookie = run.stdout.split()
    return realm_id, cookie


async def look(base: str, realm_id: str, cookie: str) -> None:
    """Do what an open overview does: follow the feed, and get the page anew at each of its events."""
    feed, page = Connection(base), Connection(base)
    await feed.open()
    await page.open()
    feed.write("GET", f"/realms/{realm_id}/feed", "", Cookie=cookie)
    try:
        while line := await feed.reader.readline():
            if line.startswith(b"event:"):
                status, _ = await page.call("GET", f"/realms/{realm_id}", "", Cookie=cookie)
                assert status == 200, status
    finally:
        for connection in (feed, page):
            connection.writer.close()


def viewers(run: Run) -> None:
    """Sends with nobody looking and with some pages open, in alternating turns."""
    with programs.hub("serve", run.environment) as hub:
        realm_id, cookie = owner_of_the_realm({**run.environment, "HUB_ORIGIN": hub.base})
        pages = [partial(look, hub.base, realm_id, cookie)] * PAGES
        unseen, seen = asyncio.run(_alternate(hub.base, run.keys.limited, pages, run.rounds, CLIENTS))
    share = f"{seen / unseen:.2f} of the {unseen:.0f} without them"
    run.report.note(f"sends beside {PAGES} pages of the console: {seen:.0f} /s, {share}")


async def _alternate(
    base: str, key: str, viewers: Sequence[Callable[[], Coroutine[Any, Any, None]]], turns: int, clients: int
) -> tuple[float, float]:
    connections = [Connection(base) for _ in range(clients)]
    for connection in connections:
        await connection.open()
    ids = [await register(connections[0], key, f"seen-{i}") for i in range(clients)]
    bodies = [envelope(ids[i], ids[(i + 1) % clients], text="hello") for i in range(clients)]

    async def send(i: int) -> None:
        status, content = await connections[i].call("POST", "/api/v1/messages", key, bodies[i])
        assert status == 200, content

    alone: list[float] = []
    beside: list[float] = []
    sends = [partial(send, i) for i in range(clients)]
    for _ in range(turns):
        alone.append(await rate(TURN_SECONDS, sends))
        pages = [asyncio.create_task(one()) for one in viewers]
        try:
            beside.append(await rate(TURN_SECONDS, sends))
            assert not any(page.done() for page in pages), "a page was closed"
        finally:
            for page in pages:
                page.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*pages)
    return statistics.median(alone), statistics.median(beside)
