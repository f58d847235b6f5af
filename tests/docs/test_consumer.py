"""The consumer that the docs offer for copying does what its page says, where a hub makes it hard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.docs.contents import WRITTEN
from tests.docs.samples import samples_of

SESSION = "sess_01HX9J2N3PQRSTVWXYZ0123456"
IDS = [f"msg_01HX9J2N3PQRSTVWXYZ012345{last}" for last in "678"]
STOP = 'event: close\ndata: {"reason":"key_revoked","reconnect":false}\n\n'


def _message(message_id: str) -> str:
    return f'event: message\nid: {message_id}\ndata: {{"id":"{message_id}"}}\n\n'


def _stream(*events: str) -> httpx.Response:
    text = "retry: 0\n: still here\n" + "".join(events)
    return httpx.Response(200, text=text, headers={"Content-Type": "text/event-stream"})


Answers = list[httpx.Response | httpx.TransportError]


class Hub:
    """A fake hub at the edge of the process: gives answers one by one, and notes what it is asked for."""

    def __init__(self, *answers: httpx.Response | httpx.TransportError) -> None:
        self.answers: Answers = list(answers)
        self.seen: list[str] = []
        self.client = httpx.Client(base_url="http://hub", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request.headers["Last-Event-ID"])
        said = self.answers.pop(0)
        if isinstance(said, httpx.TransportError):
            raise said
        return said


@pytest.fixture(scope="module")
def sample() -> dict[str, Any]:
    """What the page's code defines."""
    samples = samples_of(WRITTEN["receive-messages"], origin="", key="")
    [code] = [sample.code for sample in samples if "class Inbox" in sample.code]
    names: dict[str, Any] = {}
    exec(code, names)
    return names


@pytest.fixture
def inbox_of(sample: dict[str, Any], tmp_path: Path) -> Callable[[Hub], Any]:
    """Return the page's inbox, which does not wait before it tries again."""

    def make(hub: Hub) -> Any:
        inbox = sample["Inbox"](hub.client, SESSION, tmp_path / "place")
        inbox.wait = 0.0
        return inbox

    return make


def test_it_comes_back_with_what_it_has_handled(
    sample: dict[str, Any], inbox_of: Callable[[Hub], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    hub = Hub(
        httpx.Response(503, headers={"Retry-After": "0"}),
        httpx.Response(429, headers={"Retry-After": "0"}),
        _stream(_message(IDS[0])),
        httpx.ConnectError("refused"),
        httpx.Response(502),
        _stream(_message(IDS[1]), 'event: close\ndata: {"reason":"shutting_down","reconnect":true}\n\n'),
        _stream('event: reset\ndata: {"reason":"gone","oldest":null}\n\n', _message(IDS[2]), STOP),
    )
    inbox, handled = inbox_of(hub), []

    with pytest.raises(SystemExit, match="key_revoked"):
        for message in inbox.messages():
            handled.append(message["id"])
            inbox.done(message)

    assert handled == IDS
    assert hub.seen == [sample["START"]] * 3 + [IDS[0]] * 3 + [IDS[1]]
    assert "gone" in capsys.readouterr().out


def test_it_does_not_try_again_what_will_not_work(inbox_of: Callable[[Hub], Any]) -> None:
    hub = Hub(httpx.Response(401), _stream(_message(IDS[0])))

    with pytest.raises(httpx.HTTPStatusError):
        next(inbox_of(hub).messages())

    assert len(hub.answers) == 1


def test_what_was_not_done_comes_again(sample: dict[str, Any], inbox_of: Callable[[Hub], Any]) -> None:
    hub = Hub(_stream(_message(IDS[0])), _stream(_message(IDS[0])))

    for _ in range(2):
        assert next(inbox_of(hub).messages())["id"] == IDS[0]

    assert hub.seen == [sample["START"]] * 2
