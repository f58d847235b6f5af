"""What is measured of the hub in one process on SQLite, as `make run` runs it."""

import asyncio
import os
import tempfile

from tests.bench import programs, wire
from tests.bench.report import Target
from tests.bench.rounds import compare
from tests.bench.run import SESSIONS, Run
from tests.bench.sections import sends_of
from tests.bench.stage import prepared
from tests.crowd.load import register_many

HUB = "hub, `up`"
NOT_HERE = ("DATABASE_URL", "REDIS_URL", "HUB_ORIGIN", "ALLOWED_HOSTS")


def embedded(run: Run) -> None:
    """Sends to random recipients."""
    with tempfile.TemporaryDirectory(prefix="aisp-hub-bench-") as folder:
        environment = {name: value for name, value in os.environ.items() if name not in NOT_HERE}
        environment |= {"HUB_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
        keys = prepared(environment)
        with programs.hub("up", environment) as hub:
            sessions = asyncio.run(register_many(hub.base, keys.limited, SESSIONS))
            requests = sends_of(keys.limited, sessions)
            measured = compare({HUB: run.contender(hub, requests, wire.is_sent)}, run.rounds)
    run.report.add("Embedded, on SQLite: send", measured)
    run.report.target(Target("embedded: sends a second", measured[HUB].rate, least=700))
    run.report.target(Target("embedded: p99 in ms", measured[HUB].p99, most=50))
