"""Emptying the database after a test whose writes were committed.

Django would TRUNCATE every table and create its permissions anew. That takes half a second for each test, and
its lock deadlocks with the readers of a running server. A DELETE from the few tables that hold rows does not.
"""

import functools

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

MADE_BY_MIGRATE = {"django_migrations", ContentType._meta.db_table, Permission._meta.db_table}
# The audit log refuses every DELETE but that of events which its retention has cut off.
CUT_AUDIT_LOG = "UPDATE realms_audithead SET cut_number = number"


@functools.cache
def _tables() -> list[str]:
    """Return the quoted names of the tables that tests fill."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return [connection.ops.quote_name(name) for name in sorted(set(names) - MADE_BY_MIGRATE)]


def empty_database(*_: object) -> None:
    """Delete every row that tests have committed.

    Foreign keys are deferred, so the tables may come in any order.
    """
    look = ", ".join(f"EXISTS (SELECT 1 FROM {table})" for table in _tables())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {look}")
        filled = cursor.fetchone()
        if connection.vendor == "postgresql":
            cursor.execute(CUT_AUDIT_LOG)
        for table, has_rows in zip(_tables(), filled, strict=True):
            if has_rows:
                cursor.execute(f"DELETE FROM {table}")
