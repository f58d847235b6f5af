"""ASGI: the whole hub in one process.

Each request has its body read on the loop. The two live paths then hold no thread and go to their
consumers; every other request runs in a small fixed pool of threads, each with a database connection of
its own.
"""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import re_path

from config.wsgi import application as wsgi_application
from hub.api.intake import Intake
from hub.live.lifespan import lifespan
from hub.urls import live_urlpatterns

# The servers' own types of ASGI and WSGI are of three minds; all of it is the same protocol.
wsgi: Any = wsgi_application
# Without a bound on what an answer queues: a file that a client reads slowly must not hold a thread.
threads: Any = WSGIMiddleware(wsgi, workers=settings.HUB_REQUEST_THREADS, send_queue_size=0)
requests: Any = URLRouter([*live_urlpatterns, re_path(r"", threads)])

application = ProtocolTypeRouter(
    {
        "http": Intake(requests),
        "lifespan": lifespan,
    }
)
