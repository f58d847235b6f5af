"""Which migrations a database has, and whether this hub knows them."""

from typing import TypeAlias

from django.db.migrations.loader import MigrationLoader

from hub.backup.fault import Fault

# App and name of each, sorted.
Migrations: TypeAlias = list[tuple[str, str]]


def see_that_it_is_known(migrations: Migrations, *, of: str) -> None:
    """Refuse a database that a later hub has changed: this one would read it wrongly, or not at all.

    Args:
        of: what the database is from, for the message.

    Raises:
        Fault: there is a migration that is not in the code, or there is none at all.
    """
    if not migrations:
        raise Fault(f"{of} holds a database without tables of a hub.")
    loader = MigrationLoader(None)
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known.update(migration.replaces)  # those that were squashed into it
    unknown = sorted(set(migrations) - known)
    if unknown:
        app, name = unknown[-1]
        raise Fault(
            f"{of} is of a later hub: its database has the migration {app}.{name}, which this hub does not "
            "have. Install the version that made it, or a later one, and restore it with that."
        )
