"""Health and numbers, for what keeps the process alive, sends requests to it, and watches over it."""

import hmac
import ipaddress

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from hub.api.exchange import Exchange, exchange_of
from hub.live import switchboard
from hub.operations import parts

TEXT = "text/plain; charset=utf-8"
BEARER = "Bearer "

_is_migrated = False


def livez(request: HttpRequest) -> HttpResponse:
    """Tell that the process answers. It asks nobody else: a restart would not mend another's fault."""
    return HttpResponse("alive\n", content_type=TEXT)


def readyz(request: HttpRequest) -> HttpResponse:
    """Tell whether to send requests here.

    Not while the process is ending, nor without its database, nor on one that lacks migrations. Without
    Redis it does its work, if not as well, so that it stays ready and says so.
    """
    problem = "draining" if switchboard.draining() else _database_problem()
    if problem:
        return HttpResponse(f"{problem}\n", status=503, content_type=TEXT)
    degraded = parts.has_redis() and not parts.redis_answers()
    said = "ready, degraded: Redis does not answer" if degraded else "ready"
    return HttpResponse(f"{said}\n", content_type=TEXT)


def metrics(request: HttpRequest) -> HttpResponse:
    """Return this process's numbers in Prometheus' text format, to whoever may have them."""
    if settings.HUB_METRICS_TOKEN:
        presented = exchange_of(request).headers.get("authorization", "")
        if not hmac.compare_digest(presented.encode(), (BEARER + settings.HUB_METRICS_TOKEN).encode()):
            headers = {"WWW-Authenticate": 'Bearer realm="metrics"'}
            return HttpResponse("HUB_METRICS_TOKEN is needed.\n", TEXT, 401, headers=headers)
    elif not _is_of_this_machine(exchange_of(request)):
        return HttpResponse("Set HUB_METRICS_TOKEN to be answered from elsewhere.\n", TEXT, 404)
    return HttpResponse(generate_latest(), CONTENT_TYPE_LATEST)


def _is_of_this_machine(exchange: Exchange) -> bool:
    """Tell whether a request comes from this machine, and not through a proxy that runs on it."""
    if "x-forwarded-for" in exchange.headers or "forwarded" in exchange.headers:
        return False
    return bool(exchange.address) and ipaddress.ip_address(exchange.address).is_loopback


def _database_problem() -> str | None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not has_migrations():
            return "the database lacks migrations: run manage.py migrate"
    except DatabaseError:
        return "the database does not answer"
    return None


def has_migrations() -> bool:
    """Tell whether the database has all migrations that this code knows; it may have more.

    To find out takes a tenth of a second, and once it has them it keeps them.
    """
    global _is_migrated
    if not _is_migrated:
        executor = MigrationExecutor(connection)
        _is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _is_migrated


urlpatterns = [
    path("livez", require_safe(livez), name="livez"),
    path("readyz", require_safe(readyz), name="readyz"),
    path("metrics", require_safe(metrics), name="metrics"),
]
