"""Write the bill of materials (CycloneDX 1.6) of what `make run` installs into the file that is named."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from hub.version import VERSION  # noqa: E402

TOOL = [str(Path(sys.executable).with_name("cyclonedx-py")), "requirements"]
FORM = ["--spec-version=1.6", "--output-format=JSON", "--output-reproducible", "--mc-type=application"]


def main() -> None:
    lock, _, _ = (ROOT / "requirements.lock").read_text().partition("# --- tracing only")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(lock)
        requirements.flush()
        command = [*TOOL, *FORM, f"--pyproject={ROOT / 'pyproject.toml'}", requirements.name]
        made = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603
    hub = made["metadata"]["component"]
    # The tool leaves out a version that pyproject.toml takes from elsewhere, and what depends on what.
    hub["version"] = VERSION
    made["dependencies"] = [
        {"ref": hub["bom-ref"], "dependsOn": sorted(each["bom-ref"] for each in made["components"])}
    ]
    Path(sys.argv[1]).write_text(json.dumps(made, indent=2) + "\n")


if __name__ == "__main__":
    main()
