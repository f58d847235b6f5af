"""Files that are made while they are sent: few at a time, since each holds a request's thread."""

import threading
from collections.abc import Callable, Iterable, Iterator

from django.http import StreamingHttpResponse

from realms.refusal import Refusal

AT_ONCE = 2  # in a process; the other threads go on serving requests
RETRY_SECONDS = 30

_room = threading.BoundedSemaphore(AT_ONCE)


class _Parts:
    """The parts of one file, which holds its place among those that are made now until it is closed."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts
        self._holds = True

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts

    def close(self) -> None:
        """Be closed by the response, whether or not it was read."""
        if self._holds:
            self._holds = False
            _room.release()

    def __del__(self) -> None:
        """Give the place back where the response got lost on its way to the server."""
        self.close()


def download(make: Callable[[], Iterable[bytes]], *, name: str, content_type: str) -> StreamingHttpResponse:
    """Return a file to keep.

    Args:
        make: begins to make it; called when there is room for it.

    Raises:
        Refusal: `rate_limited`, and what `make` raises.
    """
    if not _room.acquire(blocking=False):
        detail = "Other files are being made now. Try again in half a minute."
        raise Refusal("rate_limited", detail, headers={"Retry-After": str(RETRY_SECONDS)})
    try:
        parts = _Parts(make())
    except BaseException:
        _room.release()
        raise
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(parts, content_type=content_type, headers=headers)
