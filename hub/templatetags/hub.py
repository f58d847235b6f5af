"""What templates need besides Django's own tags."""

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from realms.times import ago, exactly

register = template.Library()

register.simple_tag(ago)
register.filter(exactly)


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
