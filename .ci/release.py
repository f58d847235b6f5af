"""Make all files of a release in `dist/`: wheel, source archive, SBOM, licences, and the checksums of these.

From the same commit they come out the same, byte by byte, with the same versions of the tools: times are
those of the commit, or of `SOURCE_DATE_EPOCH` if it is set (https://reproducible-builds.org/specs/).
"""

import hashlib
import json
import os
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
VERSION: str = runpy.run_path(str(ROOT / "hub/version.py"))["VERSION"]
TRACING = "# --- tracing only"
SBOM_FORMAT = ["--spec-version=1.6", "--output-format=JSON", "--output-reproducible"]


def git(*arguments: str) -> str:
    """Return what git says, or nothing outside a repository."""
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() if done.returncode == 0 else ""


def run(*command: str, given: str | None = None) -> None:
    """Run a tool of this environment, with the time of the release; `given` is its input."""
    time = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct")
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    if time:
        environment["SOURCE_DATE_EPOCH"] = time
    subprocess.run(command, cwd=ROOT, env=environment, input=given, text=True, check=True)  # noqa: S603


def write_sbom(path: Path) -> None:
    """Write a CycloneDX document of what `make run` installs, with the hub as what it is about."""
    lock = (ROOT / "requirements.lock").read_text().partition(TRACING)[0]
    cyclonedx = str(Path(sys.executable).with_name("cyclonedx-py"))
    place = ["--pyproject=pyproject.toml", f"--output-file={path}"]
    run(cyclonedx, "requirements", *SBOM_FORMAT, *place, "-", given=lock)
    document = json.loads(path.read_text())
    complete(document)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def complete(document: dict[str, Any]) -> None:
    """Add what a list of packages does not say: the hub's version, and which of them it needs itself."""
    root = document["metadata"]["component"]
    root["version"] = VERSION
    root["purl"] = f"pkg:pypi/{root['name']}@{VERSION}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    direct = [each["bom-ref"] for each in document["components"] if canonicalize_name(each["name"]) in needed]
    [entry] = [each for each in document["dependencies"] if each["ref"] == root["bom-ref"]]
    entry["dependsOn"] = sorted(direct)


def warn() -> None:
    """Say what would make this a release that nobody can make again, or read about."""
    if git("status", "--porcelain"):
        sys.stderr.write("!!! There are changes that are not committed: this is no release.\n")
    if f"## [{VERSION}]" not in (ROOT / "CHANGELOG.md").read_text():
        sys.stderr.write(f"!!! CHANGELOG.md has no section [{VERSION}].\n")


def main() -> None:
    warn()
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(DIST))
    write_sbom(DIST / f"aisp-hub-{VERSION}.cdx.json")
    run(sys.executable, ".ci/licenses.py", str(DIST / f"aisp-hub-{VERSION}.licenses.json"))
    made = sorted(path for path in DIST.iterdir() if path.name != ".gitignore")
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made]
    (DIST / "SHA256SUMS").write_text("".join(sums))
    sys.stdout.write("".join(f"dist/{path.name}\n" for path in [*made, DIST / "SHA256SUMS"]))


if __name__ == "__main__":
    main()
