"""Files to keep: made whole in the request's thread before their answer begins.

So a file's length is known, an error on the way is an error answer and no shorter file, and a client that
reads slowly holds no thread. A file of over 1 MiB is on disk, without a name.
"""

import tempfile
import threading
from collections.abc import Callable, Iterable

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from hub.api.exchange import CLIENT_LEFT, exchange_of
from realms.refusal import Refusal

AT_ONCE = 2  # in a process: each holds a request's thread, and the other threads go on serving requests
RETRY_SECONDS = 30
MEMORY_BYTES = 1024 * 1024

_room = threading.BoundedSemaphore(AT_ONCE)


def download(
    request: HttpRequest, make: Callable[[], Iterable[bytes]], *, name: str, content_type: str
) -> HttpResponseBase:
    """Return a file to keep. After the client has left, no more of the file is made.

    Args:
        make: begins to make the parts of the file; called when there is room.
        name: of the file.

    Raises:
        Refusal: `rate_limited`, and what `make` and its parts raise.
    """
    if request.method == "HEAD":
        return StreamingHttpResponse((), content_type=content_type)  # of a length that nobody knows yet
    exchange = exchange_of(request)
    if not _room.acquire(blocking=False):
        detail = "Other files are being made now. Try again in half a minute."
        raise Refusal("rate_limited", detail, headers={"Retry-After": str(RETRY_SECONDS)})
    file = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115  the response closes it
    try:
        exchange.watch_client()
        for part in make():
            if exchange.client_left:
                file.close()
                return HttpResponse(status=CLIENT_LEFT)
            file.write(part)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    finally:
        _room.release()
    return FileResponse(file, as_attachment=True, filename=name, content_type=content_type)
