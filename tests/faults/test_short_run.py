"""A short run of each scenario; `make faults` runs longer ones."""

import pytest

from tests import servers
from tests.faults import faults
from tests.faults.faults import Kind
from tests.faults.run import Plan, Verdict, run

pytestmark = pytest.mark.deployment

HOSTED = (
    Kind(faults.kill_server, "servers"),
    Kind(faults.kill_redis, "redis"),
    Kind(faults.crash_postgresql, "postgresql"),
    Kind(faults.cut_connections, "connections"),
)
EMBEDDED = (Kind(faults.kill_server, "servers"), Kind(faults.limit_file_size, "servers"))


def assert_nothing_was_lost(verdict: Verdict, *, at_least: int) -> None:
    """Fail if the run violated anything, or if nothing happened in it that could have."""
    assert not verdict.violations, "\n".join(map(str, verdict.violations))
    assert verdict.acknowledged > at_least
    assert verdict.received > verdict.acknowledged
    assert verdict.faults.keys() >= {kind.name for kind in verdict.plan.kinds}, verdict.faults


@pytest.mark.postgres
@pytest.mark.redis
def test_two_servers_on_postgresql_and_redis_lose_nothing() -> None:
    plan = Plan("postgres", 7, 6.5, HOSTED, between=(1.5, 2.0))
    try:
        verdict = run(plan)
    except servers.Missing as error:
        pytest.skip(f"not installed: {error}")

    assert_nothing_was_lost(verdict, at_least=100)
    assert verdict.maybe, "the faults should have been felt"


@pytest.mark.sqlite
def test_one_process_on_sqlite_loses_nothing() -> None:
    verdict = run(Plan("sqlite", 7, 4.0, EMBEDDED, between=(2.0, 2.5), own_disk=False))

    assert_nothing_was_lost(verdict, at_least=20)
    assert verdict.unavailable, "a full disk should have been felt"
