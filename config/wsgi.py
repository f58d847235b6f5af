"""WSGI: the request half of the hub, for the `web` role and inside `config.asgi`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.tracing import traced
from hub.postgresql import driver

application = traced(get_wsgi_application())
driver.limit_statements(settings.HUB_STATEMENT_SECONDS)
