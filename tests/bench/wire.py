"""Requests as they go over the wire, and what their answers must be."""

import msgspec

from tests.bench.client import envelope, request
from tests.bench.load import WrongAnswer


def send(key: str, sender: str, recipient: str, **headers: str) -> bytes:
    """Return a send of a small message."""
    return request("POST", "/api/v1/messages", key, envelope(sender, recipient, text="hello"), **headers)


def poll(key: str, session: str, limit: int) -> bytes:
    """Return a poll of a session's inbox."""
    return request("GET", f"/api/v1/messages?limit={limit}", key, X_AISP_Session=session)


def write(key: str, session: str, entry: str) -> bytes:
    """Return a write of a memory entry."""
    body = msgspec.json.encode({"entries": [{"key": entry, "value": {"text": "hello"}}]})
    return request("POST", "/api/v1/memory", key, body, X_AISP_Session=session)


def read(key: str, session: str, entry: str) -> bytes:
    """Return a read of a memory entry."""
    return request("GET", f"/api/v1/memory/{entry}", key, X_AISP_Session=session)


class _Sent(msgspec.Struct):
    message_id: str
    status: str


class _Message(msgspec.Struct):
    id: str
    payload: dict[str, str]


class _Page(msgspec.Struct):
    messages: list[_Message]
    unread_count: int


class _Written(msgspec.Struct):
    written: int


class _Entry(msgspec.Struct):
    value: dict[str, str]


def _must(right: bool, body: bytes) -> None:
    if not right:
        raise WrongAnswer(body.decode(errors="replace"))


def is_sent(body: bytes) -> None:
    """Raise `WrongAnswer` unless a message was taken."""
    _must(msgspec.json.decode(body, type=_Sent).message_id.startswith("msg_"), body)


def is_page_of_ten(body: bytes) -> None:
    """Raise `WrongAnswer` unless ten messages were returned, with what is in them."""
    messages = msgspec.json.decode(body, type=_Page).messages
    _must(len(messages) == 10 and all(message.payload["text"] for message in messages), body)


def is_empty_page(body: bytes) -> None:
    """Raise `WrongAnswer` unless no message was returned."""
    page = msgspec.json.decode(body, type=_Page)
    _must(not page.messages and page.unread_count == 0, body)


def is_written(body: bytes) -> None:
    """Raise `WrongAnswer` unless one entry was written."""
    _must(msgspec.json.decode(body, type=_Written).written == 1, body)


def is_entry(body: bytes) -> None:
    """Raise `WrongAnswer` unless the entry was returned."""
    _must(msgspec.json.decode(body, type=_Entry).value == {"text": "hello"}, body)
