"""`python -m tests.isolation`: how many cells the matrix has."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from tests.isolation.matrix import caller_cells, name_cells  # noqa: E402
from tests.isolation.replays import replays  # noqa: E402
from tests.isolation.table import TABLE  # noqa: E402
from tests.isolation.test_grant_states import cells as grant_cells  # noqa: E402


def main() -> None:
    """Print the numbers."""
    callers = sum(1 for row in TABLE for _ in caller_cells(row))
    names = sum(1 for row in TABLE for _ in name_cells(row))
    grants = len(grant_cells())
    print(f"{len(TABLE)} operations, {sum(len(row.forms) for row in TABLE)} forms of them")
    print(f"{callers} cells by kind of caller, {names} by place of a name, {grants} by state of a grant")
    print(f"{callers + names + grants} cells")
    posts = [row for row in TABLE if row.method == "POST" and not row.live]
    print(f"{sum(1 for row in posts for _ in replays(row))} replays of a POST by another caller")


main()
