"""How long things took."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Delays:
    """How long each of many took, in seconds."""

    each: Sequence[float] = field(repr=False)

    @property
    def p50(self) -> float:
        """The median, in milliseconds."""
        return statistics.median(self.each) * 1000

    @property
    def p99(self) -> float:
        """What one in a hundred takes longer than, in milliseconds."""
        return statistics.quantiles(self.each, n=100)[98] * 1000

    def __str__(self) -> str:
        return f"p50 {self.p50:6.2f} ms  p99 {self.p99:6.2f} ms  ({len(self.each)})"
