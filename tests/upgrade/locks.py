"""Which operations of a migration keep a table from those who use it, or from the version before.

PostgreSQL rebuilds or scans a table under a lock for some changes, and a version that still runs inserts rows
without the columns that it does not know. What is here looks at the operations, since their SQL does not say
all of it: the name of an index that goes, for instance, is only found in a database that has it.
"""

from collections.abc import Iterator

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db.migrations import Migration
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    CreateModel,
    RemoveIndex,
)
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Field

# What a field says that PostgreSQL does not know, besides Django's own list.
IN_THE_CODE_ALONE = {*Field.non_db_attrs, "default"}


def findings(migration: Migration, state: ProjectState) -> set[str]:
    """Return what a migration does to tables that it has not made itself.

    Args:
        state: the models before it; they are brought up to it.
    """
    new: set[str] = set()
    found: set[str] = set()
    for operation in migration.operations:
        if isinstance(operation, CreateModel):
            new.add(operation.name.lower())
        elif getattr(operation, "model_name", "").lower() not in new:
            found.update(_of(operation, migration, state))
        operation.state_forwards(migration.app_label, state)
    return found


def _of(operation: Operation, migration: Migration, state: ProjectState) -> Iterator[str]:
    match operation:
        case AddIndexConcurrently() | RemoveIndexConcurrently():
            if migration.atomic:
                yield "an index is built or dropped without a lock, but in a transaction"
        case AddIndex():
            yield f"the index {operation.index.name} is built under a lock"
        case RemoveIndex():
            yield f"the index {operation.name} is dropped under a lock"
        case AddConstraint():
            yield f"the constraint {operation.constraint.name} is checked under a lock"
        case AddField():
            yield from _of_new_field(operation.field, f"{operation.model_name}.{operation.name}")
        case AlterField():
            before = state.models[migration.app_label, operation.model_name.lower()].fields[operation.name]
            for change in sorted(_changes(before, operation.field)):
                yield f"{operation.model_name}.{operation.name} changes its {change}"


def _of_new_field(field: Field, name: str) -> Iterator[str]:  # type: ignore[type-arg]
    if field.many_to_many:
        return
    if not (field.null or field.has_db_default()):
        yield f"{name} is neither null nor has a default in the database"
    if getattr(field, "db_index", False) or field.unique:
        yield f"{name} has an index, which is built under a lock"


def _changes(before: Field, after: Field) -> set[str]:  # type: ignore[type-arg]
    """Return the names of what is another in the database."""
    _, one, _, old = before.deconstruct()
    _, other, _, new = after.deconstruct()
    names = {name for name in {*old, *new} - IN_THE_CODE_ALONE if old.get(name) != new.get(name)}
    return names | ({"type"} if one != other else set())
