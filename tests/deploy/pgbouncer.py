"""PgBouncer between the hub and a throw-away PostgreSQL."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests import processes
from tests.servers import UNPRIVILEGED_USER, Missing, Postgresql, free_port, running, wait_for_port

SERVER_CONNECTIONS = 3  # fewer than any process of the hub has
PREPARED_SINCE = (1, 21)  # the first version that carries prepared statements from one connection to another
SETTINGS = """
[databases]
* = host=127.0.0.1 port={database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 500
{prepared}
"""


def _binary() -> str:
    binary = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if binary is None:
        raise Missing("PgBouncer (Debian: apt-get install pgbouncer)")
    return binary


def version() -> tuple[int, ...]:
    """Return the version that is installed, such as (1, 18, 0).

    Raises:
        Missing: none is.
    """
    said = subprocess.run([_binary(), "--version"], check=True, capture_output=True, text=True).stdout
    [number] = re.findall(r"^PgBouncer ([\d.]+)", said)
    return tuple(map(int, number.split(".")))


@contextlib.contextmanager
def pooled() -> Iterator[tuple[str, str]]:
    """Run PostgreSQL and PgBouncer, whose clients share `SERVER_CONNECTIONS`, each for a transaction.

    Gives the address through it, and the server's own.

    Raises:
        Missing: PgBouncer or PostgreSQL is not installed.
    """
    binary = _binary()
    prepared = "max_prepared_statements = 200" if version() >= PREPARED_SINCE else ""
    with running(Postgresql) as server, tempfile.TemporaryDirectory(prefix="aisp-hub-pool-") as folder:
        parts = urlsplit(server.url)
        port = free_port()
        settings = SETTINGS.format(
            database=parts.port, port=port, folder=folder, size=SERVER_CONNECTIONS, prepared=prepared
        )
        (Path(folder) / "pgbouncer.ini").write_text(settings)
        (Path(folder) / "users").write_text('"postgres" ""\n')
        command = [binary, "-q", str(Path(folder) / "pgbouncer.ini")]
        if os.geteuid() == 0:  # which it refuses to run as
            shutil.chown(folder, UNPRIVILEGED_USER)
            command[1:1] = ["-u", UNPRIVILEGED_USER]
        with (Path(folder) / "log").open("wb") as log:
            process = processes.start(command, stdout=log, stderr=log)
        try:
            wait_for_port(port, process)
            yield urlunsplit(parts._replace(netloc=f"postgres@127.0.0.1:{port}")), server.url
        finally:
            processes.end(process)
