"""How many requests a minute the owner of a realm may allow: no more than the hub's operator says."""

from django.conf import settings

from realms.audit.actor import Actor
from realms.refusal import refusal_at


def refuse_above_ceiling(*, by: Actor, reads_per_minute: int | None, writes_per_minute: int | None) -> None:
    """Raise `Refusal` `invalid_request` for limits that `by` may not set; operators may set any.

    Args:
        reads_per_minute: 0 for no limit, None for what is inherited. Likewise writes.
    """
    if by.runs_hub:
        return
    asked = {"reads": reads_per_minute, "writes": writes_per_minute}
    most = {"reads": settings.HUB_MOST_READS_PER_MINUTE, "writes": settings.HUB_MOST_WRITES_PER_MINUTE}
    for what, limit in asked.items():
        if most[what] and limit is not None and not 1 <= limit <= most[what]:
            detail = f"This hub allows 1 to {most[what]} {what} a minute."
            raise refusal_at(f"/{what}_per_minute", detail)
