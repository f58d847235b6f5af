"""Floor (e) with Django's own work: its ASGI handler, its resolver, one view without DRF, no middleware."""

import secrets

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.bench.floors.bare_asgi import CONTENT, HEADERS


def view(request: HttpRequest) -> HttpResponse:
    """Answer."""
    return HttpResponse(CONTENT, headers=HEADERS)


urlpatterns = [path("api/v1/messages", view)]
settings.configure(SECRET_KEY=secrets.token_hex(), ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, DEBUG=False)
app = get_asgi_application()
