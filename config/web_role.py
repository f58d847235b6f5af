"""WSGI for the `web` role, which has a proxy in front of it and is told by it who the client is."""

import os

from granian.utils.proxies import wrap_wsgi_with_proxy_headers

from config import env
from config.wsgi import application as hub
from hub import metrics

metrics.THREADS.set(env.REQUEST_THREADS)

# As uvicorn reads it for what it serves: addresses and networks, with commas.
TRUSTED = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")

application = wrap_wsgi_with_proxy_headers(hub, TRUSTED)
