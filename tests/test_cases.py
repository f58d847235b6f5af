"""`cases` tries every row, undoes what it wrote, and names those that fail."""

import pytest

from hub.sessions.models import Session
from realms.models import Realm
from tests.cases import cases
from tests.cast import Agent


def test_every_row_is_tried_and_those_that_fail_are_named() -> None:
    tried = []

    @cases(("number", "is_even"), [(1, True), (2, True), (3, True)])
    def numbers(number: int, is_even: bool) -> None:
        tried.append(number)
        assert (number % 2 == 0) is is_even

    with pytest.raises(ExceptionGroup, match=r"2 of 3 cases fail: \(1, True\), \(3, True\)") as raised:
        numbers()

    assert tried == [1, 2, 3]
    assert [failure.__notes__ for failure in raised.value.exceptions] == [
        ["case: (1, True)"],
        ["case: (3, True)"],
    ]


def test_what_should_have_been_raised_is_a_failure_too() -> None:
    @cases("error", [ValueError, KeyError])
    def errors(error: type[Exception]) -> None:
        with pytest.raises(ValueError):
            raise error

    @cases("text", ["1", "one"])
    def texts(text: str) -> None:
        with pytest.raises(ValueError):
            int(text)

    with pytest.raises(ExceptionGroup, match="1 of 2 cases fail"):
        errors()
    with pytest.raises(BaseExceptionGroup, match="1 of 2 cases fail: '1'"):
        texts()


@cases("name", ["one", "two"])
def test_a_row_finds_nothing_of_the_row_before(alice: Agent, name: str) -> None:
    assert (Session.objects.count(), Realm.objects.get().slug) == (1, "default")
    assert alice.post("sessions", {"name": name, "kind": "service"}).status == 200
    Realm.objects.update(slug="changed")
