"""Indexes of big tables, built while the hub goes on writing into them."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations.operations import AddIndex


class AddIndexWhileInUse(AddIndexConcurrently):
    """Builds an index without locking its table, where the database can; the migration is not atomic."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Build it."""
        how = AddIndexConcurrently if schema_editor.connection.vendor == "postgresql" else AddIndex
        how.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop it."""
        how = AddIndexConcurrently if schema_editor.connection.vendor == "postgresql" else AddIndex
        how.database_backwards(self, app_label, schema_editor, from_state, to_state)
