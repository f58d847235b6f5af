"""Measuring several programs in turns, so that what changes on the machine meanwhile meets all alike."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.bench.load import Times


@dataclass(frozen=True)
class Contender:
    """What takes part in a comparison.

    Attributes:
        measure: does it for a turn.
        before: prepares a turn; not measured.
        spent: returns the CPU seconds so far, by what takes them.
    """

    measure: Callable[[], Times]
    before: Callable[[], object] = lambda: None
    spent: Callable[[], dict[str, float]] = dict


@dataclass
class Measured:
    """What a contender reached, a value for each round."""

    rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    cpu: list[dict[str, float]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median of the rates, a second."""
        return statistics.median(self.rates)

    @property
    def p50(self) -> float:
        """The median of the medians, in milliseconds."""
        return statistics.median(self.p50s)

    @property
    def p99(self) -> float:
        """The median of the 99th percentiles, in milliseconds."""
        return statistics.median(self.p99s)

    def microseconds(self) -> dict[str, float]:
        """Return the CPU time of one request by part, the median of the rounds."""
        return {part: statistics.median(each[part] for each in self.cpu) for part in self.cpu[0]}

    def rate_ratio(self, floor: "Measured") -> float:
        """Return by how much it is as fast as a floor: the median of what each round says."""
        return statistics.median(mine / its for mine, its in zip(self.rates, floor.rates, strict=True))

    def p99_ratio(self, floor: "Measured") -> float:
        """Return how the 99th percentile stands to a floor's, likewise."""
        return statistics.median(mine / its for mine, its in zip(self.p99s, floor.p99s, strict=True))


def compare(contenders: Mapping[str, Contender], rounds: int) -> dict[str, Measured]:
    """Let each have its turn, `rounds` times and once before, which warms up and does not count."""
    measured = {name: Measured() for name in contenders}
    for round_ in range(rounds + 1):
        for name, contender in contenders.items():
            contender.before()
            before = contender.spent()
            times = contender.measure()
            after = contender.spent()
            if not round_:
                continue
            of = measured[name]
            of.rates.append(times.rate)
            of.p50s.append(times.p50)
            of.p99s.append(times.p99)
            count = len(times.each)
            of.cpu.append({part: (after[part] - before[part]) / count * 1e6 for part in after})
    return measured
