"""See that the hub's packages are under licences that it may use them under; write them into a named file."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Permissive, or asking only that changes to the package itself be given on (LGPL, MPL).
ALLOWED = re.compile(
    r"(MIT|BSD|ISC|Apache|Python|PSF|0BSD|Unlicense|MPL|Mozilla|LGPL|GNU Lesser|CC0|Public Domain|HPND)",
    re.IGNORECASE,
)


def packages() -> set[str]:
    """Return the names of what the hub and its traces need, as the lock has them."""
    above, _, _ = (ROOT / "requirements.lock").read_text().partition("# --- development only")
    return {name.lower() for name in re.findall(r"^([A-Za-z0-9._-]+)==", above, re.MULTILINE)}


def main() -> None:
    command = [
        str(Path(sys.executable).with_name("pip-licenses")),
        "--format=json",
        "--with-urls",
        "--from=mixed",
    ]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603
    wanted = packages()
    found = [each for each in listed if each["Name"].lower().replace("_", "-") in wanted]
    refused = [f"{each['Name']}: {each['License']}" for each in found if not ALLOWED.search(each["License"])]
    if refused:
        sys.exit("Look at these licences before anybody ships them:\n" + "\n".join(refused))
    if sys.argv[1:]:
        rows = [f"| {each['Name']} | {each['Version']} | {each['License']} |" for each in found]
        text = "\n".join(
            ["# What AISP Hub is made of", "", "| Package | Version | Licence |", "|---|---|---|", *rows]
        )
        Path(sys.argv[1]).write_text(text + "\n")


if __name__ == "__main__":
    main()
