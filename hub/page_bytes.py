"""How many bytes a page of a list may have, and how many of its items fit.

A page of 500 messages could have 128 MiB. So a query that reads sizes comes before the one that reads texts.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Func, IntegerField

PAGE_BYTES = 4 * 1024 * 1024
ITEM_BYTES = 512  # of an item, besides its text


class OctetLength(Func):
    """The bytes of a text. PostgreSQL knows them without reading the text."""

    function = "octet_length"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Count the bytes of a blob: SQLite has `octet_length` since 3.43 only."""
        return self.as_sql(compiler, connection, template="length(CAST(%(expressions)s AS BLOB))", **context)


def fitting(sizes: Iterable[int], page_bytes: int) -> int:
    """Return how many items fit on a page, one at least.

    Args:
        sizes: the bytes of each item's text, in the order of the page.
    """
    count = 0
    for size in sizes:
        page_bytes -= size + ITEM_BYTES
        if page_bytes < 0 and count:
            break
        count += 1
    return count
