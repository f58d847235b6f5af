"""A whole hosted hub on this machine: each role as it is deployed, PostgreSQL, Redis, and nginx in front."""

import contextlib
import os
import secrets
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import httpx
from django.core.management.utils import get_random_secret_key

from tests import processes, servers
from tests.deploy.proxy import NAME, make_certificate, nginx, servers_at
from tests.live.processes import ROOT
from tests.waiting import wait_until

EXAMPLE = ROOT / "deploy/hub.env.example"
START_SECONDS = 40
POOLS = ("web", "streams")  # of one command
OF = ("--realm", "default", "--owner", "ada@example.com")


def deployed_environment() -> dict[str, str]:
    """Return what the example of the environment file says."""
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def _command(role: str, code: Path) -> str:
    """Return the command of the hub's code in a folder that runs a role.

    In earlier code `web` was a command of its own, served by granian. Where granian is no longer installed,
    `serve` takes its place: it has always answered every request.
    """
    if role not in POOLS:
        return role
    had_its_own = (code / f"hub/management/commands/{role}.py").exists()
    return role if had_its_own and find_spec("granian") else "serve"


@dataclass
class Role:
    """A process of the hub.

    Attributes:
        name: `web`, `streams`, `worker` or `beat`.
        code: the folder with the hub's code.
        port: where it says that it is ready; `beat` does not.
    """

    name: str
    code: Path
    environment: dict[str, str]
    log: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        """Where it answers, without the proxy."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Run it."""
        ports = {"PORT": str(self.port), "HUB_WORKER_PORT": str(self.port)}
        with self.log.open("ab") as log:
            self.process = processes.start(
                [sys.executable, "manage.py", _command(self.name, self.code)],
                cwd=self.code,
                env={**self.environment, **ports},
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Return when it says that it is ready, if it does."""
        if self.name != "beat":
            wait_until(self._is_ready, seconds=START_SECONDS)

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.base}/readyz", headers={"Host": NAME}).status_code == 200
        return False

    def stop(self) -> int:
        """End it as a supervisor does, and return its exit status."""
        assert self.process is not None
        return processes.end(self.process, seconds=30)

    def replace(self, code: Path | None = None) -> None:
        """End it, and return once another has taken its place, of other code if that is given."""
        assert self.stop() in (0, -signal.SIGTERM)
        self.code = code or self.code
        self.start()
        self.wait()

    def kill(self) -> None:
        """End it and its children at once, if it was started."""
        if self.process is not None:
            processes.end(self.process, signal.SIGKILL)


@dataclass
class Stack:
    """A hub that runs.

    Attributes:
        base: its address, through the proxy.
        certificate: what that is trusted by.
        key: an API key without limits.
        roles: its processes by name and number: `web-1`, `streams-1`, `worker-1` and so on.
    """

    base: str
    certificate: Path
    folder: Path
    environment: dict[str, str]
    code: Path
    key: str = ""
    roles: dict[str, Role] = field(default_factory=dict)

    def manage(self, *arguments: str) -> str:
        """Run a command of the hub's code to its end, and return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        run = subprocess.run(command, cwd=self.code, env=self.environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    def client(self) -> httpx.Client:
        """Return a client of the hub, with its key."""
        trust = ssl.create_default_context(cafile=str(self.certificate))
        return httpx.Client(base_url=self.base, verify=trust, headers={"X-AISP-Key": self.key}, timeout=30)

    def logs(self) -> str:
        """Return what all processes wrote."""
        return "".join(role.log.read_text() for role in self.roles.values())


@contextlib.contextmanager
def running_stack(
    folder: Path,
    *,
    of_each: int = 2,
    keep_alive: bool = True,
    code: Path = ROOT,
    database: Callable[[], AbstractContextManager[str]] = servers.postgresql,
) -> Iterator[Stack]:
    """Run a hub with two pools of processes, for requests and for streams.

    Args:
        folder: takes the logs and the proxy's configuration.
        of_each: how many processes each pool has.
        keep_alive: whether the proxy keeps its connections to the hub, as the deployed one does.
        code: the folder with the hub's code.
        database: runs a PostgreSQL server and gives the address by which the hub reaches it.

    Raises:
        Missing: PostgreSQL, Redis or nginx is not installed.
    """
    certificate = make_certificate(folder)
    port, http_port = servers.free_port(), servers.free_port()
    base = f"https://{NAME}:{port}"
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    with contextlib.ExitStack() as stack:
        environment = {
            **kept,
            **deployed_environment(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "HUB_ORIGIN": base,
            "ALLOWED_HOSTS": NAME,
            "SECRET_KEY": get_random_secret_key(),
            "HUB_METRICS_TOKEN": secrets.token_urlsafe(),
            "DATABASE_URL": stack.enter_context(database()),
            "REDIS_URL": stack.enter_context(servers.redis()),
        }
        hub = Stack(base, certificate, folder, environment, code)
        servers.create_database(environment["DATABASE_URL"])
        hub.manage("migrate", "-v0")
        hub.manage("realm", "create", "default", "--owner", "ada@example.com")
        unlimited = ("--reads-per-minute", "unlimited", "--writes-per-minute", "unlimited")
        hub.key = hub.manage("apikey", "issue", *OF, "--name", "tests", *unlimited)
        pools = {pool: [servers.lasting_port() for _ in range(of_each)] for pool in POOLS}
        ports = {**pools, "worker": [servers.lasting_port()], "beat": [servers.lasting_port()]}
        for name, places in ports.items():
            for number, at in enumerate(places, 1):
                log = folder / f"{name}-{number}.log"
                hub.roles[f"{name}-{number}"] = Role(name, code, environment, log, at)
        try:
            for role in hub.roles.values():
                role.start()
            for role in hub.roles.values():
                role.wait()
            with nginx(
                folder,
                origin=base,
                port=port,
                http_port=http_port,
                pools={pool: servers_at(places) for pool, places in pools.items()},
                keep_alive=keep_alive,
            ):
                yield hub
        finally:
            for role in hub.roles.values():
                role.kill()
