"""Programs that a test or a measurement starts, and that end with it, however it ends.

`start` tells a small keeper process about each program. When the harness ends (by returning, by a signal, by
SIGKILL), its pipe to the keeper closes, and the keeper ends the programs that are left. Programs run in
sessions of their own: a Ctrl-C in a terminal reaches only the harness, which ends them in order.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

END_SECONDS = 20.0  # a process of the hub is gone 15 s after SIGTERM
KEEPER_SECONDS = 5.0  # nobody waits for what the keeper ends
LOOK_SECONDS = 0.05

_keepers: dict[int, subprocess.Popen[bytes]] = {}  # by process, since a fork must not use its parent's
_lock = threading.Lock()


def start(
    command: Sequence[str | Path], *, ends_by: signal.Signals = signal.SIGTERM, **options: Any
) -> subprocess.Popen[bytes]:
    """Start a program that ends at the latest when this process does.

    Args:
        ends_by: the signal by which the keeper ends it before SIGKILL.
        options: those of `subprocess.Popen`.
    """
    keeper = _keeper()
    process = subprocess.Popen(command, start_new_session=True, **options)
    _tell(keeper, f"{process.pid} {int(ends_by)}")
    return process


def end(
    process: subprocess.Popen[bytes],
    how: signal.Signals = signal.SIGTERM,
    *,
    seconds: float = END_SECONDS,
) -> int:
    """End a program, then whatever is left of what it started, and return its exit status.

    Args:
        how: the signal that asks it to end.
        seconds: how long it may take before SIGKILL.
    """
    process.send_signal(how)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _signal_group(process.pid, signal.SIGKILL)
    _tell(_keeper(), f"{process.pid} 0")
    return process.returncode


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], *, how: signal.Signals = signal.SIGTERM, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program for the length of a block; `how` ends it, `options` are those of `start`."""
    process = start(command, **options)
    try:
        yield process
    finally:
        end(process, how)


def _keeper() -> subprocess.Popen[bytes]:
    """Return this process's keeper, started with its first program."""
    command = [sys.executable, "-I", "-S", __file__, str(KEEPER_SECONDS)]
    with _lock:
        if (pid := os.getpid()) not in _keepers:
            _keepers[pid] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
            )
        return _keepers[pid]


def _tell(keeper: subprocess.Popen[bytes], line: str) -> None:
    assert keeper.stdin is not None
    keeper.stdin.write(f"{line}\n".encode())
    keeper.stdin.flush()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses for a group of zombies
        os.killpg(group, number)


def _alive() -> dict[int, tuple[int, int]]:
    """Return the parent and the group of each process that has not ended; none where there is no proc(5)."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state, parent, group = file.read_text().rpartition(")")[2].split()[:3]
            if state != "Z":
                found[int(file.parent.name)] = int(parent), int(group)
    return found


def _families(leaders: set[int]) -> set[int]:
    """Return the programs, what is in their groups, and all that came from these."""
    alive = _alive()
    found = {pid for pid, (_, group) in alive.items() if group in leaders}
    while more := {pid for pid, (parent, _) in alive.items() if parent in found} - found:
        found |= more
    return found


def _keep(seconds: float) -> None:
    """Be the keeper: read what is started and what has ended, and at the end of the input end the rest."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    programs: dict[int, int] = {}
    for line in sys.stdin:
        pid, ends_by = map(int, line.split())
        programs[pid] = ends_by
        if not ends_by:
            del programs[pid]
    left = _families(set(programs))
    for pid, ends_by in programs.items():
        _signal_group(pid, signal.SIGCONT)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, ends_by)
    deadline = time.monotonic() + seconds
    while left & _alive().keys() and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    for pid in left & _alive().keys():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in programs:
        _signal_group(pid, signal.SIGKILL)


if __name__ == "__main__":
    _keep(float(sys.argv[1]))
