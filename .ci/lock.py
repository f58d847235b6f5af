"""Write `requirements.lock`: every package pinned with its hashes, in four parts.

First what the hub needs, then what only tracing needs, then what only development needs, then what only
`make bench` needs. What is pinned stays as it is; with `--upgrade` everything takes its newest version.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
TRACING = "# --- tracing only below; `make run` installs what stands above ---\n"
DEVELOPMENT = "# --- development only below; the image holds what stands above ---\n"
BENCH = "# --- bench only below; `make test` and `make check` install what stands above ---\n"
UV = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--universal"]
PLAIN = ["--python-version=3.11", "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]


def compiled(*arguments: str, pinned: str) -> str:
    """Return the lock lines that uv resolves for `arguments`, near to those of `pinned`."""
    with tempfile.NamedTemporaryFile("w+", suffix=".txt") as output:
        output.write(pinned)
        output.flush()
        command = [*UV, *PLAIN, "pyproject.toml", "--output-file", output.name, *arguments]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        return Path(output.name).read_text()


def entries(text: str) -> dict[str, str]:
    """Split lock text into package name and marker → its lines."""
    return {block.split(" \\")[0]: block for block in re.split(r"\n(?=[^\s#])", text.strip()) if block}


def main() -> None:
    upgrade = sys.argv[1:]
    # All at once first, so that the parts agree.
    all_groups = ["--extra", "tracing", "--group", "dev", "--group", "bench"]
    everything = compiled(*all_groups, *upgrade, pinned=LOCK.read_text())
    run = entries(compiled(pinned=everything))
    traced = entries(compiled("--extra", "tracing", pinned=everything))
    developed = entries(compiled("--extra", "tracing", "--group", "dev", pinned=everything))
    parts = (
        list(run.values()),
        [block for name, block in traced.items() if name not in run],
        [block for name, block in developed.items() if name not in traced],
        [block for name, block in entries(everything).items() if name not in developed],
    )
    first, tracing, development, bench = ("\n".join(part) + "\n" for part in parts)
    LOCK.write_text(f"{first}\n{TRACING}{tracing}\n{DEVELOPMENT}{development}\n{BENCH}{bench}")


if __name__ == "__main__":
    main()
