"""Lists in pages: `?limit=`, an opaque `?cursor=`, and the next page in a Link header (RFC 8288)."""

from typing import Annotated, TypeVar
from urllib.parse import urlencode

import msgspec
from django.conf import settings
from django.core import signing
from django.db.models import Model, QuerySet
from msgspec import Meta, Struct

from hub.sessions.acting import Caller
from hub.sessions.bodies import RealmSlug
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
    things: QuerySet[M], *, by: str, caller: Caller, path: str, query: ListQuery
) -> tuple[list[M], dict[str, str]]:
    """Return one page of `things` in the order of the unique column `by`, and the headers that go with it.

    A cursor is signed for the caller's realm, the path and the filters: it works nowhere else.

    Raises:
        Refusal: `invalid_cursor`.
    """
    filters = {
        name: value
        for name, value in msgspec.to_builtins(query).items()
        if name not in ("cursor", "limit") and value is not None
    }
    signer = signing.Signer(salt=f"cursor {caller.realm_id} {path} {sorted(filters.items())}")
    if query.cursor is not None:
        try:
            after = signing.b64_decode(signer.unsign(query.cursor).encode()).decode()
        except (signing.BadSignature, ValueError):
            raise Refusal("invalid_cursor") from None
        things = things.filter(**{f"{by}__gt": after})
    found = list(things.order_by(by)[: query.limit + 1])
    page = found[: query.limit]
    if len(found) <= query.limit:
        return page, {}
    position = signing.b64_encode(str(getattr(page[-1], by)).encode()).decode()
    parameters = urlencode({**filters, "limit": query.limit, "cursor": signer.sign(position)})
    return page, {"Link": f'<{settings.HUB_ORIGIN}{path}?{parameters}>; rel="next"'}
