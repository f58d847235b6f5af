"""The comparison of shown and printed output notices what a reader would."""

import pytest

from tests.docs.shapes import same_shape, same_text, values_in

SESSION = "sess_01HX9J2N3PQRSTVWXYZ0123456"


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ({"id": "sess_01KAV6…", "total": 1}, {"id": SESSION, "total": 23}),
        ({"at": "2026-04-06T09:00:00.123456Z"}, {"at": "2027-01-01T10:11:12.000001Z"}),
        ({"detail": "Ask …."}, {"detail": "Ask the owner."}),
        ({"any": "…"}, {"any": [1, 2]}),
    ],
)
def test_what_differs_from_run_to_run_may(shown: object, said: object) -> None:
    assert same_shape(shown, said)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ({"id": SESSION}, {"id": SESSION, "more": 1}),
        ({"id": "msg_01KAV6…"}, {"id": SESSION}),
        ({"total": 1}, {"total": "1"}),
        ({"done": True}, {"done": False}),
        ({"done": True}, {"done": 1}),
        ({"list": [1]}, {"list": [1, 2]}),
        ({"status": "queued"}, {"status": "delivered"}),
        ({"none": None}, {"none": 0}),
    ],
)
def test_what_says_something_else_may_not(shown: object, said: object) -> None:
    assert not same_shape(shown, said)


def test_texts_are_compared_line_by_line() -> None:
    assert same_text("retry: 3120\nevent: message", "retry: 1044\nevent: message\n")
    assert not same_text("event: message", "event: close")
    assert not same_text("one", "one\ntwo")


def test_values_may_stand_one_after_another() -> None:
    assert values_in('{"a": 1}\n\n[2]\n3 ') == [{"a": 1}, [2], 3]
