"""`make test`: the tests on PostgreSQL and Redis if they can be had, else on SQLite.

On PostgreSQL it is followed by what the embedded hub is for, on SQLite. With `--all`, as CI calls it, the
tests that prove a deployment run too, and on SQLite every test that a database can make different.
`TEST_DATABASE_URL` and `TEST_REDIS_URL` name servers to use; else throw-away ones are started from installed
binaries. The end of a run names what was left out; what is not installed is a failure with `--all`. Further
arguments go to pytest.
"""

import contextlib
import os
import subprocess
import sys
import time

from tests import servers, tools
from tests.browser.installed import chromium

HOSTED, EMBEDDED = "PostgreSQL and Redis", "SQLite, embedded"
WORKERS = 3  # on two cores: many tests wait for a server, a browser or a clock
SERVERS = {"TEST_DATABASE_URL": servers.postgresql, "TEST_REDIS_URL": servers.redis}
# The slowest files first (tests/slowest.py), a whole file for one worker.
PYTEST = [sys.executable, "-m", "pytest", f"-n{WORKERS}", "--dist=loadfile", "--no-loadscope-reorder"]
EMBEDDED_FIRST = ["tests/test_up.py", "tests/backup", "tests/model", "tests/messages"]
# Pages look the same on every database; what their queries find is in tests/console, admin and docs.
PAGES = "--ignore=tests/browser"


def passed(title: str, environment: dict[str, str], arguments: list[str]) -> bool:
    """Run pytest once; say how it went."""
    print(f"\n=== {title} ===", flush=True)
    others = {name: value for name, value in os.environ.items() if name not in SERVERS}
    began = time.monotonic()
    code = subprocess.run([*PYTEST, *arguments], env={**others, **environment}).returncode
    print(f"=== {title}: exit {code} after {time.monotonic() - began:.0f} s ===", flush=True)
    return code == 0


def left_out(demand_all: bool) -> dict[str, str]:
    """Return the markers of tests that a run does not need, each with why."""
    markers = {} if demand_all else {"deployment": "take long and prove a deployment: `make test ARGS=--all`"}
    if commit := tools.unchanged_since():
        markers["tools"] = f"test the test tools, which are as CI passed them in {commit[:10]}"
    return markers


def main() -> int:
    """Run the tests and return the exit code."""
    arguments = sys.argv[1:]
    demand_all = "--all" in arguments
    arguments = [argument for argument in arguments if argument != "--all"]
    # Whoever names paths or markers gets just those.
    chosen = "-m" in arguments or any(not argument.startswith("-") for argument in arguments)
    without = {} if chosen else left_out(demand_all)
    if without:
        arguments += ["-m", " and ".join(f"not {marker}" for marker in without)]
    missing: list[str] = []
    with contextlib.ExitStack() as stack:
        environment = {}
        for name, start in SERVERS.items():
            try:
                environment[name] = os.environ.get(name) or stack.enter_context(start())
            except servers.Missing as error:
                missing.append(str(error))
        if missing:
            results = [passed(EMBEDDED, {}, arguments)]
        else:
            results = [passed(HOSTED, environment, arguments)]
            again = [argument for argument in arguments if argument != "--renew-slowest"]
            if not chosen:
                again += ["--only-database", *([PAGES] if demand_all else EMBEDDED_FIRST)]
            results.append(passed(EMBEDDED, {}, again))
    for marker, why in without.items():
        print(f"\nLeft out: the tests marked `{marker}`, which {why}.", flush=True)
    uncovered = [f"the tests on PostgreSQL and Redis. Missing: {what}" for what in missing]
    if chromium() is None:
        uncovered.append("the pages in a browser. Missing: Chromium (Debian: apt-get install chromium)")
    for what in uncovered:
        print(f"\n!!! NOT COVERED: {what}.", flush=True)
    return 0 if all(results) and not (uncovered and demand_all) else 1


if __name__ == "__main__":
    sys.exit(main())
