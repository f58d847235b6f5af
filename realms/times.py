"""Times as people read them: relative to now, with the exact one at hand."""

from datetime import UTC, datetime

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

UNITS = (("day", "days", 86_400), ("hr.", "hr.", 3_600), ("min.", "min.", 60), ("sec.", "sec.", 1))


def ago(when: datetime | None, never: str = "never") -> str | SafeString:
    """Return a time relative to now, `3 min. ago` or `in 2 days`, with the exact one in UTC as its title.

    Args:
        never: what to say where there is no time.
    """
    if when is None:
        return never
    return format_html(
        '<time datetime="{}" title="{}" data-relative>{}</time>',
        when.isoformat(),
        exactly(when),
        _relative((when - timezone.now()).total_seconds()),
    )


def exactly(when: datetime | None) -> str:
    """Return a time in UTC to the second."""
    return "" if when is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _relative(seconds: float) -> str:
    """Say it as `Intl.RelativeTimeFormat` does, which goes on saying it in the browser."""
    span = abs(int(seconds))
    one, many, size = next((unit for unit in UNITS if span >= unit[2]), UNITS[-1])
    number = span // size
    words = f"{number} {one if number == 1 else many}"
    return f"in {words}" if seconds > 0 else f"{words} ago"
