"""What a run found: a table to read, and JSON to keep."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.bench.machine import described
from tests.bench.rounds import Measured


@dataclass(frozen=True)
class Line:
    """A program's figures: rate a second with least and most, times in milliseconds, CPU in microseconds."""

    what: str
    rate: float
    least: float
    most: float
    p50: float
    p99: float
    cpu: dict[str, float]

    def text(self) -> str:
        """Return it as a line of the table."""
        cpu = "  ".join(f"{part} {spent:.0f}" for part, spent in self.cpu.items())
        return (
            f"  {self.what:<34}{self.rate:8.0f} /s  ({self.least:.0f} to {self.most:.0f})   "
            f"p50 {self.p50:6.2f} ms  p99 {self.p99:6.2f} ms   {'CPU µs: ' + cpu if cpu else ''}"
        )


@dataclass(frozen=True)
class Target:
    """A figure, and what it should be: at least `least` or at most `most`."""

    what: str
    figure: float
    least: float | None = None
    most: float | None = None

    @property
    def is_met(self) -> bool:
        """Whether it is as it should be."""
        return (self.least is None or self.figure >= self.least) and (
            self.most is None or self.figure <= self.most
        )

    def text(self) -> str:
        """Return it as a line of the table."""
        bound = f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"
        return f"  {'ok    ' if self.is_met else 'MISSED'}  {self.what}: {self.figure:.2f} ({bound})"


@dataclass
class Report:
    """All that a run found, printed as it comes."""

    servers: dict[str, str]
    sections: dict[str, list[Line]] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Say what is measured, and on what."""
        print(", ".join(f"{name} {value}" for name, value in described(self.servers).items()), flush=True)

    def add(self, section: str, measured: Mapping[str, Measured]) -> None:
        """Take in what a comparison measured."""
        lines = [
            Line(what, of.rate, min(of.rates), max(of.rates), of.p50, of.p99, of.microseconds())
            for what, of in measured.items()
        ]
        self.sections[section] = lines
        print(f"\n{section}", *(line.text() for line in lines), sep="\n", flush=True)

    def note(self, text: str) -> None:
        """Take in what has no place in a table."""
        self.notes.append(text)
        print(f"  {text}", flush=True)

    def target(self, target: Target) -> None:
        """Take in how a target was met."""
        self.targets.append(target)
        print(target.text(), flush=True)

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        content = {
            "of": described(self.servers),
            "sections": {name: [asdict(line) for line in lines] for name, lines in self.sections.items()},
            "notes": self.notes,
            "targets": [{**asdict(target), "is_met": target.is_met} for target in self.targets],
        }
        path.write_text(json.dumps(content, indent=2) + "\n")
