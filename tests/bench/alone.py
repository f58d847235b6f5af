"""The database's own share: a statement run by psycopg and by pgbench, and nothing around it."""

import itertools
import multiprocessing
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.bench import floor_statements
from tests.bench.load import Times, begin
from tests.bench.machine import OTHER_CORES, SERVER_CORES
from tests.bench.programs import REQUEST_THREADS
from tests.bench.run import CLIENTS
from tests.servers import binary

PEOPLE = "bench_people"
MOST = 2**62


def psycopg_polls(url: str, sessions: Sequence[str], times: int, seconds: float) -> Times:
    """Poll inboxes of ten messages by the hub's statement, over as many connections as the hub has.

    Raises:
        AssertionError: a poll did not find ten.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=begin, initargs=(SERVER_CORES,)) as process:
        return process.submit(_polls, url, list(sessions), times, seconds).result()


def _polls(url: str, sessions: list[str], times: int, seconds: float) -> Times:
    statement, parameters_of = floor_statements.poll(url)
    ends = time.perf_counter() + seconds

    def run(mine: list[str]) -> list[float]:
        each = []
        with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
            cursor = connection.cursor()
            began = time.perf_counter()
            for session in itertools.chain(*[mine] * times):
                rows = cursor.execute(statement, parameters_of(session)).fetchall()
                assert len(rows) == 10
                now = time.perf_counter()
                each.append(now - began)
                began = now
                if now > ends:
                    break
        return each

    parts = [sessions[i::REQUEST_THREADS] for i in range(REQUEST_THREADS)]
    began = time.perf_counter()
    with ThreadPoolExecutor(REQUEST_THREADS) as threads:
        each = list(itertools.chain(*threads.map(run, parts)))
    return Times(each, time.perf_counter() - began)


def pgbench_sends(url: str, sessions: Sequence[str], seconds: float) -> float:
    """Return how often a second pgbench runs the send statement for random recipients."""
    program = binary("pgbench")
    if program is None:
        raise FileNotFoundError("pgbench (Debian: apt-get install postgresql-contrib)")
    with psycopg.connect(url) as connection:
        connection.execute(
            f"DROP TABLE IF EXISTS {PEOPLE}; CREATE TABLE {PEOPLE} (number int PRIMARY KEY, id uuid)"
        )
        with connection.cursor().copy(f"COPY {PEOPLE} FROM STDIN") as copy:
            for row in enumerate(map(floor_statements.uuid_of, sessions)):
                copy.write_row(row)
    values = floor_statements.send_values(url, sessions[0], PEOPLE)
    statement = re.sub(r"%\((\w+)\)s", lambda found: values[found[1]], floor_statements.send_statement())
    numbers = "".join(f"\\set {name} random(0, {MOST})\n" for name in "ab")
    script = f"{numbers}\\set who random(0, {len(sessions) - 1})\n{' '.join(statement.split())};\n"
    parts = urlsplit(url)
    with tempfile.TemporaryDirectory(prefix="aisp-hub-bench-") as folder:
        file = Path(folder) / "send.sql"
        file.write_text(script)
        where = ["-h", str(parts.hostname), "-p", str(parts.port), "-U", str(parts.username)]
        load = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-T", str(max(1, round(seconds)))]
        command = [program, *where, *load, "-f", str(file), parts.path[1:]]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, OTHER_CORES),
        )
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    assert rate, done.stdout + done.stderr
    return float(rate[1])
