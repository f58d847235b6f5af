"""See that what the hub installs has licences that go with Apache-2.0, and write them down.

    python .ci/licenses.py [FILE]

Looks at what stands above `# --- development only` in the lock, the hub and its tracing, as far as it is
installed here: what only other platforms need has to be looked at there. Names each package whose licence is
not allowed below and exits with 1; otherwise writes the list of all to FILE.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
DEVELOPMENT = "# --- development only"

# Permissive: they ask for the notice, which each package carries in its own wheel.
PERMISSIVE = {
    *("0BSD", "BSD", "BSD License", "BSD-2-Clause", "BSD-3-Clause", "BSD 3-Clause", "3-Clause BSD License"),
    *("MIT", "MIT License", "MIT-0", "ISC", "ISC License (ISCL)"),
    *("Apache-2.0", "Apache Software License", "PSF-2.0", "Python Software Foundation License"),
}

# What is not, and why it may be used: each is imported from its own wheel, unchanged, and can be replaced.
EXCEPTIONS = {
    "certifi": "MPL-2.0: binds changes of its own files, and the hub makes none",
    "fido2": "BSD-2-Clause; the MPL-2.0 is that of a list of domains that it carries along",
    "psycopg": "LGPL-3.0: a library that the hub imports, and that whoever runs it can exchange",
    "psycopg-binary": "LGPL-3.0: part of psycopg",
    "qrcode": "BSD-3-Clause; the other one named is the MIT licence of the code that it began with",
}


def locked() -> set[str]:
    """Return the names of all that the hub and its tracing install, whatever the platform."""
    lock = (ROOT / "requirements.lock").read_text().partition(DEVELOPMENT)[0]
    return {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}


def installed() -> list[dict[str, Any]]:
    """Return name, version, licence and address of each package of this environment."""
    pip_licenses = Path(sys.executable).with_name("pip-licenses")
    command = [str(pip_licenses), "--format=json", "--from=mixed", "--with-system", "--with-urls"]
    found: list[dict[str, Any]] = json.loads(subprocess.check_output(command))  # noqa: S603
    return found


def is_allowed(package: dict[str, Any]) -> bool:
    """Whether a package's licence is permissive, all of it or one of those to choose from, or explained."""
    if canonicalize_name(package["Name"]) in EXCEPTIONS:
        return True
    choices = package["License"].split(" OR ")
    return any(set(re.split(r" AND |; ", choice)) <= PERMISSIVE for choice in choices)


def main() -> None:
    names = locked()
    packages = [package for package in installed() if canonicalize_name(package["Name"]) in names]
    refused = [
        f"{each['Name']} {each['Version']}: {each['License']}" for each in packages if not is_allowed(each)
    ]
    stale = sorted(EXCEPTIONS.keys() - {canonicalize_name(package["Name"]) for package in packages})
    if refused or stale:
        sys.exit(
            "\n".join(
                [
                    *(f"Not an allowed licence: {line}. See .ci/licenses.py." for line in refused),
                    *(f"{name} is an exception in .ci/licenses.py but not installed." for name in stale),
                ]
            )
        )
    for file in sys.argv[1:]:
        Path(file).write_text(json.dumps(packages, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.write(f"{len(packages)} packages, all with licences that are allowed.\n")


if __name__ == "__main__":
    main()
