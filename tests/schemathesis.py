"""Schemathesis against a running hub: `python -m tests.schemathesis [--examples N] [--seed N]`.

It starts a hub of its own, has Schemathesis call every operation in all phases and with all checks, and
fails if a check fails or if an operation never answered 2xx.
"""

import argparse
import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from schemathesis.cli.commands import schemathesis as command
from schemathesis.core import NotSet
from schemathesis.core.parameters import ParameterLocation

from tests import processes
from tests.schemathesis_world import World
from tests.servers import free_port

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60
# A key of its own, without the limits of the one that the first start prints: this is no test of them.
ISSUE = (
    *("manage.py", "apikey", "issue", "--name", "schemathesis", "--realm", "default"),
    *("--owner", "owner@localhost", "--reads-per-minute", "unlimited", "--writes-per-minute", "unlimited"),
)

CONFIG = """
request-timeout = 20

[generation]
# NUL and lone surrogates are refused wherever they stand, which no schema can say of free-form JSON.
allow-x00 = false
codec = "utf-8"
database = "none"

[phases.fuzzing.extra-data-sources]
# With ids from earlier answers in the place of drawn ones there are too few different requests to an
# operation that takes little else, and Schemathesis stops far below the wanted number of examples.
responses = false

[checks.positive_data_acceptance]
# A valid request may be refused for the state that it meets: besides the default (401, 403, 404, 409 and
# 429), a session that does not answer a ping is 408.
expected-statuses = ["2xx", "401", "403", "404", "408", "409", "429"]

[checks.negative_data_rejection]
# The default, and 426 for a stream. 5xx is never right.
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "415", "422", "426", "429"]

[[operations]]
# A stream does not end: the first event is enough, and one is made for it.
include-operation-id = "messages_stream"
max-stream-events = 1
request-timeout = 5

[[operations]]
# DELETE revokes a grant and keeps it: GET shows it as `revoked`, to both sides, for as long as it is kept.
include-operation-id = "grants_get_grant"
checks.use_after_free.enabled = false
"""


