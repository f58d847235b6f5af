"""ASGI: the whole hub in one process.

The intake reads each request on the loop. A request that stays open (a stream, a ping, the console's feed)
holds no thread and goes to its consumer. Every other request runs in a small fixed pool of threads, each with
a database connection of its own.
"""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import re_path

from config.tracing import traced
from hub.api.handler import Handler
from hub.api.intake import Intake
from hub.api.large_bodies import LargeBodies
from hub.api.password_turns import PasswordTurns
from hub.api.request_threads import RequestThreads
from hub.live.lifespan import lifespan
from hub.postgresql import driver
from hub.urls import feed_urlpatterns, live_urlpatterns

driver.limit_statements(settings.HUB_STATEMENT_SECONDS)

threads: Any = RequestThreads(Handler(), settings.HUB_REQUEST_THREADS)
live: Any = URLRouter([*live_urlpatterns, *feed_urlpatterns, re_path(r"", threads)])


async def requests(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request that was read whole; channels' router takes `//api` for `/api`, Django does not."""
    application = threads if scope["path"].startswith("//") else live
    await application(scope, receive, send)


application = ProtocolTypeRouter(
    {
        "http": Intake(traced(LargeBodies(PasswordTurns(requests), threads.run))),
        "lifespan": lifespan,
    }
)
