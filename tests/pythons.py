"""`make pythons`: a short pass on every other Python that the hub is for and that is installed.

`pyproject.toml` names the versions. On each one except the caller's own, the pass installs the packages of
`requirements.lock`, starts the hub, types its quickstart, and runs `TESTS` on SQLite. A version that is not
installed is named at the end, loudly. Further arguments go to pytest.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
CLASSIFIER = "Programming Language :: Python :: 3."
WORKERS = 2
NOT_NEEDED = "# --- bench only"
UV = str(Path(sys.executable).with_name("uv"))
SERVERS = {"TEST_DATABASE_URL", "TEST_REDIS_URL"}
# They reach most of what the hub does, in half a minute: the start and the quickstart, each change that the
# audit log knows, the schema made of type annotations, archives, and the admin and the health page, for which
# the lock names other packages on newer versions.
TESTS = [
    "tests/test_up.py",
    "tests/test_env.py",
    "tests/test_log.py",
    "tests/admin/test_confirm.py",
    "tests/admin/test_dashboard.py",
    "tests/admin/test_health.py",
    "tests/api/test_errors.py",
    "tests/api/test_schema.py",
    "tests/audit/test_secrets.py",
    "tests/backup/test_archive.py",
    "tests/console/test_overview.py",
    "tests/grants/test_request.py",
    "tests/memory/test_write.py",
    "tests/messages/test_poll.py",
    "tests/messages/test_send.py",
    "tests/observability/test_tasks.py",
    "tests/realms/test_commands.py",
    "tests/sessions/test_register.py",
    "tests/tokens/test_issue.py",
]


def versions() -> list[str]:
    """Return the versions that the hub is for, such as `3.12`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [line.rpartition(" ")[2] for line in project["classifiers"] if line.startswith(CLASSIFIER)]
    return sorted(named, key=lambda version: int(version.partition(".")[2]))


def interpreter(version: str) -> str | None:
    """Return the path of an interpreter that runs; None if there is none on the PATH or among pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    on_path = [shutil.which(f"python{version}", path=folder) for folder in os.get_exec_path()]
    of_pyenv = sorted(map(str, pyenv.glob(f"versions/{version}.*[0-9]/bin/python{version}")), reverse=True)
    for path in filter(None, [*on_path, *of_pyenv]):
        # A shim of pyenv is on the PATH even if it runs nothing.
        with contextlib.suppress(OSError):
            if subprocess.run([path, "--version"], capture_output=True).returncode == 0:
                return path
    return None


def installed(version: str, path: str) -> str:
    """Return the interpreter of an environment that has what the lock names for the hub and its tests.

    The environment stays below this one, where the next call finds it. uv takes a tenth of pip's time, and
    holds each file to its hash too.
    """
    folder = Path(sys.prefix) / "pythons" / version
    lock = (ROOT / "requirements.lock").read_text().partition(NOT_NEEDED)[0]
    create = ["venv", "--quiet", "--allow-existing", "--no-python-downloads", f"--python={path}", str(folder)]
    subprocess.run([UV, *create], check=True)
    install = ["pip", "install", "--quiet", "--require-hashes", "--exact", f"--python={folder}", "-r", "-"]
    subprocess.run([UV, *install], input=lock, text=True, check=True)
    return str(folder / "bin/python")


def passed(version: str, path: str, arguments: list[str]) -> bool:
    """Run the pass on a version, and return whether it went well."""
    print(f"\n=== Python {version} ===", flush=True)
    began = time.monotonic()
    python = installed(version, path)
    seconds = time.monotonic() - began
    command = [python, "-m", "pytest", f"-n{WORKERS}", "--dist=loadfile", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if name not in SERVERS}
    code = subprocess.run([*command, *TESTS, *arguments], cwd=ROOT, env=environment).returncode
    total = time.monotonic() - began
    print(f"=== Python {version}: exit {code} after {total:.0f} s, {seconds:.0f} s of them to install ===")
    return code == 0


def main() -> int:
    """Run the pass on each version and return the exit code."""
    own = ".".join(map(str, sys.version_info[:2]))
    found = {version: interpreter(version) for version in versions() if version != own}
    results = [passed(version, path, sys.argv[1:]) for version, path in found.items() if path]
    for version, path in found.items():
        if path is None:
            print(f"\n!!! NOT COVERED: Python {version}. Missing: python{version} on the PATH or from pyenv.")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
