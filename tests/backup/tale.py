"""A hub that is backed up while it serves, goes on for a while, is lost, and comes back from the backup."""

import contextlib
import json
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from hub.messages.inbox import INBOX_START
from hub.sessions.models import Session
from tests import processes
from tests.backup.places import Place
from tests.cast import Agent
from tests.faults.founding import OWNER
from tests.live.client import WireAgent
from tests.live.processes import ROOT
from tests.servers import free_port
from tests.waiting import wait_until

REALM = "default"
OF_REALM = ("--realm", REALM, "--owner", OWNER)
REVOKED = "revoked-later"
SENT_BEFORE, SENT_AFTERWARDS = 60, 20
PAGE = 500


@dataclass
class Sender:
    """Sends without a pause, and notes what was acknowledged."""

    alice: WireAgent
    to: str
    acknowledged: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __enter__(self) -> "Sender":
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _send(self) -> None:
        while not self._over.is_set():
            try:
                self.acknowledged.append(self.alice.send(self.to))
            except (httpx.HTTPError, AssertionError) as error:
                self.failed.append(str(error))

    def wait_for(self, more: int) -> None:
        """Return when so many more were acknowledged."""
        enough = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= enough or bool(self.failed), seconds=60)


@dataclass
class Once:
    """A request that is to be done once only."""

    key: str
    body: dict[str, Any]

    def by(self, agent: WireAgent) -> httpx.Response:
        """Send it, again or for the first time."""
        answer = agent.post("/messages", self.body, **{"Idempotency-Key": self.key})
        assert answer.status_code == 200, answer.text
        return answer


@dataclass
class Tale:
    """What happened, and the hub that came back.

    Attributes:
        before: ids of the messages to bob that were acknowledged before the backup began.
        meanwhile: of those that were while it ran.
        afterwards: of those that were when it was there.
        noted: heads of the realm's audit log: before the backup, and from after it.
        answers: to `early` and to `late`, requests of before and of after the backup.
        token: of alice, from before the backup.
        revoked: a key that was revoked after the backup.
    """

    before: list[str]
    meanwhile: list[str]
    afterwards: list[str]
    failed: list[str]
    noted: tuple[str, str]
    early: Once
    late: Once
    answers: tuple[str, str]
    token: str
    revoked: str
    backup: Path
    lost: Place
    place: Place
    alice: WireAgent
    bob: WireAgent

    def held(self) -> list[str]:
        """Return the ids of all that bob's inbox holds now, in its order, and mark nothing as read."""
        found: list[str] = []
        while True:
            after = found[-1] if found else INBOX_START
            answer = self.bob.get(f"/messages?peek=true&limit={PAGE}&after={after}")
            assert answer.status_code == 200, answer.text
            page = [message["id"] for message in answer.json()["messages"]]
            found += page
            if len(page) < PAGE:
                return found


@contextlib.contextmanager
def serving(place: Place, log: Path) -> Iterator[str]:
    """Run a hub, and give its base URL."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "manage.py", "serve", f"--port={port}"]
    with log.open("wb") as output:
        hub = processes.start(command, cwd=ROOT, env=place.environment, stdout=output, stderr=output)

    def is_up() -> bool:
        assert hub.poll() is None, log.read_text()
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{base}/livez").status_code == 200
        return False

    try:
        wait_until(is_up, seconds=60)
        yield base
    finally:
        processes.end(hub, signal.SIGKILL)


def founded(place: Place) -> str:
    """Prepare a place, and return a key of a realm in it, without limits."""
    ran = place.run("-m", "tests.faults.founding", REALM)
    assert ran.returncode == 0, ran.stderr
    return str(json.loads(ran.stdout)[REALM])


def _registered(base: str, key: str, name: str) -> Session:
    body = {"name": name, "kind": "service"}
    answer = httpx.post(f"{base}/api/v1/sessions", json=body, headers={"X-AISP-Key": key})
    assert answer.status_code == 200, answer.text
    return Session(pk=answer.json()["id"])


def _id_of_key(place: Place, name: str) -> str:
    [line] = [line for line in place.manage("apikey", "list", *OF_REALM).splitlines() if name in line]
    return line.split()[0]


def _once(key: str, sender: Session, to: Session) -> Once:
    envelope = {"aisp": "0.1", "from": sender.pk, "to": to.pk, "category": "message", "payload": {"of": key}}
    return Once(key, envelope)


@contextlib.contextmanager
def told(lost: Place, place: Place, backup: Path, folder: Path) -> Iterator[Tale]:
    """Tell it: the hub of `lost` is backed up to `backup`, and restored into `place`."""
    key = founded(lost)
    with contextlib.ExitStack() as stack:
        base = stack.enter_context(serving(lost, folder / "log"))
        sessions = [_registered(base, key, name) for name in ("alice", "bob")]
        alice, bob = (stack.enter_context(WireAgent(base, Agent(key, session))) for session in sessions)
        early, late = (_once(name, *sessions[::-1]) for name in ("early", "late"))
        token = alice.post(f"/sessions/{alice.id}/token", {}).json()["token"]
        first = early.by(bob).json()["message_id"]
        revoked = lost.manage("apikey", "issue", *OF_REALM, "--name", REVOKED)
        noted = lost.manage("audit", "head", *OF_REALM)
        with Sender(alice, bob.id) as sender:
            sender.wait_for(SENT_BEFORE)
            before = len(sender.acknowledged)
            lost.manage("backup", str(backup))
            then = len(sender.acknowledged)
            sender.wait_for(SENT_AFTERWARDS)
        second = late.by(bob).json()["message_id"]
        lost.manage("apikey", "revoke", _id_of_key(lost, REVOKED))
        later = lost.manage("audit", "head", *OF_REALM)
        stack.close()  # the hub is killed, as on the day that a backup is for

        place.manage("restore", str(backup))
        place.manage("migrate", "--verbosity=0")
        again = stack.enter_context(serving(place, folder / "log-again"))
        alice, bob = (stack.enter_context(WireAgent(again, Agent(key, session))) for session in sessions)
        yield Tale(
            before=sender.acknowledged[:before],
            meanwhile=sender.acknowledged[before:then],
            afterwards=sender.acknowledged[then:],
            failed=sender.failed,
            noted=(noted, later),
            early=early,
            late=late,
            answers=(first, second),
            token=token,
            revoked=revoked,
            backup=backup,
            lost=lost,
            place=place,
            alice=alice,
            bob=bob,
        )
