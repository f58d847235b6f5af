"""Indexes of big tables, built and dropped while the hub goes on writing into them.

Without a lock on the table where the database can do that; the migration is not atomic then.
"""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db.migrations.operations import AddIndex, RemoveIndex


class AddIndexWhileInUse(AddIndexConcurrently):
    """Builds an index."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Build it."""
        how = AddIndexConcurrently if schema_editor.connection.vendor == "postgresql" else AddIndex
        how.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop it."""
        how = AddIndexConcurrently if schema_editor.connection.vendor == "postgresql" else AddIndex
        how.database_backwards(self, app_label, schema_editor, from_state, to_state)


class RemoveIndexWhileInUse(RemoveIndexConcurrently):
    """Drops an index."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop it."""
        how = RemoveIndexConcurrently if schema_editor.connection.vendor == "postgresql" else RemoveIndex
        how.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Build it again."""
        how = RemoveIndexConcurrently if schema_editor.connection.vendor == "postgresql" else RemoveIndex
        how.database_backwards(self, app_label, schema_editor, from_state, to_state)
