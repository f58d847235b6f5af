"""django-eventstream as its documentation has it: events kept by its own model, sent by a view."""

import os
import secrets
from concurrent.futures import ThreadPoolExecutor

import environ
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

CONTENT = b'{"sent":true}'
HEADERS = {"Content-Type": "application/json", "Content-Length": str(len(CONTENT))}


@csrf_exempt
def send(request: HttpRequest, channel: str) -> HttpResponse:
    """Send a request's body to a channel."""
    from django_eventstream import send_event

    send_event(channel, "message", request.body.decode(), json_encode=False)
    return HttpResponse(CONTENT, headers=HEADERS)


urlpatterns = [path("channels/<str:channel>", send)]
settings.configure(
    SECRET_KEY=secrets.token_hex(),
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DEBUG=False,
    USE_TZ=True,
    INSTALLED_APPS=["django_eventstream"],
    EVENTSTREAM_STORAGE_CLASS="django_eventstream.storage.DjangoModelStorage",
    DATABASES={"default": {**environ.Env.db_url_config(os.environ["DATABASE_URL"]), "CONN_MAX_AGE": None}},
)
app = get_asgi_application()
with ThreadPoolExecutor(1) as thread:  # the loop runs already, and Django has no statements on it
    thread.submit(call_command, "migrate", verbosity=0).result()
