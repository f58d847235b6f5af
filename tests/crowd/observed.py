"""What is seen of the server process from outside, and what a run found."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

ESTABLISHED = "01"


@dataclass(frozen=True)
class Footprint:
    """The server process at one instant."""

    rss_kib: int
    threads: int
    database_connections: int


def rss_kib(pid: int) -> int:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


async def footprint(pid: int, database_url: str) -> Footprint:
    """Look at a process and its database, without this look's own connection."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        row = await (await connection.execute(query)).fetchone()
    assert row is not None
    return Footprint(rss_kib(pid), len(list(Path(f"/proc/{pid}/task").iterdir())), row[0])


def tcp_table() -> str:
    """Return the machine's TCP connections, as the kernel lists them."""
    return Path("/proc/net/tcp").read_text()


def server_socket(table: str, server_port: int, client_port: int) -> tuple[str, int] | None:
    """Return state and unacknowledged bytes of the server's end of a connection; None if it is gone."""
    ends = f":{server_port:04X} 0100007F:{client_port:04X} "
    at = table.find(ends)
    if at < 0:
        return None
    state, queues = table[at + len(ends) : at + 60].split()[:2]
    return state, int(queues.split(":")[0], 16)


@dataclass(frozen=True)
class Finding:
    """One figure, between its bounds if it has any."""

    measurement: str
    what: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def missed(self) -> bool:
        """Whether it lies outside its bounds."""
        over = self.at_most is not None and self.value > self.at_most
        return over or (self.at_least is not None and self.value < self.at_least)

    def line(self) -> str:
        """Return its row of the table."""
        bounds = [f"≥ {self.at_least:g}"] if self.at_least is not None else []
        bounds += [f"≤ {self.at_most:g}"] if self.at_most is not None else []
        verdict = "MISSED" if self.missed else "ok" if bounds else ""
        cells = f"{self.measurement:<11}{self.what:<44}{self.value:>11.1f} {self.unit:<6}"
        return f"{cells} {', '.join(bounds):<12} {verdict:<7}{self.note}".rstrip()

    def as_json(self) -> dict[str, Any]:
        """Return it for a file; JSON has no infinity."""
        value = self.value if math.isfinite(self.value) else None
        return {**asdict(self), "value": value, "missed": self.missed}
