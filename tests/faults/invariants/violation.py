"""What a checker finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """A promise that a history breaks, and the evidence."""

    name: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.name}: {self.evidence}"
