"""The tests of the test tools run when a tool has changed since the last commit that CI passed.

CI calls `python -m tests.tools` when a commit has passed. The commit is noted outside the checkout, since CI
may begin with a fresh one. If git cannot tell what has changed since, the tools count as changed.
"""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
# The fault checker, and the finder of locks in migrations, which looks at ours.
TOOLS = [
    "tests/faults",
    "tests/upgrade/locks.py",
    "tests/upgrade/test_locks.py",
    "realms/concurrent_index.py",
    "hub/migrations",
]


def _note() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "aisp-hub" / "passed-ci"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def unchanged_since() -> str | None:
    """Return the commit that CI passed if the tools are as they were in it; else None."""
    try:
        commit = _note().read_text().strip()
        changed = _git("diff", "--name-only", commit, "--", *TOOLS)
        new = _git("ls-files", "--others", "--exclude-standard", "--", *TOOLS)
    except (OSError, subprocess.CalledProcessError):
        return None
    return None if changed or new else commit


def note_passed() -> None:
    """Note that CI passed the commit that is checked out, unless files differ from it."""
    try:
        if _git("status", "--porcelain"):
            return
        commit = _git("rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return
    _note().parent.mkdir(parents=True, exist_ok=True)
    _note().write_text(commit)


if __name__ == "__main__":
    note_passed()
