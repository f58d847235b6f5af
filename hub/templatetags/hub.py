"""What templates need besides Django's own tags."""

from datetime import UTC, datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

UNITS = (("day", "days", 86_400), ("hr.", "hr.", 3_600), ("min.", "min.", 60), ("sec.", "sec.", 1))


@register.simple_tag
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


@register.filter
def exactly(when: datetime | None) -> str:
    """Return a time in UTC to the second."""
    return "" if when is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@register.filter
def beginning(when: datetime, unit: str) -> str:
    """Return when a minute, an hour or a day begins, in UTC, no more exactly than that."""
    when = when.astimezone(UTC)
    return f"{when:%Y-%m-%d}" if unit == "day" else f"{when:%Y-%m-%d %H:%M} UTC"


@register.filter
def grouped(number: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{number:,}"


@register.simple_tag
def live(id: str, *topics: str) -> SafeString:
    """Return the attributes of an element that follows the realm's feed: `hub.js` replaces it.

    Args:
        id: of the element, unique on the page and kept from one to the next.
        topics: `control` (who may do what, and who is there) or `traffic` (what flows).
    """
    return format_html('id="{}" data-live="{}"', id, " ".join(topics))


def _relative(seconds: float) -> str:
    """Say it as `Intl.RelativeTimeFormat` does, which goes on saying it in the browser."""
    span = abs(int(seconds))
    one, many, size = next((unit for unit in UNITS if span >= unit[2]), UNITS[-1])
    number = span // size
    words = f"{number} {one if number == 1 else many}"
    return f"in {words}" if seconds > 0 else f"{words} ago"
