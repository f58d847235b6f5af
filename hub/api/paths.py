"""The table of paths: each is a page, a part of the API, or a probe."""

from enum import Enum


class Kind(Enum):
    """The part of the hub that serves a path. It decides which headers the answers have."""

    PAGE = "page"  # for a browser, with cookies, through Django's middleware
    API = "api"  # for agents, with a credential in a header
    PROBE = "probe"  # for machines that ask a process by its address every few seconds


# A path that ends in a slash stands for all paths below it. A path that is not here is a page.
TABLE = {
    "/api/docs": Kind.PAGE,
    "/api": Kind.API,
    "/api/": Kind.API,
    "/.well-known/": Kind.API,  # RFC 8615
    "/livez": Kind.PROBE,
    "/readyz": Kind.PROBE,
    "/metrics": Kind.PROBE,
}
_SUBTREES = [(path, kind) for path, kind in TABLE.items() if path.endswith("/")]


def kind_of(path: str) -> Kind:
    """Return the kind of a path."""
    if kind := TABLE.get(path):
        return kind
    return next((kind for prefix, kind in _SUBTREES if path.startswith(prefix)), Kind.PAGE)
