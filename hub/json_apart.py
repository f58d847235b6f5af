"""JSON of large bodies, in processes of their own.

A search of 8 MiB of JSON takes up to some seconds of CPU time. In a thread of the server it would hold the
lock of Python's interpreter, and every other request would wait. Here it runs beside the server, with a lower
priority. The processes start when a first large body comes. They end when the server closes their pipes.
"""

import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import structlog

from realms.refusal import Refusal

P = ParamSpec("P")
T = TypeVar("T")

LARGE_BYTES = 64 * 1024
PROCESSES = 2  # as many large bodies as the server works on at once
NICENESS = 10
RETRY_SECONDS = 2
# Of the environment, which holds the hub's secrets too, what Python may need to start.
NAMES = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME")
ROOT = Path(__file__).resolve().parents[1]  # of the packages

log = structlog.get_logger(__name__)


class _Process:
    """A process that does one piece of work at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  nothing in it comes from outside
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(ROOT), **{name: os.environ[name] for name in NAMES if name in os.environ}},
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._tasks, self._results = self._process.stdin, self._process.stdout

    def run(self, work: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]) -> tuple[bool, Any]:
        """Return whether the work was done, and its result or what it raised.

        Raises:
            OSError, EOFError: the process has ended.
        """
        pickle.dump(work, self._tasks, protocol=5)
        self._tasks.flush()
        done: tuple[bool, Any] = pickle.load(self._results)  # noqa: S301  nobody else writes to the pipe
        return done

    def has_ended(self) -> bool:
        """Tell whether the process cannot work any more."""
        return self._process.poll() is not None

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


_idle: list[_Process] = []
_places = threading.BoundedSemaphore(PROCESSES)


def run_apart(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a function of a module without Django returns, called in another process.

    Raises:
        Refusal: `unavailable`, if the process ended; and what the function raises.
    """
    with _places:
        process = _idle.pop() if _idle else _Process()
        if process.has_ended():
            process = _Process()
        try:
            is_done, result = process.run((function, args, kwargs))
        except BaseException as error:
            process.end()
            if not isinstance(error, (OSError, EOFError, pickle.UnpicklingError)):
                raise
            log.error("a process for large bodies has ended", error=repr(error))
            raise Refusal("unavailable", headers={"Retry-After": str(RETRY_SECONDS)}) from None
        _idle.append(process)
    if is_done:
        answer: T = result
        return answer
    raise result


def apart_if_large(
    function: Callable[Concatenate[bytes, P], T], text: bytes, *args: P.args, **kwargs: P.kwargs
) -> T:
    """Return what a function returns for a text; for a large text, call it with `run_apart`."""
    if len(text) > LARGE_BYTES:
        return run_apart(function, text, *args, **kwargs)
    return function(text, *args, **kwargs)


@atexit.register
def _end_idle() -> None:
    while _idle:
        _idle.pop().end()


def _work() -> None:
    """Do what comes through the pipe, until it is closed."""
    # The server ends after the requests that it has, and these need this process until then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(NICENESS)
    while True:
        try:
            function, args, kwargs = pickle.load(sys.stdin.buffer)  # noqa: S301  the server writes it
        except EOFError:
            return
        try:
            done = (True, function(*args, **kwargs))
        except Refusal as refusal:
            done = (False, refusal)
        pickle.dump(done, sys.stdout.buffer, protocol=5)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _work()
