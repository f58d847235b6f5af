"""Processes of a harness end with the harness, however that ends, and so do their children."""

import signal
import subprocess
import sys

import pytest

from tests import processes
from tests.processes import _families
from tests.waiting import wait_until

SLEEP = "import time; time.sleep(60)"
IGNORES = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); {SLEEP}"
# A program with a child in a session of its own, as PostgreSQL's are; the program goes on at SIGTERM.
STUBBORN = f"""
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", {SLEEP!r}], start_new_session=True)
print(child.pid, flush=True)
{SLEEP}
"""
HARNESS = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background job
from tests import processes
processes.KEEPER_SECONDS = 0.3
process = processes.start([sys.executable, "-c", {STUBBORN!r}])
print(process.pid, flush=True)
{{after}}
"""


def harness(after: str) -> tuple[subprocess.Popen[str], set[int]]:
    """Run a harness that starts the program, and return it with the ids of the program and of its child."""
    script = HARNESS.format(after=after)
    run = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    started = {int(run.stdout.readline()) for _ in range(2)}
    assert _families(started) == started
    return run, started


def gone(started: set[int]) -> bool:
    return not _families(started)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_that_ends_the_harness_ends_what_it_started(number: signal.Signals) -> None:
    run, started = harness(after=SLEEP)

    run.send_signal(number)

    assert run.wait(timeout=10) != 0
    wait_until(lambda: gone(started), seconds=5)


def test_so_does_its_return() -> None:
    run, started = harness(after="sys.stdin.readline(); sys.exit(3)")

    run.communicate("\n")
    assert run.returncode == 3
    wait_until(lambda: gone(started), seconds=5)


def test_ending_a_program_kills_it_if_it_does_not_end_and_what_is_left_of_its_group() -> None:
    children = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}])"
    with processes.running([sys.executable, "-c", children]) as leaves_a_child:
        leaves_a_child.wait(timeout=10)
        assert len(_families({leaves_a_child.pid})) == 1
    wait_until(lambda: gone({leaves_a_child.pid}))

    stubborn = processes.start([sys.executable, "-c", IGNORES], stdout=subprocess.PIPE)
    assert stubborn.stdout is not None
    stubborn.stdout.readline()  # it ignores the signal now
    assert processes.end(stubborn, seconds=0.2) == -signal.SIGKILL
