"""Every route and method of the hub, from the URL table, and every operation of the OpenAPI document."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from hub.api.schema import document
from hub.urls import V1, live_urlpatterns

API_PREFIX = f"{V1}/"

# What is no operation of the API: pages for people, who have no realm, and nothing of one in them.
PAGES = {
    "/": "leads to one's realms, and strangers to the documentation",
    "/accounts/": "are a person's own: address, password, second factor, sessions",
    "/realms/new": "makes a realm",
    "/invitations/{token}": "says what an invitation's own link already does, and accepts it",
    "/docs": "is documentation",
    "/docs/{slug}": "is documentation",
    "/api/docs": "shows the published schema",
    "/livez": "says that the process answers",
    "/readyz": "says whether it takes requests",
    "/metrics": "gives numbers without names to whoever may have them",
    "/docs/reference": "lists the operations",
    "/docs/problems": "lists the problems",
    "/docs/problems/{code}": "explains a problem",
    "admin": "is for operators, who see every realm",
    "/admin/health/": "is for operators, and names nobody",
}

Route = tuple[str, str]


def url_table() -> set[Route]:
    """Return (method, path) of every operation that a request can reach."""
    return {route for route in _routes() if route[0]}


def pages() -> set[str]:
    """Return the paths that are no operation."""
    return {path for method, path in _routes() if not method}


def operations() -> dict[Route, dict[str, Any]]:
    """Return the operations of the OpenAPI document by (method, path)."""
    return {
        (method.upper(), path): operation
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    }


def _routes() -> Iterator[Route]:
    yield from _walk(get_resolver().url_patterns)
    yield from _walk(live_urlpatterns)


def _walk(patterns: Iterable[URLPattern | URLResolver], before: str = "") -> Iterator[Route]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace:
                yield "", str(pattern.namespace)
            elif (prefix := str(pattern.pattern)) in ("", API_PREFIX):
                yield from _walk(pattern.url_patterns, before + prefix)
            else:
                yield "", f"/{prefix}"
            continue
        text = before + str(pattern.pattern)
        path = text if text.startswith("^") else "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", text)
        view: Any = pattern.callback
        if hasattr(view, "role"):
            continue  # a page of the console, which tests/console looks at
        if hasattr(view, "consumer_class"):
            yield view.consumer_class.method, path
        elif hasattr(view, "actions"):
            yield from ((method.upper(), path) for method in view.actions if method != "head")
        else:
            yield "", path
