"""A whole hosted hub on this machine: each role as it is deployed, PostgreSQL, Redis, and nginx in front."""

import contextlib
import os
import secrets
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from django.core.management.utils import get_random_secret_key

from tests import servers
from tests.deploy.proxy import NAME, make_certificate, nginx, servers_at
from tests.live.processes import ROOT
from tests.waiting import wait_until

EXAMPLE = ROOT / "deploy/hub.env.example"
START_SECONDS = 40
OF = ("--realm", "default", "--owner", "ada@example.com")


def deployed_environment() -> dict[str, str]:
    """Return what the example of the environment file says."""
    lines = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@dataclass
class Role:
    """A process of the hub; `answers_at` is where it says that it is ready, if it does."""

    arguments: list[str]
    environment: dict[str, str]
    log: Path
    answers_at: str | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *self.arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Return when it says that it is ready, if it does."""
        if self.answers_at is not None:
            wait_until(self._is_ready, seconds=START_SECONDS)

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.answers_at}/readyz").status_code == 200
        return False

    def stop(self) -> int:
        """End it as a supervisor does, and return its exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        """End it and its children at once, if it was started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Stack:
    """A hub that runs.

    Attributes:
        base: its address, through the proxy.
        certificate: what that is trusted by.
        key: an API key without limits.
        roles: its processes by name: `web-1`, `web-2`, `live-1`, `live-2`, `worker`, `beat`.
    """

    base: str
    certificate: Path
    folder: Path
    environment: dict[str, str]
    key: str = ""
    roles: dict[str, Role] = field(default_factory=dict)

    def manage(self, *arguments: str) -> str:
        """Run a command of the hub to its end, and return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        run = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    def client(self) -> httpx.Client:
        """Return a client of the hub, with its key."""
        trust = ssl.create_default_context(cafile=str(self.certificate))
        return httpx.Client(base_url=self.base, verify=trust, headers={"X-AISP-Key": self.key}, timeout=30)

    def logs(self) -> str:
        """Return what all processes wrote."""
        return "".join(role.log.read_text() for role in self.roles.values())


def _role(stack: Stack, name: str, *arguments: str, port: int | None = None, **variables: str) -> None:
    answers_at = f"http://127.0.0.1:{port}" if port else None
    environment = {**stack.environment, **variables}
    stack.roles[name] = Role(list(arguments), environment, stack.folder / f"{name}.log", answers_at)


@contextlib.contextmanager
def running_stack(folder: Path, *, processes: int = 2) -> Iterator[Stack]:
    """Run a hub with so many web and as many live processes.

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
            "DATABASE_URL": stack.enter_context(servers.postgresql()),
            "REDIS_URL": stack.enter_context(servers.redis()),
        }
        hub = Stack(base, certificate, folder, environment)
        servers.create_database(environment["DATABASE_URL"])
        hub.manage("migrate", "-v0")
        hub.manage("realm", "create", "default", "--owner", "ada@example.com")
        unlimited = ("--reads-per-minute", "unlimited", "--writes-per-minute", "unlimited")
        hub.key = hub.manage("apikey", "issue", *OF, "--name", "tests", *unlimited)
        web, live = ([servers.lasting_port() for _ in range(processes)] for _ in range(2))
        for number, at in enumerate(web, 1):
            _role(hub, f"web-{number}", "web", f"--port={at}", port=at)
        for number, at in enumerate(live, 1):
            _role(hub, f"live-{number}", "serve", f"--port={at}", port=at)
        of_worker = servers.lasting_port()
        _role(hub, "worker", "worker", port=of_worker, HUB_WORKER_PORT=str(of_worker))
        _role(hub, "beat", "beat")
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
                web=servers_at(web),
                live=servers_at(live),
            ):
                yield hub
        finally:
            for role in hub.roles.values():
                role.kill()
