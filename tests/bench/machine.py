"""What a measurement was made on: cores, commit, versions, and the CPU time that processes take."""

import contextlib
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from tests.live.processes import ROOT

ENDED = (FileNotFoundError, ProcessLookupError)  # what one meets of a process that is no more
TICKS = os.sysconf("SC_CLK_TCK")
PACKAGES = ("django", "uvicorn", "uvloop", "psycopg", "redis", "starlette", "asyncpg", "msgspec")

# The server that is measured has the first core to itself; all else, the load too, shares the others.
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORES = set(CORES[:1])
OTHER_CORES = set(CORES[1:] or CORES)


def pin(pid: int, cores: Iterable[int]) -> None:
    """Let a process, all that came from it, and what that starts from now on run on these cores alone."""
    for process in family(pid):
        with contextlib.suppress(*ENDED):
            for thread in Path(f"/proc/{process}/task").iterdir():
                os.sched_setaffinity(int(thread.name), cores)


def family(pid: int) -> list[int]:
    """Return a process and all that came from it."""
    children: list[int] = []
    with contextlib.suppress(*ENDED):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text().split())
    return [pid, *(each for child in children for each in family(child))]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process and all that came from it have taken (proc(5), stat)."""
    spent = 0
    for each in family(pid):
        with contextlib.suppress(*ENDED):  # its parent has its time
            fields = Path(f"/proc/{each}/stat").read_text().rsplit(") ", 1)[1].split()
            spent += sum(map(int, fields[11:15]))  # its own, and that of children which have ended
    return spent / TICKS


def memory_bytes(pid: int) -> int:
    """Return the resident memory of a process and its descendants."""
    resident = 0
    for each in family(pid):
        with contextlib.suppress(*ENDED):
            status = Path(f"/proc/{each}/status").read_text()
            resident += int(status.split("VmRSS:")[1].split()[0]) * 1024
    return resident


def described(servers: Mapping[str, str]) -> dict[str, object]:
    """Return what the figures of a run belong to; `servers` names the versions of its servers."""
    git = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    commit = subprocess.run(git, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return {
        "commit": commit or "unknown",
        "machine": f"{_processor()}, {len(CORES)} cores",
        "server_cores": sorted(SERVER_CORES),
        "other_cores": sorted(OTHER_CORES),
        "python": platform.python_version(),
        **servers,
        **{package: version(package) for package in PACKAGES},
    }


def _processor() -> str:
    names = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return names[0] if names else platform.machine()
