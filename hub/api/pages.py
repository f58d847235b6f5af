"""Lists in pages: `?limit=`, an opaque `?cursor=`, and the next page in a Link header (RFC 8288)."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

import msgspec
from django.conf import settings
from django.core import signing
from django.db.models import Model, QuerySet
from msgspec import Meta, Struct

from hub.api.viewset import HubViewSet
from hub.page_bytes import fitting
from hub.sessions.bodies import RealmSlug
from hub.wire import compact
from realms.refusal import Refusal

DEFAULT_LIMIT = 100
MAX_LIMIT = 500

M = TypeVar("M", bound=Model)

Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="How many at most.")]


class ListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Parameters that every list takes."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Annotated[str, Meta(description="From the `next` link of the page before.")] | None = None
    realm: RealmSlug | None = None


def page_of(
    things: QuerySet[M],
    *,
    by: str,
    answer: Callable[[M], Struct],
    view: HubViewSet,
    query: ListQuery,
    size: str | None = None,
) -> tuple[list[Any], dict[str, str]]:
    """Return one page of `things` as the wire has them, and the headers that go with it.

    A cursor is signed for the caller's realm, the path and the filters: it works nowhere else.

    Args:
        by: the unique column that is the order of the list.
        answer: returns a thing as the wire has it.
        size: the column with the bytes of a large text, so that no more are read than fit on the page.

    Raises:
        Refusal: `invalid_cursor`; what `Exchange.page_bytes` raises.
    """
    filters = {
        name: value
        for name, value in msgspec.to_builtins(query).items()
        if name not in ("cursor", "limit") and value is not None
    }
    path = view.exchange.path
    signer = signing.Signer(salt=f"cursor {view.caller.realm_id} {path} {sorted(filters.items())}")
    if query.cursor is not None:
        try:
            after = signing.b64_decode(signer.unsign(query.cursor).encode()).decode()
        except (signing.BadSignature, ValueError):
            raise Refusal("invalid_cursor") from None
        things = things.filter(**{f"{by}__gt": after})
    page_bytes = view.exchange.page_bytes()
    limit = query.limit
    if size is not None:
        sizes = things.order_by(by).values_list(size, flat=True)[:limit]
        limit = fitting(sizes, page_bytes)
    found = list(things.order_by(by)[: limit + 1])
    items = [msgspec.Raw(compact(answer(thing))) for thing in found[:limit]]
    items = items[: fitting(map(len, map(bytes, items)), page_bytes)]
    if len(found) <= len(items):
        return items, {}
    position = signing.b64_encode(str(getattr(found[len(items) - 1], by)).encode()).decode()
    parameters = urlencode({**filters, "limit": query.limit, "cursor": signer.sign(position)})
    return items, {"Link": f'<{settings.HUB_ORIGIN}{path}?{parameters}>; rel="next"'}
