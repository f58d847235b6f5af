"""From a history to what it violates."""

from collections.abc import Callable, Iterator

from tests.faults.history import History
from tests.faults.invariants import consent, delivery, order, readers, service
from tests.faults.invariants.violation import Violation
from tests.faults.view import View

Invariant = Callable[[View], Iterator[Violation]]

INVARIANTS: tuple[Invariant, ...] = (
    delivery.every_inbox_is_read,
    delivery.all_arrive,
    delivery.none_elsewhere,
    delivery.once_or_never,
    delivery.every_retry_settles,
    delivery.realms_are_apart,
    order.readings_follow_the_inbox,
    order.acknowledged_first_stands_first,
    order.no_stream_is_reset,
    order.events_are_named_after_their_message,
    readers.polls_are_disjoint,
    readers.pollers_get_all,
    readers.streams_get_all,
    consent.only_under_a_grant,
    service.failures_are_503,
    service.it_goes_on,
)


def violations(history: History) -> list[Violation]:
    """Return every violation of every invariant, with its evidence."""
    view = View(history)
    return [violation for invariant in INVARIANTS for violation in invariant(view)]
