"""Work is done batch by batch, until nothing is left or the time is up."""

from collections.abc import Iterator

from hub.batches import work_off


def test_it_repeats_until_nothing_is_left_and_counts_all() -> None:
    counts: Iterator[int] = iter([3, 2, 0, 7])

    assert work_off(lambda: next(counts)) == 5
    assert next(counts) == 7


def test_what_is_left_when_time_is_up_is_for_the_next_time() -> None:
    counts: Iterator[int] = iter([3, 2])

    assert work_off(lambda: next(counts), seconds=0) == 3
    assert next(counts) == 2
