"""The samples of the docs: what is fenced in a page, and how it is run against a hub.

`sh` and `python` are run; a `json`, `text` or `sse` block shows what the sample before it prints. Of the
languages in `SHOWN`, which nothing here can run, other tests check what can be checked.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from hub.docs.contents import Page
from hub.docs.pages import source_of

KEY_PLACEHOLDER = "aisp_your_key"  # what a reader replaces
RUN = ("sh", "python")
OUTPUT = ("json", "text", "sse")
SHOWN = ("manage", "nginx", "ini", "env")
SECONDS = 30
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Sample:
    """A block that is run, and the block that shows its output, if there is one."""

    language: str
    code: str
    output_language: str = ""
    output: str = ""


def fences(text: str) -> list[tuple[str, str]]:
    """Return (language, content) of every fenced block."""
    tokens = MarkdownIt("commonmark").parse(text)
    return [(token.info.strip(), token.content) for token in tokens if token.type in ("fence", "code_block")]


def samples_of(page: Page, *, origin: str, key: str) -> list[Sample]:
    """Return the samples of a page as a reader with this hub and key types them.

    Raises:
        AssertionError: a block is neither run nor shows what one that is run prints.
    """
    text = source_of(page, origin=origin).replace(KEY_PLACEHOLDER, key)
    samples: list[Sample] = []
    previous = ""
    for language, content in fences(text):
        if language in OUTPUT:
            assert previous in RUN, f"a {language} block of {page.slug} follows no sample:\n{content}"
            samples[-1] = Sample(samples[-1].language, samples[-1].code, language, content)
        elif language in RUN:
            samples.append(Sample(language, content))
        else:
            assert language in SHOWN, f"a block of {page.slug} is in {language!r}:\n{content}"
        previous = language
    return samples


def printed(samples: list[Sample], *, origin: str, key: str, folder: Path) -> list[str]:
    """Run samples of one language as one script in a folder, and return what each printed.

    Raises:
        AssertionError: the script did not exit with 0.
    """
    [language] = {sample.language for sample in samples}
    mark = "=== the next sample ==="
    if language == "sh":
        script = f"\nprintf '\\n%s\\n' '{mark}'\n".join(sample.code for sample in samples)
        command = ["bash", "-c", f"set -euo pipefail\n{script}"]
    else:
        script = f"\nprint({mark!r})\n".join(sample.code for sample in samples)
        command = [sys.executable, "-c", script]
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    run = subprocess.run(
        command,
        cwd=folder,
        env={**kept, "HUB": origin, "KEY": key},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert run.returncode == 0, f"exit status {run.returncode}\n{run.stdout}\n{run.stderr}"
    return re.split(rf"\n?{mark}\n", run.stdout)
