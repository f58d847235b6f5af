"""What faults may do to a history: the checker does not take it for a violation."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.tale import Tale, message
from tests.faults.test_checker import PROBLEM, THREE, TWO, delegated, lost_with_an_answer, three_to_both

pytestmark = pytest.mark.tools


def maybe_absent(tale: Tale) -> None:
    tale.send(4, ["bob", "sam"], 4.0, status=0)


def maybe_present(tale: Tale) -> None:
    tale.send(4, ["bob", "sam"], 4.0, status=0)
    tale.stands("bob", message(4))
    tale.stands("sam", message(4))


def retried_under_a_key(tale: Tale) -> None:
    tale.send(4, ["bob"], 4.0, key=True, status=0)
    tale.send(4, ["bob"], 5.0, key=True, status=409, answer={"code": "idempotency_in_progress"})
    tale.send(4, ["bob"], 6.0, key=True)
    tale.send(4, ["bob"], 7.0, key=True)
    tale.stands("bob", message(4))


def refused(tale: Tale) -> None:
    tale.send(4, ["bob"], 4.0, status=404, answer={"code": "session_not_found"})


def overlapping_in_either_order(tale: Tale) -> None:
    tale.send(4, ["bob"], 4.0, seconds=1.5)
    tale.send(5, ["bob"], 5.0)
    tale.stands("bob", message(5), message(4))


def retried_and_so_long_on_its_way(tale: Tale) -> None:
    tale.send(5, ["bob"], 5.0)
    tale.send(4, ["bob"], 4.0, key=True, status=0)
    tale.send(4, ["bob"], 9.0, key=True)
    tale.stands("bob", message(4), message(5))


def streamed_again_after_a_cut(tale: Tale) -> None:
    tale.stream("stella", [TWO, THREE], after=message(1)["id"])


def recovered(tale: Tale) -> None:
    lost_with_an_answer(tale)
    tale.recover("paula", [message(4)], after=THREE["id"])


def used_under_a_grant(tale: Tale) -> None:
    tale.grant(approved=1.0, revoked=5.0, expires=6.0)
    delegated(tale, 4.0)


def used_while_it_was_revoked(tale: Tale) -> None:
    tale.grant(approved=1.0, revoked=3.95)
    delegated(tale, 4.0)


def used_while_it_was_approved(tale: Tale) -> None:
    tale.grant(approved=4.05, revoked=None)
    delegated(tale, 4.0)


def tried_after_the_revocation(tale: Tale) -> None:
    tale.grant(approved=1.0, revoked=3.0)
    tale.send(4, ["bob"], 4.0, category="delegate", status=403, answer={"code": "grant_required"})


def a_503_as_it_should_be(tale: Tale) -> None:
    how: dict[str, Any] = {"status": 503, "retry_after": "1", "content_type": "application/problem+json"}
    tale.send(4, ["bob"], 4.0, answer=PROBLEM, **how)


def a_send_after_the_fault(tale: Tale) -> None:
    tale.fault(1.5, 2.5)


@pytest.mark.parametrize(
    "what",
    [
        maybe_absent,
        maybe_present,
        retried_under_a_key,
        refused,
        overlapping_in_either_order,
        retried_and_so_long_on_its_way,
        streamed_again_after_a_cut,
        recovered,
        used_under_a_grant,
        used_while_it_was_revoked,
        used_while_it_was_approved,
        tried_after_the_revocation,
        a_503_as_it_should_be,
        a_send_after_the_fault,
    ],
)
def test_it_violates_nothing(what: Callable[[Tale], None]) -> None:
    tale = three_to_both()
    what(tale)

    assert tale.end() == set()
