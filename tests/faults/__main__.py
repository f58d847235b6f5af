"""`make faults`: runs of a hub that is killed, frozen, cut off and filled up, each checked to the end.

A line a run: its seed, how many messages were acknowledged, may have been sent and were received, how many
calls were answered 503, the faults, and what the history violates. The exit code is 1 if anything is.
"""

import argparse
import sys
from pathlib import Path

from tests import servers
from tests.faults import faults
from tests.faults.checker import violations
from tests.faults.history import History
from tests.faults.run import Plan, Verdict, run

SHOWN = 8
EVIDENCE_CHARACTERS = 600
HEAD = (
    f"{'scenario':<10}{'seed':>6}{'acknowledged':>14}{'maybe':>7}{'received':>10}{'503':>6}{'violations':>12}"
)


def check(path: Path) -> int:
    """Check a history that a run wrote; return the exit code."""
    found = violations(History.read(path))
    for violation in found:
        print(violation)
    print(f"{len(found)} violations")
    return 1 if found else 0


def show(verdict: Verdict) -> None:
    """Print a run's line, and what it found."""
    plan = verdict.plan
    counts = f"{verdict.acknowledged:>14}{verdict.maybe:>7}{verdict.received:>10}{verdict.unavailable:>6}"
    print(f"{plan.scenario:<10}{plan.seed:>6}{counts}{len(verdict.violations):>12}")
    print("    " + ", ".join(f"{name} {count}" for name, count in sorted(verdict.faults.items())))
    for violation in verdict.violations[:SHOWN]:
        print(f"    {str(violation)[:EVIDENCE_CHARACTERS]}")
    if verdict.violations:
        print(f"    its history: python -m tests.faults --check {verdict.path}", flush=True)
    for what in verdict.left_out:
        print(f"!!! NOT COVERED: {what}.", flush=True)


def main() -> int:
    """Run and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=1, help="of each scenario, with seeds one apart")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=40.0, help="of faults, in each run")
    parser.add_argument("--scenario", choices=("postgres", "sqlite", "both"), default="both")
    parser.add_argument("--check", type=Path, metavar="FILE", help="check a history instead of running")
    options = parser.parse_args()
    if options.check:
        return check(options.check)
    scenarios = {
        "postgres": (faults.HOSTED, faults.SECONDS_BETWEEN),
        "sqlite": (faults.EMBEDDED, faults.SECONDS_BETWEEN_EMBEDDED),
    }
    if options.scenario != "both":
        scenarios = {options.scenario: scenarios[options.scenario]}
    verdicts = []
    print(HEAD, flush=True)
    for seed in range(options.seed, options.seed + options.runs):
        for scenario, (kinds, between) in scenarios.items():
            try:
                verdicts.append(run(Plan(scenario, seed, options.seconds, kinds, between)))
            except servers.Missing as error:
                print(f"!!! NOT COVERED: {scenario}. Missing: {error}.", flush=True)
                continue
            show(verdicts[-1])
    acknowledged = sum(verdict.acknowledged for verdict in verdicts)
    injected = sum(verdict.faults.total() for verdict in verdicts)
    found = sum(len(verdict.violations) for verdict in verdicts)
    print(f"{len(verdicts)} runs: {injected} faults, {acknowledged} acknowledged, {found} violations")
    return 1 if found or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