@contextmanager
def running_hub(data: Path) -> Iterator[tuple[str, str]]:
    """Run a hub with an empty data directory; give its origin and an API key."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    environment = {
        **kept,
        "HUB_DATA_DIR": str(data),
        "PORT": str(port),
        "LOG_LEVEL": "ERROR",
        "HUB_REFUSALS_PER_MINUTE": "1000000",  # all that is refused comes from one address
    }
    log = data / "hub.log"
    with log.open("wb") as output:
        arguments = [sys.executable, "manage.py", "up"]
        hub = processes.start(arguments, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(origin):
            if hub.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The hub did not start:\n{log.read_text()}")
            time.sleep(0.2)
        issued = subprocess.run(
            [sys.executable, *ISSUE], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
        )
        yield origin, issued.stdout.strip()
    finally:
        if hub.poll() is not None:
            print(f"The hub ended by itself with {hub.returncode}:\n{log.read_text()[-4000:]}")
        processes.end(hub)
        if faults := [line for line in log.read_text().splitlines() if "error" in line]:
            print("The hub's log has errors:", *faults[-50:], sep="\n")


def _answers(origin: str) -> bool:
    try:
        return httpx.get(f"{origin}/api/v1/schema").status_code == 200
    except httpx.TransportError:
        return False


class Harness:
    """Puts the world's real values into generated requests, and counts the answers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._number = itertools.count(1)

    def register(self) -> None:
        """Have Schemathesis call it; a hook has to be a function."""

        @schemathesis.hook
        def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
            self.fill_in(case)

        @schemathesis.hook
        def after_call(context: Any, case: Any, response: Any) -> None:
            self.take_note(case, response)

    def fill_in(self, case: Any) -> None:
        """Replace what refers to nothing, in those parts of the request that are valid."""
        operation = case.operation.definition.raw["operationId"]
        if case.meta is None or case.method != case.operation.method.upper():
            return
        is_valid = case.meta.generation.mode.is_positive
        valid = {place for place in ParameterLocation if is_valid or not case.meta.is_negative_at(place)}
        named = ""
        if ParameterLocation.PATH in valid:
            for name, drawn in (case.path_parameters or {}).items():
                named = self.world.path_value(operation, name, str(drawn))
                case.path_parameters[name] = named
        takes = {parameter.name for parameter in case.operation.iter_parameters()}
        if ParameterLocation.HEADER in valid and case.headers:
            self._name_request(case)
        if ParameterLocation.HEADER in valid and "X-AISP-Session" in takes:
            self._name_session(case, named)
        if operation == "messages_stream":
            self._have_event(case)
        if ParameterLocation.QUERY in valid and case.query:
            case.query = self.world.query(dict(case.query))
        if ParameterLocation.BODY in valid and isinstance(case.body, dict):
            acting = (case.headers or {}).get("X-AISP-Session", "")
            case.body = self.world.body(operation, case.body, acting=acting, grant=named)

    def _name_request(self, case: Any) -> None:
        """A request of its own has an Idempotency-Key of its own, and besides the key no token."""
        case.headers.pop("Authorization", None)
        if "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] = f"{case.headers['Idempotency-Key'][:200]}-{next(self._number)}"

    def _name_session(self, case: Any, named: str) -> None:
        """The key owns many sessions, so that one has to be named: the one that can do it."""
        headers = case.headers
        drawn = headers.get("X-AISP-Session")
        if named in self.world.actor_of:
            headers["X-AISP-Session"] = self.world.actor_of[named]
        elif drawn is None or not self.world.is_left_id(drawn):
            headers["X-AISP-Session"] = self.world.alice
        for name in ("Last-Event-ID", "X-Last-Event-ID"):
            if name in headers and not self.world.is_left_id(headers[name]):
                headers[name] = self.world.new_message()

    def _have_event(self, case: Any) -> None:
        """See to it that the stream has something to send after the message that it may name."""
        if (case.headers or {}).get("X-AISP-Session") == self.world.alice:
            self.world.new_message()

    def take_note(self, case: Any, response: Any) -> None:
        """Count the answer and remember what it gave out."""
        if case.method != case.operation.method.upper():
            return
        count = self.counts[case.operation.label]
        count[f"{response.status_code // 100}xx"] += 1
        count[case.meta.phase.name.value] += 1
        if response.status_code != 200 or case.operation.path.endswith("/schema"):
            return
        self.world.note(response.text)
        operation = case.operation.definition.raw["operationId"]
        acting = (case.headers or {}).get("X-AISP-Session", "")
        if operation == "messages_send":
            self.world.actor_of[response.json()["message_id"]] = case.body["from"]
        elif operation == "grants_request_grant":
            self.world.actor_of[response.json()["grant_id"]] = response.json()["to"]
        elif operation == "memory_write" and not isinstance(case.body, NotSet):
            for key in response.json()["entries"]:
                self.world.actor_of.setdefault(key, acting)

    def report(self) -> list[str]:
        """Print the counts, of answers and of requests by phase; return what never succeeded."""
        columns = ("2xx", "4xx", "5xx", "examples", "coverage", "fuzzing", "stateful")
        print(f"\n{'operation':42}" + "".join(f"{column:>10}" for column in columns))
        for label, count in sorted(self.counts.items()):
            print(f"{label:42}" + "".join(f"{count[column]:>10}" for column in columns))
        return [label for label, count in self.counts.items() if not count["2xx"]]


def run_schemathesis(origin: str, key: str, folder: Path, options: argparse.Namespace) -> int:
    """Run Schemathesis's own command line in this process and return its exit code."""
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG)
    # From a file: of a schema that it fetches, Schemathesis leaves the operation that served it out.
    schema = folder / "openapi.json"
    schema.write_bytes(httpx.get(f"{origin}/api/v1/schema").content)
    arguments = [
        *("--config-file", str(config)),
        *("run", str(schema), "--url", origin),
        *("--header", f"X-AISP-Key:{key}"),
        *("--phases", options.phases),
        *("--checks", "all"),
        *("--max-examples", str(options.examples)),
        *("--seed", str(options.seed)),
        *("--suppress-health-check", "all"),
        *("--continue-on-failure", "--no-color"),
        *options.more,
    ]
    try:
        code = command.main(arguments, standalone_mode=False)
    except SystemExit as end:
        code = end.code
    return int(code or 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="for each operation")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    parser.add_argument("more", nargs="*", help="further arguments for `schemathesis run`, after --")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_hub(Path(folder)) as (origin, key):
        began = time.monotonic()
        harness = Harness(World(origin, key))
        harness.register()
        code = run_schemathesis(origin, key, Path(folder), options)
        never = harness.report()
    print(
        f"{len(harness.counts)} operations, {options.examples} examples each, seed {options.seed}, ", end=""
    )
    print(f"{time.monotonic() - began:.0f} s")
    if never:
        print(f"Never answered 2xx: {', '.join(never)}")
    return 1 if code or never else 0


if __name__ == "__main__":
    sys.exit(main())
