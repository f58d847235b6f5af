"""`locks.findings` notices each kind of operation that would keep others from a table."""

from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.models.functions import Now

from realms.concurrent_index import AddIndexWhileInUse, RemoveIndexWhileInUse
from tests.upgrade.locks import findings

pytestmark = pytest.mark.tools

INDEX = models.Index(models.F("realm"), name="some_index")
UNIQUE = models.UniqueConstraint("realm", name="some_constraint")
NEW = migrations.CreateModel("New", [("id", models.BigAutoField(primary_key=True))])
LOCKING: dict[str, tuple[Any, str | None]] = {
    "an index": (migrations.AddIndex("message", INDEX), "some_index is built under a lock"),
    "an index beside writers": (AddIndexWhileInUse("message", INDEX), None),
    "an index of a new table": (migrations.AddIndex("new", INDEX), None),
    "an index goes": (
        migrations.RemoveIndex("message", "message_of_sender"),
        "message_of_sender is dropped under a lock",
    ),
    "an index goes beside writers": (RemoveIndexWhileInUse("message", "message_of_sender"), None),
    "a constraint": (migrations.AddConstraint("message", UNIQUE), "some_constraint is checked under a lock"),
    "a column": (
        migrations.AddField("message", "more", models.IntegerField(default=0)),
        "message.more is neither null nor has a default in the database",
    ),
    "a column with a default": (
        migrations.AddField("message", "more", models.IntegerField(db_default=0)),
        None,
    ),
    "a column of the time": (
        migrations.AddField("message", "more", models.DateTimeField(db_default=Now())),
        None,
    ),
    "a column that may be null": (
        migrations.AddField("message", "more", models.IntegerField(null=True)),
        None,
    ),
    "a column with an index": (
        migrations.AddField("message", "more", models.IntegerField(null=True, db_index=True)),
        "message.more has an index, which is built under a lock",
    ),
    "a key to another table": (
        migrations.AddField("message", "more", models.ForeignKey("realms.realm", models.CASCADE, null=True)),
        "message.more has an index, which is built under a lock",
    ),
    "another type": (
        migrations.AlterField("message", "capability", models.IntegerField(null=True)),
        "message.capability changes its type",
    ),
    "no nulls any more": (
        migrations.AlterField("message", "expires_at", models.DateTimeField()),
        "message.expires_at changes its null",
    ),
    "another text for people": (
        migrations.AlterField(
            "message", "expires_at", models.DateTimeField(null=True, help_text="Until when.")
        ),
        None,
    ),
}


def of(*operations: Any, atomic: bool = False) -> Migration:
    """Return a migration of `hub` after all that there are."""
    kind = type("Migration", (Migration,), {"operations": list(operations), "atomic": atomic})
    made = kind("a_new_one", "hub")
    assert isinstance(made, Migration)
    return made


@pytest.mark.parametrize(("operation", "finding"), LOCKING.values(), ids=LOCKING.keys())
def test_what_would_lock_is_noticed(operation: Any, finding: str | None) -> None:
    found = findings(of(NEW, operation), MigrationLoader(None).project_state())

    assert any(finding in each for each in found) if finding else found == set()


def test_building_beside_writers_in_a_transaction_is_noticed() -> None:
    migration = of(AddIndexWhileInUse("message", INDEX), atomic=True)

    assert len(findings(migration, MigrationLoader(None).project_state())) == 1
