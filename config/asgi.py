"""ASGI: the whole hub in one process.

Each request has its body read on the loop. What stays open then holds no thread and goes to its
consumer; every other request runs in a small fixed pool of threads, each with a database connection of
its own.
"""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import re_path

from config.tracing import traced_asgi
from config.wsgi import application as wsgi_application
from hub.api.intake import Intake
from hub.api.wsgi_threads import WsgiThreads
from hub.live.lifespan import lifespan
from hub.urls import feed_urlpatterns, live_urlpatterns

threads: Any = WsgiThreads(wsgi_application, settings.HUB_REQUEST_THREADS)
requests: Any = URLRouter([*live_urlpatterns, *feed_urlpatterns, re_path(r"", threads)])

application = ProtocolTypeRouter(
    {
        "http": Intake(traced_asgi(requests)),
        "lifespan": lifespan,
    }
)
