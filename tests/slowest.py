"""How long tests take: the slowest files run first, and a test that became slow is named at the end.

`tests/slowest.txt` holds the seconds of the slowest tests on PostgreSQL and Redis, and
`make test ARGS="--all --renew-slowest"` writes it. Another machine is faster or slower by some factor, so a
run on PostgreSQL compares each test with the record times the median factor.
"""

from collections import defaultdict
from pathlib import Path
from statistics import median

import pytest
from django.conf import settings

FILE = Path(__file__).with_name("slowest.txt")
KEPT = 120
HEAD = "# Seconds of the slowest tests, setup and teardown included; see tests/slowest.py\n"
SECONDS_OF_OTHERS = 0.05  # a guess for a test that is not among the slowest, to order files
COMPARABLE = 20  # recorded tests that a run needs before it can tell how fast the machine is
SLOWER = 2.5  # times as slow as recorded is worth a line
NOTICED_SECONDS = 3.0  # on the machine of the record


def recorded() -> dict[str, float]:
    """Return the seconds of the slowest tests by their names."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    pairs = (line.split(maxsplit=1) for line in lines if not line.startswith("#"))
    return {name: float(seconds) for seconds, name in pairs}


def newly_slow(took: dict[str, float], before: dict[str, float]) -> list[str]:
    """Return a line for each test that is much slower than recorded, on a machine of this speed."""
    shared = [took[name] / before[name] for name in before.keys() & took.keys()]
    if len(shared) < COMPARABLE:
        return []
    speed = median(shared)
    not_recorded = min(before.values())
    lines = []
    for name, seconds in sorted(took.items(), key=lambda pair: -pair[1]):
        expected = max(before.get(name, not_recorded), NOTICED_SECONDS / SLOWER) * speed
        if seconds > SLOWER * expected:
            known = f"{before[name] * speed:.1f} s" if name in before else "not among the slowest"
            lines.append(f"{seconds:.1f} s {name} (expected: {known})")
    return lines


class Slowest:
    """The part of a run of pytest that knows how long tests take."""

    def __init__(self, *, renews: bool) -> None:
        self.renews = renews
        self.took: defaultdict[str, float] = defaultdict(float)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Let the slowest files begin first, so that no worker waits long for another at the end."""
        before = recorded()
        seconds: defaultdict[Path, float] = defaultdict(float)
        for item in items:
            seconds[item.path] += before.get(item.nodeid, SECONDS_OF_OTHERS)
        items.sort(key=lambda item: (-seconds[item.path], item.path))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up setup, call and teardown."""
        self.took[report.nodeid] += report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the tests that became slow, or write the record."""
        if self.renews:
            slowest = sorted(self.took.items(), key=lambda pair: -pair[1])[:KEPT]
            FILE.write_text(HEAD + "".join(f"{seconds:.1f} {name}\n" for name, seconds in slowest))
        elif not settings.HUB_EMBEDDED and (lines := newly_slow(self.took, recorded())):
            terminalreporter.section("slower than tests/slowest.txt says")
            terminalreporter.write_line("\n".join(lines))
