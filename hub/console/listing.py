"""Long lists, newest first, a page at a time: a page begins before the last row of the one before it.

Rows are told apart by their id, which is made of the time; so a page costs the same however far back.
"""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import models
from django.http import HttpRequest

from realms.ids import parse_id
from realms.refusal import refusal_at

ROWS = 50

Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """One page of a list.

    Attributes:
        older: the id that the next page lies before; None if this is the last.
        is_first: whether nothing newer was left out.
    """

    rows: list[Row]
    older: str | None
    is_first: bool


def listing(
    request: HttpRequest, found: models.QuerySet[Row, Any], *, prefix: str, rows: int = ROWS
) -> Listing[Row]:
    """Return the page of `found` that the query's `before` asks for.

    Args:
        found: rows whose primary key is an id with `prefix`; they are put in order here.

    Raises:
        Refusal: `invalid_request`, where `before` is no such id.
    """
    before = request.GET.get("before")
    if before is not None:
        newest = parse_id(prefix, before)
        if newest is None:
            raise refusal_at("/before", f"“{before[:80]}” is not where a page of this list begins.")
        found = found.filter(pk__lt=newest)
    page = list(found.order_by("-pk")[: rows + 1])
    return Listing(page[:rows], str(page[rows - 1].pk) if len(page) > rows else None, before is None)
