"""The hub on PgBouncer: all its processes share a few connections to PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.deploy.pgbouncer import PREPARED_SINCE, SERVER_CONNECTIONS, pooled, version
from tests.deploy.stack import running_stack
from tests.deploy.traffic import Traffic
from tests.servers import Missing

# PostgreSQL and Redis are its own: on SQLite it would run a second time.
pytestmark = [pytest.mark.deployment, pytest.mark.postgres, pytest.mark.redis]

UNPREPARED = "?prepare_threshold=None"


@pytest.mark.parametrize("options", ["", UNPREPARED], ids=["prepared", "unprepared"])
def test_every_process_works_with_a_few_connections_that_all_share(tmp_path: Path, options: str) -> None:
    servers: list[str] = []

    @contextmanager
    def database() -> Iterator[str]:
        with pooled() as (through, direct):
            servers.append(direct)
            yield through + options

    try:
        if not options and version() < PREPARED_SINCE:
            pytest.skip(f"Missing: PgBouncer {PREPARED_SINCE}; this one knows no prepared statements")
        with running_stack(tmp_path, of_each=1, database=database) as hub:
            with Traffic(hub, "agent") as traffic, psycopg.connect(servers[0]) as direct:
                traffic.goes_on()
                query = (
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = 'hub' AND pid <> pg_backend_pid()"
                )
                row = direct.execute(query).fetchone()

            assert row is not None
            assert 0 < row[0] <= SERVER_CONNECTIONS
            assert "Traceback" not in hub.logs()
    except Missing as missing:
        pytest.skip(f"Missing: {missing}")
