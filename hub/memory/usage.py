"""What a realm's entries add up to, and the limit to it."""

from django.db.models import F

from hub.memory.models import MemoryUsage
from realms.refusal import Refusal


def usage_of(realm_id: str) -> MemoryUsage:
    """Return a realm's totals; zero, where nothing was ever written."""
    return MemoryUsage.objects.filter(realm_id=realm_id).first() or MemoryUsage(realm_id=realm_id)


def count(realm_id: str, *, entries: int, size: int) -> None:
    """Add to the realm's totals, in the transaction of the change.

    Call it after all rows of entries are written: all writers of the realm share the total's row.

    Args:
        entries: how many came, or went if negative.
        size: the bytes of their values.

    Raises:
        Refusal: `quota_exceeded`, if growth goes over the realm's limit.
    """
    if not entries and not size:
        return
    usage = MemoryUsage.objects.filter(realm_id=realm_id)
    change = {"entries": F("entries") + entries, "bytes": F("bytes") + size}
    if not usage.update(**change):
        MemoryUsage.objects.get_or_create(realm_id=realm_id)
        usage.update(**change)
    if entries > 0 or size > 0:
        total = usage.select_related("realm").get()
        realm = total.realm
        if (entries > 0 and total.entries > realm.memory_max_entries) or (
            size > 0 and total.bytes > realm.memory_max_bytes
        ):
            raise Refusal(
                "quota_exceeded",
                f"The realm may hold {realm.memory_max_entries} entries and "
                f"{realm.memory_max_bytes} bytes; this write would exceed that.",
            )
