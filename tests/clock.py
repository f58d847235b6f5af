"""The clock of the caches of keys and tokens."""


class Clock:
    """A monotonic clock that tests set; it stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the seconds that it shows."""
        return self.now
