"""Floor (e): an answer that is known before, by WSGI."""

from collections.abc import Callable, Iterable

CONTENT = b'{"messages":[],"unread_count":0}'
HEADERS = [("content-type", "application/json"), ("content-length", str(len(CONTENT)))]


def app(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer."""
    start_response("200 OK", HEADERS)
    return [CONTENT]
