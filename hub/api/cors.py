"""Cross-origin requests (the Fetch standard's CORS protocol): off, but for the origins a setting names."""

from collections.abc import Mapping

from django.conf import settings

ALLOWED_HEADERS = (
    "Accept, Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-AISP-Key, X-AISP-Session, "
    "X-Last-Event-ID, X-Request-ID"
)
EXPOSED_HEADERS = "Idempotent-Replayed, Link, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
MAX_AGE_SECONDS = 600


def cors_headers(origin: str | None) -> dict[str, str]:
    """Return the headers that let a page of `origin` read the answer; none for any other."""
    if not settings.CORS_ALLOWED_ORIGINS:
        return {}
    if origin not in settings.CORS_ALLOWED_ORIGINS:
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": EXPOSED_HEADERS,
        "Vary": "Origin",
    }


def preflight_headers(method: str | None, headers: Mapping[str, str]) -> dict[str, str] | None:
    """Return what tells a browser that a page may call; None unless it asks that, for an allowed origin.

    Args:
        headers: the request's, by names in lower case.
    """
    is_preflight = method == "OPTIONS" and "access-control-request-method" in headers
    if not is_preflight or headers.get("origin") not in settings.CORS_ALLOWED_ORIGINS:
        return None
    return {
        "Access-Control-Allow-Methods": "GET, POST, DELETE",
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": str(MAX_AGE_SECONDS),
    }
