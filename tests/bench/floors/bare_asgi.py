"""Floor (e): an answer that is known before, by ASGI."""

from typing import Any

CONTENT = b'{"messages":[],"unread_count":0}'
HEADERS = {"Content-Type": "application/json", "Content-Length": str(len(CONTENT))}
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()],
}
_BODY = {"type": "http.response.body", "body": CONTENT}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer."""
    if scope["type"] == "http":
        await send(_START)
        await send(_BODY)
