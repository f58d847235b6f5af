"""A request as ASGI describes it (HTTP & WebSocket ASGI Message Format, HTTP connection scope)."""

from typing import Any

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "GET",
    "path": "/",
    "root_path": "",
    "query_string": b"",
    "headers": [],
    "http_version": "1.1",
    "scheme": "http",
    "server": ("localhost", 80),
    "client": ("127.0.0.1", 1),
}
