"""How much CPU time it takes to find out who calls, count the request, and put a refusal into words.

Run by itself in the environment of a hub's process, with a key as its argument; prints microseconds as JSON.
"""

import os
import sys
import time
from collections.abc import Callable

import django
import msgspec

CALLS = 5000
WARM_UP = 500
ADDRESS = "127.0.0.1"


def microseconds(call: Callable[[], object]) -> float:
    """Return the CPU time of a call."""
    for _ in range(WARM_UP):
        call()
    began = time.thread_time()
    for _ in range(CALLS):
        call()
    return (time.thread_time() - began) / CALLS * 1e6


def main() -> None:
    """Measure, and print."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from hub.api.credentials import admit
    from hub.api.exchange import Exchange, ProblemResponse
    from realms.refusal import Refusal

    exchange = Exchange("POST", "/api/v1/messages", {"x-aisp-key": sys.argv[1]}, ADDRESS)
    refusal = Refusal("session_required", "No acting session: name it in X-AISP-Session.")
    found = {
        "credential and limit": microseconds(lambda: admit(exchange)),
        "problem": microseconds(lambda: ProblemResponse(exchange.problem(refusal))),
    }
    print(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    main()
