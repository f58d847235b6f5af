"""The schema's first readers may come at once."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

# In a process of its own: what two first uses at once trip over is loaded once and for all.
FIRST_USES = """
import sys
from concurrent.futures import ThreadPoolExecutor
import django
django.setup()
from hub.api.schema import document
sys.setswitchinterval(1e-6)
with ThreadPoolExecutor(4) as threads:
    made = list(threads.map(lambda _: document(), range(4)))
assert all(one is made[0] for one in made)
print(made[0]["openapi"])
"""


def test_first_readers_at_once_get_one_document() -> None:
    read = subprocess.run(
        [sys.executable, "-c", FIRST_USES], cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert (read.returncode, read.stdout) == (0, "3.1.1\n"), read.stderr
