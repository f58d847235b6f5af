"""What a stream says while there is nothing to say."""

import itertools

import httpx
import pytest

from hub.live import stream
from tests.live.client import WireAgent


def test_a_comment_keeps_proxies_open(server: str, alice: WireAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    assert max(stream.HEARTBEAT_SECONDS) <= 15
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", (0.05, 0.1))

    with httpx.stream("GET", f"{server}/api/v1/messages/stream", headers=alice.headers()) as response:
        comments = [line for line in itertools.islice(response.iter_lines(), 3) if line.startswith(":")]

    assert comments == [": still here"] * 2  # the first line is the time for a retry
