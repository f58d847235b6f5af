"""Charts: bars in a drawing whose size its page decides; the template writes them down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, GAP, HEIGHT = 10, 2, 100  # of a bar and beside it, and of the tallest, in units of the drawing
LEAST = 2  # a bar of a single thing beside one of thousands is to be seen


@dataclass(frozen=True, slots=True)
class Bar:
    """One number and where it stands."""

    begins_at: datetime
    number: int
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars on one scale."""

    bars: list[Bar]
    most: int
    total: int

    @property
    def width(self) -> int:
        """Return the drawing's, in its own units."""
        return len(self.bars) * WIDTH


def chart(beginnings: Sequence[datetime], numbers: Sequence[int]) -> Chart:
    """Return the bars of numbers, each of which began at its time."""
    most = max(numbers, default=0)
    bars = []
    for place, (begins_at, number) in enumerate(zip(beginnings, numbers, strict=True)):
        height = round(max(LEAST, number / most * HEIGHT), 1) if number else 0
        bars.append(Bar(begins_at, number, place * WIDTH, HEIGHT - height, height))
    return Chart(bars, most, sum(numbers))
