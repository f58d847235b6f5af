"""Write `requirements.lock`: every package pinned with its hashes, what only development needs last."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
MARKER = "# --- development only below; `make run` installs what stands above ---\n"
UV = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--universal"]
PLAIN = ["--python-version=3.11", "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]


def compiled(*arguments: str) -> str:
    """Return the lock lines that uv resolves for `arguments`."""
    command = [*UV, *PLAIN, *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603


def entries(text: str) -> dict[str, str]:
    """Split lock text into package name and marker → its lines."""
    return {block.split(" \\")[0]: block for block in re.split(r"\n(?=\S)", text.strip()) if block}


def main() -> None:
    run = compiled("pyproject.toml")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write(run)
        constraints.flush()
        dev = compiled("pyproject.toml", "--group", "dev", "--constraint", constraints.name)
    only_dev = [block for key, block in entries(dev).items() if key not in entries(run)]
    (ROOT / "requirements.lock").write_text(run.strip() + "\n\n" + MARKER + "\n".join(only_dev) + "\n")


if __name__ == "__main__":
    main()
