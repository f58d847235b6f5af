"""The checker: a history that keeps a promise passes, and the same one that breaks it fails by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.checker import INVARIANTS, Invariant, violations
from tests.faults.history import Death, History, StreamEvent, StreamOpened
from tests.faults.tale import Tale, message
from tests.faults.view import View

pytestmark = pytest.mark.tools

ONE, TWO, THREE = message(1), message(2), message(3)
PROBLEM = {"code": "unavailable"}


def three_to_both() -> Tale:
    """Sam sends three messages to paula, who polls, and stella, who streams; all is well."""
    tale = Tale()
    for number in (1, 2, 3):
        tale.send(number, ["paula", "stella"], float(number))
    tale.stands("paula", ONE, TWO, THREE)
    tale.stands("stella", ONE, TWO, THREE)
    tale.poll("paula", [ONE, TWO])
    tale.poll("paula", [THREE], client="another")
    tale.stream("stella", [ONE, TWO])
    tale.stream("stella", [THREE], after=TWO["id"])
    return tale


def test_what_went_well_violates_nothing() -> None:
    assert three_to_both().end() == set()


def test_a_written_history_is_checked_again(tmp_path: Path) -> None:
    tale = Tale(tmp_path / "history.jsonl")
    tale.send(1, ["bob"], 1.0)
    assert tale.end() == {"lost"}
    tale.history.close()

    again = History.read(tmp_path / "history.jsonl")

    assert again.records == tale.history.records
    assert {violation.name for violation in violations(again)} == {"lost"}


# Each adds to a history in which all is well what must not be.
def acknowledged_but_nowhere(tale: Tale) -> None:
    tale.send(4, ["bob"], 4.0)


def acknowledged_but_only_at_one(tale: Tale) -> None:
    tale.send(4, ["bob", "mallory"], 4.0)
    tale.stands("bob", message(4))


def maybe_only_at_one(tale: Tale) -> None:
    tale.send(4, ["bob", "sam"], 4.0, status=0)
    tale.stands("bob", message(4))


def at_somebody_else(tale: Tale) -> None:
    tale.stands("bob", ONE)


def shown_to_somebody_else(tale: Tale) -> None:
    tale.stands("bob", message(4))
    tale.send(4, ["bob"], 4.0)
    tale.recover("sam", [message(4)])


def with_another_payload(tale: Tale) -> None:
    changed = {**ONE, "payload": {**ONE["payload"], "number": 9}}
    tale.recover("paula", [changed])


def from_nobody(tale: Tale) -> None:
    tale.stands("bob", message(77))


def under_another_id(tale: Tale) -> None:
    tale.send(4, ["bob"], 4.0)
    tale.stands("bob", {**message(4), "id": message(5)["id"]})


def twice(tale: Tale) -> None:
    tale.send(4, ["bob"], 4.0, status=0)
    tale.stands("bob", message(4), {**message(4), "id": message(5)["id"]})


def twice_under_a_key(tale: Tale) -> None:
    for began in (4.0, 5.0):
        tale.send(4, ["bob"], began, key=True)
    tale.stands("bob", message(4), {**message(4), "id": message(5)["id"]})


def two_ids_under_a_key(tale: Tale) -> None:
    tale.send(4, ["bob"], 4.0, key=True)
    tale.send(4, ["bob"], 5.0, key=True, answer={"message_id": message(5)["id"]})
    tale.stands("bob", message(4))


def refused_but_done(tale: Tale) -> None:
    tale.send(4, ["bob"], 4.0, status=404, answer={"code": "session_not_found"})
    tale.stands("bob", message(4))


def never_settled(tale: Tale) -> None:
    tale.send(4, ["bob"], 4.0, key=True, status=0)
    tale.send(4, ["bob"], 5.0, key=True, status=409, answer={"code": "idempotency_in_progress"})


def backwards_on_a_stream(tale: Tale) -> None:
    tale.stream("stella", [ONE, THREE, TWO])


def again_on_the_same_connection(tale: Tale) -> None:
    tale.stream("stella", [ONE, TWO, TWO, THREE])


def backwards_in_a_poll(tale: Tale) -> None:
    tale.recover("paula", [ONE, THREE, TWO])


def a_gap_on_a_stream(tale: Tale) -> None:
    tale.stream("stella", [ONE, THREE])


def a_gap_after_the_last_id(tale: Tale) -> None:
    tale.stream("stella", [THREE], after=ONE["id"])


def more_than_the_inbox_holds(tale: Tale) -> None:
    tale.send(4, ["stella"], 4.0, status=0)
    tale.stream("stella", [message(4)], after=THREE["id"])


def a_reset(tale: Tale) -> None:
    tale.stream("stella", [ONE], kind="reset")


def under_the_id_of_another(tale: Tale) -> None:
    tale.history.note(StreamOpened(99, "streamer", "stella", THREE["id"], 1.0))
    tale.history.note(StreamEvent(99, "message", ONE["id"], TWO, 2.0))


def the_later_stands_first(tale: Tale) -> None:
    tale.send(4, ["bob"], 4.0)
    tale.send(5, ["bob"], 5.0)
    tale.stands("bob", message(5), message(4))


def polled_by_two(tale: Tale) -> None:
    tale.poll("paula", [TWO, THREE], client="third")


def marked_and_never_shown(tale: Tale) -> None:
    tale.send(4, ["paula"], 4.0)
    tale.stands("paula", message(4))


def lost_with_an_answer(tale: Tale) -> None:
    marked_and_never_shown(tale)
    tale.poll("paula", [], status=0)


def recovered_but_no_poll_failed(tale: Tale) -> None:
    marked_and_never_shown(tale)
    tale.recover("paula", [message(4)], after=THREE["id"])


def not_streamed(tale: Tale) -> None:
    tale.send(4, ["stella"], 4.0)
    tale.stands("stella", message(4))


def delegated(tale: Tale, began: float, **how: Any) -> None:
    """Sam delegates to bob, and that arrives."""
    tale.send(4, ["bob"], began, category="delegate", **how)
    tale.stands("bob", message(4, category="delegate"))


def used_without_a_grant(tale: Tale) -> None:
    delegated(tale, 4.0)


def used_before_the_approval(tale: Tale) -> None:
    tale.grant(approved=5.0, revoked=None)
    delegated(tale, 4.0)


def used_after_the_revocation(tale: Tale) -> None:
    tale.grant(approved=1.0, revoked=3.0)
    delegated(tale, 4.0)


def done_after_the_revocation_unanswered(tale: Tale) -> None:
    tale.grant(approved=1.0, revoked=3.0)
    delegated(tale, 4.0, status=0)


def used_after_the_expiry(tale: Tale) -> None:
    tale.grant(approved=1.0, revoked=None, expires=3.9)
    delegated(tale, 4.0)


def read_without_a_grant(tale: Tale) -> None:
    tale.call("sam", "read_memory", 4.0, 4.1, {"entries": []}, arguments={"owner": "bob"})


def a_500(tale: Tale) -> None:
    tale.send(4, ["bob"], 4.0, status=500, answer="Server Error", content_type="text/plain")


def a_503_in_another_shape(tale: Tale) -> None:
    how: dict[str, Any] = {"status": 503, "retry_after": "1", "content_type": "text/html"}
    tale.send(4, ["bob"], 4.0, answer=PROBLEM, **how)


def a_503_without_retry_after(tale: Tale) -> None:
    tale.send(4, ["bob"], 4.0, status=503, answer=PROBLEM, content_type="application/problem+json")


def a_process_that_ended(tale: Tale) -> None:
    tale.history.note(Death("server-1", 1, 4.0))


def nothing_after_the_fault(tale: Tale) -> None:
    tale.fault(2.0, 4.0)


def in_another_realm(tale: Tale) -> None:
    tale.call("mallory", "read_memory", 4.0, 4.1, {"value": "tok:north:notes:0"}, status=404)


BROKEN: list[tuple[Callable[[Tale], None], str]] = [
    (acknowledged_but_nowhere, "lost"),
    (acknowledged_but_only_at_one, "not_all_or_none"),
    (maybe_only_at_one, "not_all_or_none"),
    (at_somebody_else, "misdelivered"),
    (shown_to_somebody_else, "misdelivered"),
    (with_another_payload, "altered"),
    (from_nobody, "unsent"),
    (under_another_id, "other_id"),
    (twice, "duplicate"),
    (twice_under_a_key, "duplicate"),
    (two_ids_under_a_key, "several_ids"),
    (refused_but_done, "refused_but_done"),
    (never_settled, "unsettled"),
    (backwards_on_a_stream, "out_of_order"),
    (again_on_the_same_connection, "out_of_order"),
    (backwards_in_a_poll, "out_of_order"),
    (a_gap_on_a_stream, "gap"),
    (a_gap_after_the_last_id, "gap"),
    (more_than_the_inbox_holds, "not_in_inbox"),
    (a_reset, "reset"),
    (under_the_id_of_another, "other_event_id"),
    (the_later_stands_first, "overtaken"),
    (polled_by_two, "polled_twice"),
    (marked_and_never_shown, "not_recovered"),
    (lost_with_an_answer, "not_recovered"),
    (recovered_but_no_poll_failed, "marked_unseen"),
    (not_streamed, "stream_incomplete"),
    (used_without_a_grant, "without_consent"),
    (used_before_the_approval, "without_consent"),
    (used_after_the_revocation, "without_consent"),
    (done_after_the_revocation_unanswered, "without_consent"),
    (used_after_the_expiry, "without_consent"),
    (read_without_a_grant, "without_consent"),
    (a_500, "server_error"),
    (a_503_in_another_shape, "bad_503"),
    (a_503_without_retry_after, "bad_503"),
    (a_process_that_ended, "died"),
    (nothing_after_the_fault, "no_recovery"),
    (in_another_realm, "other_realm"),
]


@pytest.mark.parametrize(("what", "name"), BROKEN)
def test_what_must_not_be_is_found(what: Callable[[Tale], None], name: str) -> None:
    tale = three_to_both()
    what(tale)

    assert name in tale.end()


def test_an_inbox_that_was_not_read_is_found() -> None:
    assert "unread_inbox" in {violation.name for violation in violations(three_to_both().history)}


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.__name__)
def test_every_invariant_can_fail(invariant: Invariant) -> None:
    tales = [three_to_both() for _ in BROKEN]
    for tale, (what, _) in zip(tales, BROKEN, strict=True):
        what(tale)
        tale.end()

    histories = [three_to_both().history, *(tale.history for tale in tales)]
    assert any(list(invariant(View(history))) for history in histories)
