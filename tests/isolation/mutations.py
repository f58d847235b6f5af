"""`python -m tests.isolation.mutations`: removes each filter between realms in turn; the matrix has to fail.

    python -m tests.isolation.mutations                      every filter
    python -m tests.isolation.mutations hub/memory           those in files whose path holds this
    python -m tests.isolation.mutations --list               name them and run nothing
    python -m tests.isolation.mutations --without-tripwire   see which of them show in an answer

Each mutant runs in a copy of the checkout, two at a time, until the first failure: on SQLite, and then on
PostgreSQL if nothing fails there, or at once if the filter is in SQL of its own. `TEST_DATABASE_URL` and
`TEST_REDIS_URL` name the servers, else throw-away ones are started. The exit code is 1 if a mutant was not
caught.
"""

import argparse
import contextlib
import itertools
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests import servers
from tests.isolation.mutants import TRIPWIRE_OFF, Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 2
TIMEOUT_SECONDS = 600
# What fails soonest comes first.
TESTS = ("matrix", "rules", "console", "grant_states", "live", "table")
OF_THE_CONSOLE = "console"
# Of these the failure shows in answers and in the database.
WITHOUT_TRIPWIRE = ("matrix", "grant_states", "live")
FAILED = 1  # pytest's exit code if tests ran and some failed

# A changed file is compiled anew only if its time differs from that of the copy compiled before.
_times = itertools.count(int(time.time()))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant: `caught` by the test that `by` names, or how the run ended otherwise."""

    mutant: Mutant
    caught: bool
    by: str


@dataclass(frozen=True, slots=True)
class Environments:
    """The environments of a run on SQLite and of one on PostgreSQL and Redis."""

    embedded: dict[str, str]
    hosted: dict[str, str]


def copy_checkout(to: Path) -> None:
    """Copy what git knows, and what it would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, to / name)


def write(path: Path, text: str) -> None:
    """Write a file with a time that no version of it had."""
    path.write_text(text)
    moment = next(_times)
    os.utime(path, (moment, moment))


@contextlib.contextmanager
def without_filter(tree: Path, mutant: Mutant) -> Iterator[None]:
    """Have a copy of the checkout be the mutant."""
    path = tree / mutant.path
    whole = path.read_text()
    write(path, mutant.applied_to(whole))
    try:
        yield
    finally:
        write(path, whole)


def outcome_of(mutant: Mutant, tree: Path, slot: Environments, tests: tuple[str, ...]) -> Outcome:
    """Run the matrix against a mutant, on one database and on the other."""
    outcome = Outcome(mutant, caught=False, by="")
    for environment in [slot.hosted] if mutant.in_sql else [slot.embedded, slot.hosted]:
        outcome = outcome_on(environment, mutant, tree, tests)
        if outcome.caught:
            break
    return outcome


def outcome_on(environment: dict[str, str], mutant: Mutant, tree: Path, tests: tuple[str, ...]) -> Outcome:
    """Run the matrix against a mutant."""
    subjects = (
        sorted(tests, key=lambda subject: subject != OF_THE_CONSOLE)
        if OF_THE_CONSOLE in mutant.path
        else tests
    )
    files = [f"tests/isolation/test_{subject}.py" for subject in subjects]
    command = [sys.executable, "-m", "pytest", *files, "-x", "-p", "no:cacheprovider", "--tb=no", "-rfE"]
    with without_filter(tree, mutant):
        try:
            run = subprocess.run(
                command, cwd=tree, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
            )
        except subprocess.TimeoutExpired:
            return Outcome(mutant, caught=False, by="did not end")
    failed = re.search(r"^FAILED (\S+::.*?)(?: - |$)", run.stdout, re.MULTILINE)
    # An error is no catch: it would say that the world could not be made.
    if run.returncode == FAILED and failed:
        return Outcome(mutant, caught=True, by=failed[1].removeprefix("tests/isolation/"))
    last = (run.stdout.strip() or run.stderr.strip()).splitlines()[-1:]
    return Outcome(mutant, caught=False, by=f"exit {run.returncode}: {' '.join(last)}")


def environments(slot: int, database_url: str, redis_url: str, *, tripwire: bool) -> Environments:
    """Return the environments of a slot's runs."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TEST_")}
    if not tripwire:
        clean[TRIPWIRE_OFF] = "1"
    hosted = {"TEST_DATABASE_URL": f"{database_url}_mutant{slot}", "TEST_REDIS_URL": redis_url}
    return Environments(clean, {**clean, **hosted})


def run_all(chosen: list[Mutant], database_url: str, redis_url: str, *, tripwire: bool) -> Iterator[Outcome]:
    """Yield the outcomes as they come, in the order of the mutants."""
    tests = TESTS if tripwire else WITHOUT_TRIPWIRE
    with tempfile.TemporaryDirectory(prefix="aisp-hub-mutants-") as folder:
        slots: queue.Queue[int] = queue.Queue()
        for slot in range(AT_ONCE):
            copy_checkout(Path(folder) / str(slot))
            slots.put(slot)

        def run(mutant: Mutant) -> Outcome:
            slot = slots.get()
            try:
                runs = environments(slot, database_url, redis_url, tripwire=tripwire)
                return outcome_of(mutant, Path(folder) / str(slot), runs, tests)
            finally:
                slots.put(slot)

        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            yield from pool.map(run, chosen)


def main() -> int:
    """Run the mutants and return the exit code."""
    parser = argparse.ArgumentParser(description="Remove each filter between realms; the matrix has to fail.")
    parser.add_argument("paths", nargs="*", help="only filters in files whose path holds one of these")
    parser.add_argument("--list", action="store_true", help="name the filters and run nothing")
    parser.add_argument("--without-tripwire", action="store_true", help="look at answers and rows alone")
    options = parser.parse_args()
    chosen = [
        mutant
        for mutant in mutants(ROOT)
        if not options.paths or any(path in str(mutant) for path in options.paths)
    ]
    if options.list:
        print(*chosen, f"{len(chosen)} filters", sep="\n")
        return 0
    began, missed = time.monotonic(), 0
    with contextlib.ExitStack() as stack:
        database_url, redis_url = (
            os.environ.get(name) or stack.enter_context(start())
            for name, start in (("TEST_DATABASE_URL", servers.postgresql), ("TEST_REDIS_URL", servers.redis))
        )
        for outcome in run_all(chosen, database_url, redis_url, tripwire=not options.without_tripwire):
            missed += not outcome.caught
            print(
                "caught    " if outcome.caught else "NOT CAUGHT", outcome.mutant, "|", outcome.by, flush=True
            )
    print(f"{len(chosen) - missed} of {len(chosen)} caught in {time.monotonic() - began:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
