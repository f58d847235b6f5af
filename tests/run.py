"""`make test`: the tests on SQLite, and again on PostgreSQL and Redis.

`TEST_DATABASE_URL` and `TEST_REDIS_URL` name servers to use; else throw-away ones are started from
installed binaries. What is not installed is left out and named at the end, loudly; with `--all`, as CI
calls it, that is a failure. Further arguments go to pytest.
"""

import contextlib
import os
import subprocess
import sys
import time

from tests import servers
from tests.browser.installed import chromium

WORKERS = 2


def passed(title: str, environment: dict[str, str], arguments: list[str]) -> bool:
    """Run pytest once; say how it went."""
    print(f"\n=== {title} ===", flush=True)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TEST_")}
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", f"-n{WORKERS}", "--dist=loadfile", *arguments]
    code = subprocess.run(command, env={**clean, **environment}).returncode
    print(f"=== {title}: exit {code} after {time.monotonic() - began:.0f} s ===", flush=True)
    return code == 0


def main() -> int:
    """Run the tests and return the exit code."""
    arguments = sys.argv[1:]
    demand_all = "--all" in arguments
    arguments = [argument for argument in arguments if argument != "--all"]
    results = [passed("SQLite, embedded", {}, arguments)]
    missing: list[str] = []
    with contextlib.ExitStack() as stack:
        environment = {}
        for name, start in (("TEST_DATABASE_URL", servers.postgresql), ("TEST_REDIS_URL", servers.redis)):
            try:
                environment[name] = os.environ.get(name) or stack.enter_context(start())
            except servers.Missing as error:
                missing.append(str(error))
        if not missing:
            environment["TEST_PAGES_LOOKED_AT"] = "1"
            results.append(passed("PostgreSQL and Redis", environment, arguments))
    uncovered = [f"the tests on PostgreSQL and Redis. Missing: {what}" for what in missing]
    if chromium() is None:
        uncovered.append("the pages in a browser. Missing: Chromium (Debian: apt-get install chromium)")
    for what in uncovered:
        print(f"\n!!! NOT COVERED: {what}.", flush=True)
    return 0 if all(results) and not (uncovered and demand_all) else 1


if __name__ == "__main__":
    sys.exit(main())
