"""All that the database holds, to be compared before and after."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection

from tests.isolation.tenants import Tenant

ROOMS = ("accounts", "realms", "hub")

# What a request may change without doing anything: when somebody was last heard of.
SEEN = {
    "hub_session": {"last_seen"},
    "realms_apikey": {"last_used_at"},
    "hub_liveprocess": {"beat_at"},
}

Row = Mapping[str, Any]
Snapshot = dict[str, list[Row]]


def snapshot(of: Iterable[str] | None = None) -> Snapshot:
    """Return every row of the tables `of`, or of every table, without the columns of `SEEN`."""
    return {table: _rows(table) for table in (tables() if of is None else of)}


@cache
def tables() -> list[str]:
    """Return the names of the hub's tables."""
    return [model._meta.db_table for room in ROOMS for model in apps.get_app_config(room).get_models()]


def _rows(table: str) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2')
        columns = [column[0] for column in cursor.description]
        ignored = SEEN.get(table, set())
        return [
            {name: value for name, value in zip(columns, row, strict=True) if name not in ignored}
            for row in cursor.fetchall()
        ]


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    """Return what differs."""
    return [change for _, change in _changed(before, after)]


def changes_in(tenant: Tenant, before: Snapshot, after: Snapshot) -> list[str]:
    """Return what differs in the rows that belong or point to a realm."""
    return [
        change
        for row, change in _changed(before, after)
        if any(_names(tenant, name, value) for name, value in row.items())
    ]


def _changed(before: Snapshot, after: Snapshot) -> Iterator[tuple[Row, str]]:
    for table in before:
        if before[table] == after[table]:
            continue
        for row in (*before[table], *after[table]):
            if (row in before[table]) != (row in after[table]):
                yield row, f"{table}: {row} {'came' if row in after[table] else 'went'}"


def _names(tenant: Tenant, column: str, value: Any) -> bool:
    """Tell whether a column is a key of something of the tenant's. `reply_to` is what a sender wrote."""
    if column != "id" and not column.endswith("_id"):
        return False
    if isinstance(value, str) and len(value) == 32:
        value = uuid.UUID(value)
    return value in tenant.uuids
