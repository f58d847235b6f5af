"""Files to keep: made whole before they are sent, few at a time, and for nobody once the client has left."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import RequestFactory

from hub.api.exchange import CLIENT_LEFT, Exchange
from hub.console import audit_export, downloads
from tests.console.people import Person

PART = b"x" * 100_000


class Leaving:
    """A client that leaves when `parts` have been made."""

    def __init__(self, parts: int) -> None:
        self.is_watched = False
        self.made: list[bytes] = []
        self._parts = parts

    def begin(self) -> None:
        self.is_watched = True

    @property
    def has_left(self) -> bool:
        return self.is_watched and len(self.made) >= self._parts


def asked_by(client: Leaving | None = None) -> HttpRequest:
    request = RequestFactory().get("/")
    exchange = request.exchange = Exchange.of_request(request)  # type: ignore[attr-defined]
    exchange.client = client  # type: ignore[assignment]
    return request


def download(make: Callable[[], Iterable[bytes]], client: Leaving | None = None) -> Any:
    answer: HttpResponseBase = downloads.download(
        asked_by(client), make, name="log.csv", content_type="text/csv; charset=utf-8"
    )
    return answer


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The temporary files that a test makes."""
    made: list[Any] = []
    real = tempfile.SpooledTemporaryFile

    def noted(*args: Any, **options: Any) -> Any:
        made.append(real(*args, **options))
        return made[-1]

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", noted)
    return made


@pytest.mark.parametrize("parts", [0, 1, 40])
def test_a_file_has_its_length_name_and_type(parts: int) -> None:
    answer = download(lambda: iter([PART] * parts))

    assert answer["Content-Length"] == str(len(PART) * parts)
    assert answer["Content-Disposition"] == 'attachment; filename="log.csv"'
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert b"".join(answer.streaming_content) == PART * parts


def test_nothing_is_made_for_head() -> None:
    request = asked_by()
    request.method = "HEAD"

    answer = downloads.download(request, lambda: pytest.fail("it is made"), name="a", content_type="text/csv")

    assert answer.status_code == 200


@pytest.mark.django_db  # Django looks after its connections when an answer is closed
def test_a_large_file_is_on_disk_and_closed_with_its_answer(files: list[Any]) -> None:
    answers = [download(lambda: iter([PART] * 5)), download(lambda: iter([PART] * 40))]

    assert [file._rolled for file in files] == [False, True]
    for answer in answers:
        answer.close()
    assert all(file.closed for file in files)


def test_an_error_on_the_way_is_the_answer(files: list[Any]) -> None:
    def make() -> Iterator[bytes]:
        yield PART
        raise RuntimeError("on the way")

    for _ in range(downloads.AT_ONCE + 1):  # none keeps its place
        with pytest.raises(RuntimeError, match="on the way"):
            download(make)

    assert all(file.closed for file in files)


def test_nothing_more_is_made_for_a_client_that_left(files: list[Any]) -> None:
    client = Leaving(3)

    def make() -> Iterator[bytes]:
        for _ in range(1000):
            client.made.append(PART)
            yield PART

    answer = download(make, client)

    assert answer.status_code == CLIENT_LEFT
    assert len(client.made) == 3
    assert all(file.closed for file in files)


@pytest.mark.django_db
def test_files_are_made_few_at_a_time(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    inner: list[Any] = []

    def lines(_: object) -> Iterator[bytes]:
        """Ask for the same file while it is made."""
        inner.append(owner.get("realm-audit-export", format="csv"))
        yield b"line"

    monkeypatch.setattr(audit_export, "csv_lines", lines)

    assert owner.get("realm-audit-export", format="csv").status_code == 200
    assert [answer.status_code for answer in inner] == [429, *[200] * (downloads.AT_ONCE - 1)]
    assert int(inner[0]["Retry-After"]) > 0
