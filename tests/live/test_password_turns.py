"""People who sign in do not keep agents waiting."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.contrib.auth import hashers
from django.contrib.auth.hashers import check_password, make_password
from pytest_django import Settings

from accounts.hashing import AT_ONCE
from hub.api.password_turns import TURNS
from tests.live.client import WireAgent
from tests.waiting import wait_until

MANY = 24


class Hashes:
    """Hashes that are not done until they may be."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.at_work = self.most = self.done = 0
        self._lock = threading.Lock()

    def make(self, *args: object, **options: object) -> bytes:
        """Stand for PBKDF2."""
        with self._lock:
            self.at_work += 1
            self.most = max(self.most, self.at_work)
        assert self.may_end.wait(20)
        with self._lock:
            self.at_work -= 1
            self.done += 1
        return b"hash"


@pytest.fixture
def hashes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hashes]:
    """The hub's own hasher, with hashes that the test lets go on."""
    settings.PASSWORD_HASHERS = ["accounts.hashing.Hasher"]
    made = Hashes()
    monkeypatch.setattr(hashers, "pbkdf2", made.make)
    yield made
    made.may_end.set()


def test_two_hashes_are_made_at_once(hashes: Hashes) -> None:
    with ThreadPoolExecutor(8) as threads:
        encoded = [threads.submit(make_password, "correct horse 7") for _ in range(8)]
        wait_until(lambda: hashes.at_work == AT_ONCE)
        hashes.may_end.set()
        assert all(each.result() for each in encoded)

    assert (hashes.most, hashes.done) == (AT_ONCE, 8)


def test_a_hash_of_djangos_own_still_counts(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    before = make_password("correct horse 7")
    settings.PASSWORD_HASHERS = ["accounts.hashing.Hasher"]

    assert check_password("correct horse 7", before)
    assert not check_password("another horse 7", before)


def test_agents_do_not_wait_for_people_who_sign_in(alice: WireAgent, hashes: Hashes) -> None:
    def sign_in(number: int) -> int:
        with httpx.Client(base_url=alice.base) as browser:
            token = (
                browser.get("/accounts/login/").text.split('csrfmiddlewaretoken" value="')[1].split('"')[0]
            )
            sent = {"login": "x@example.com", "password": "wrong", "csrfmiddlewaretoken": token}
            return browser.post("/accounts/login/", data=sent, timeout=30).status_code

    with ThreadPoolExecutor(MANY) as threads:
        answers = [threads.submit(sign_in, number) for number in range(MANY)]
        wait_until(lambda: hashes.at_work == AT_ONCE and TURNS.working.total() == AT_ONCE)
        statuses = {alice.get("/sessions").status_code for _ in range(5)}
        hashes.may_end.set()
        said = {answer.result() for answer in answers}

    assert statuses == {200}
    assert said <= {200, 429}
    assert hashes.most == AT_ONCE
