"""Long lists in an order of their own, a page at a time: it begins after the last row of the one before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest

from hub.console.listing import ROWS
from realms.refusal import refusal_at

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Onward(Generic[Row]):
    """One page of a list.

    Attributes:
        after: what the next page lies after; None if this is the last.
        is_first: whether nothing before was left out.
    """

    rows: list[Row]
    after: str | None
    is_first: bool


def onward(
    request: HttpRequest,
    found: QuerySet[Any, Row],
    *,
    by: str,
    parse: Callable[[str], str | None],
    rows: int = ROWS,
) -> Onward[Row]:
    """Return the page of `found` that the query's `after` asks for.

    Args:
        found: objects or dicts; they are put in order here.
        by: the column that tells them apart and orders them.
        parse: turns `after` into a value of that column, or None if it cannot be one.

    Raises:
        Refusal: `invalid_request`, where `after` is no such value.
    """
    after = request.GET.get("after")
    if after is not None:
        last = parse(after)
        if last is None:
            raise refusal_at("/after", f"“{after[:80]}” is not where a page of this list begins.")
        found = found.filter(**{f"{by}__gt": last})
    page = list(found.order_by(by)[: rows + 1])
    more = len(page) > rows
    return Onward(page[:rows], _value(page[rows - 1], by) if more else None, after is None)


def _value(row: Any, by: str) -> str:
    return str(row[by] if isinstance(row, dict) else getattr(row, by))
