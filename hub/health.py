"""Health, for what keeps the process alive and for what sends requests to it."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse

from hub.live import switchboard

TEXT = "text/plain; charset=utf-8"


def livez(request: HttpRequest) -> HttpResponse:
    """Tell that the process answers. It asks nobody else: a restart would not mend another's fault."""
    return HttpResponse("alive\n", content_type=TEXT)


def readyz(request: HttpRequest) -> HttpResponse:
    """Tell whether to send requests here: not while the process is ending, nor without its database."""
    problem = "draining" if switchboard.draining() else _database_problem()
    return HttpResponse(f"{problem or 'ready'}\n", status=503 if problem else 200, content_type=TEXT)


def _database_problem() -> str | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "the database does not answer"
    return None
