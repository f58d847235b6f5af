"""The operators' health page (`/admin/health/`): what the hub stands on, looked at now.

For people and for tools that sign in as one; what probes ask is in `hub.health`.
"""

import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from health_check.base import HealthCheck
from health_check.checks import Mail
from health_check.exceptions import ServiceUnavailable
from health_check.views import HealthCheckView

from hub.health import has_migrations
from hub.operations import backlog, parts

UNHEALTHY = 503
MAIL_TIMEOUT = timedelta(seconds=3)


class Look(HealthCheck):
    """A check that asks the database, in the request's own thread and with its connection."""

    async def run(self) -> None:
        """Look; raises `ServiceUnavailable` with what is wrong."""
        await sync_to_async(self.look)()

    def look(self) -> None:
        """Look, without a loop."""
        raise NotImplementedError


@dataclasses.dataclass
class Database(Look):
    """The database answers within a second."""

    def look(self) -> None:
        """Ask for its version."""
        if parts.database() is None:
            raise ServiceUnavailable("It does not answer within a second.")


@dataclasses.dataclass
class Migrations(Look):
    """The database has all migrations that this code knows."""

    def look(self) -> None:
        """Compare them."""
        if not has_migrations():
            raise ServiceUnavailable("Some are missing: run manage.py migrate.")


@dataclasses.dataclass
class Redis(Look):
    """Redis answers, if the hub is set up with one."""

    def look(self) -> None:
        """Ping it."""
        if parts.has_redis() and not parts.redis_answers():
            raise ServiceUnavailable("It does not answer. Limits and wake-ups are each process's own.")


@dataclasses.dataclass
class PeriodicWork(Look):
    """Whatever is due has been seen to in time, so that a worker and beat must be running."""

    def look(self) -> None:
        """Look for what has waited too long."""
        late = [work.what for work in backlog.overdue() if work.is_behind]
        if late:
            raise ServiceUnavailable(f"Behind: {', '.join(late)}. Do a worker and beat run?")


@dataclasses.dataclass
class MailServer(Mail):
    """The mail server takes a connection."""

    timeout: timedelta = MAIL_TIMEOUT


class HealthView(HealthCheckView):
    """The checks on a page of the admin, or as JSON with `?format=json`."""

    template_name = "admin/health.html"
    checks: Sequence[Any] = (Database, Migrations, Redis, PeriodicWork, MailServer)

    async def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, with 503 where something is wrong: it is no fault of this page."""
        response: HttpResponse = await super().dispatch(request, *args, **kwargs)
        if response.status_code == 500:
            response.status_code = UNHEALTHY
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what every page of the admin has, and each check with what it says."""
        context = super().get_context_data(**kwargs)
        checks = [
            {"says": result.check.__doc__, "error": result.error, "milliseconds": result.time_taken * 1000}
            for result in self.results
        ]
        return {**context, **self.kwargs["of_admin"], "title": "Health", "checks": checks}


def health_page(request: HttpRequest) -> HttpResponseBase:
    """Show the page to an operator."""
    of_admin = admin.site.each_context(request)  # it asks the database what the operator may see
    shown: HttpResponseBase = async_to_sync(HealthView.as_view())(request, of_admin=of_admin)
    return shown
