"""Floor (e) with Django's own work: its handler, its URL resolver, one view without DRF, no middleware.

Django answers in as many threads as the hub has: its statements cannot run on the loop.
"""

import secrets
from typing import Any

from a2wsgi import WSGIMiddleware
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.bench.floors.bare_asgi import CONTENT, HEADERS
from tests.bench.programs import REQUEST_THREADS


def view(request: HttpRequest) -> HttpResponse:
    """Answer."""
    return HttpResponse(CONTENT, headers=HEADERS)


urlpatterns = [path("api/v1/messages", view)]
settings.configure(SECRET_KEY=secrets.token_hex(), ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, DEBUG=False)
app: Any = WSGIMiddleware(get_wsgi_application(), workers=REQUEST_THREADS)
