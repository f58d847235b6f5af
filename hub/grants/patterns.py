"""Namespace patterns of memory grants: `*`, an exact key `a.b`, or a subtree `a.*`."""

from django.db.models import Q

from hub.memory.models import in_subtree

MEMORY_CAPABILITIES = ("memory.read", "memory.write", "memory.delete")
SEGMENT = r"[A-Za-z0-9_-]+"
KEY_PATTERN = rf"^{SEGMENT}(\.{SEGMENT})*$"
NAMESPACE_PATTERN = rf"^(\*|{SEGMENT}(\.{SEGMENT})*(\.\*)?)$"
EVERYTHING = "*"
SUBTREE = ".*"


def covers(pattern: str, key: str) -> bool:
    """Tell whether a grant of `pattern` covers `key`. A subtree is what lies below, not its own root."""
    if pattern.endswith(SUBTREE):
        return key.startswith(pattern.removesuffix("*"))
    return pattern in (EVERYTHING, key)


def is_within(narrow: str, wide: str) -> bool:
    """Tell whether everything that `narrow` covers is covered by `wide` too."""
    if wide == EVERYTHING or narrow == wide:
        return True
    return wide.endswith(SUBTREE) and covers(wide, narrow.removesuffix("*"))


def first_segment(pattern: str) -> str | None:
    """Return the namespace that a pattern lies in; None for `*`, which lies in all of the grantor's."""
    return None if pattern == EVERYTHING else pattern.split(".")[0]


def entries_covered(pattern: str) -> Q:
    """Return the condition on memory entries that `covers` puts in Python."""
    if pattern == EVERYTHING:
        return Q()
    if pattern.endswith(SUBTREE):
        root = pattern.removesuffix(SUBTREE)
        return in_subtree(root) & Q(namespace__name=first_segment(root))
    return Q(key=pattern)
