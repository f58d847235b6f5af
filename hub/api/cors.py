"""Cross-origin requests (the Fetch standard's CORS protocol): off, but for the origins a setting names."""

from django.conf import settings

ALLOWED_HEADERS = (
    "Accept, Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-AISP-Key, X-AISP-Session, "
    "X-Last-Event-ID, X-Request-ID"
)
EXPOSED_HEADERS = "Link, Retry-After, X-Request-ID"
MAX_AGE_SECONDS = 600


def cors_headers(origin: str | None, *, preflight: bool = False) -> dict[str, str]:
    """Return the headers that let a page of `origin` read the answer; none for any other."""
    if not settings.CORS_ALLOWED_ORIGINS:
        return {}
    if origin not in settings.CORS_ALLOWED_ORIGINS:
        return {"Vary": "Origin"}
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": EXPOSED_HEADERS,
        "Vary": "Origin",
    }
    if preflight:
        headers |= {
            "Access-Control-Allow-Methods": "GET, POST, DELETE",
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": str(MAX_AGE_SECONDS),
        }
    return headers
