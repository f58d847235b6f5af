"""Password hashes: two at once in a process, and below the work for agents.

A hash is made to take long. Many at once would take the processors from all else, so two threads make them,
with a lower priority. Who waits for a hash is another matter: `hub.api.password_turns`.
"""

import contextlib
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from django.contrib.auth.hashers import PBKDF2PasswordHasher

AT_ONCE = 2
NICENESS = 10


def _step_back() -> None:
    """Give this thread a lower priority; on Linux each thread has its own."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hash", initializer=_step_back)


class Hasher(PBKDF2PasswordHasher):
    """Django's own hash, made in one of two threads."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return the hash of a password, as Django keeps it."""
        encoded: str = _threads.submit(super().encode, password, salt, iterations).result()
        return encoded
