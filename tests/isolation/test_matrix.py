"""No tenant ever sees another: every operation, every kind of caller, every place that takes a name."""

from dataclasses import replace

from django.db import transaction

from tests.cases import cases
from tests.isolation.callers import NOT_LET_IN
from tests.isolation.calls import key_of, owners_call, send
from tests.isolation.matrix import caller_cells, cells, faults_of, name_cells, owners_faults
from tests.isolation.replays import replay_faults, replays
from tests.isolation.snapshot import snapshot
from tests.isolation.table import TABLE, Row
from tests.isolation.worlds import World

LEAST_CELLS = 1600


def none_in(faults: list[str]) -> None:
    """Fail with what does not hold, or the first of it."""
    assert not faults, "\n".join(fault[:600] for fault in faults[:10])


every_row = cases("row", [row for row in TABLE if not row.live], ids=str)


@every_row
def test_the_owners_are_answered(world: World, row: Row) -> None:
    none_in(owners_faults(row, world))


@every_row
def test_every_kind_of_caller_gets_what_is_its_own(world: World, row: Row) -> None:
    before = snapshot()

    none_in([fault for cell in caller_cells(row) for fault in faults_of(cell, world, before)])


@every_row
def test_another_realms_names_are_unknown_in_every_place(world: World, row: Row) -> None:
    before = snapshot()

    none_in([fault for cell in name_cells(row) for fault in faults_of(cell, world, before)])


@cases("row", [row for row in TABLE if not row.live and not row.public], ids=str)
def test_who_is_not_known_cannot_tell_why(world: World, row: Row) -> None:
    form, unknown = row.forms[0], "invalid_credentials"
    callers = [caller for caller in NOT_LET_IN if caller.gets(row, form) == unknown]

    answers = set()
    for caller in callers:
        call = owners_call(row, form, world.alice, caller.credential(world))
        answers.add(send(call).comparable({}))

    assert len(callers) > 10
    assert len(answers) == 1


every_post = cases("row", [row for row in TABLE if row.method == "POST" and not row.live], ids=str)


@every_post
def test_a_kept_answer_is_given_to_its_caller_alone(world: World, row: Row) -> None:
    none_in([fault for replay in replays(row) for fault in replay_faults(replay, world)])


@every_post
def test_the_name_of_a_kept_answer_is_free_to_others(world: World, row: Row) -> None:
    for form in row.forms:
        with transaction.atomic():
            alices = owners_call(row, form, world.alice, key_of(world.alice))
            name = alices.headers["Idempotency-Key"]
            mallorys = owners_call(row, form, world.mallory, key_of(world.mallory))
            assert send(alices).status == 200

            own = send(replace(mallorys, headers={**mallorys.headers, "Idempotency-Key": name}))

            assert own.code == 200
            assert "idempotent-replayed" not in own.headers
            assert not world.alice.telltale.search(own.bytes_without({"name": name}))
            transaction.set_rollback(True)


def test_the_matrix_has_not_shrunk() -> None:
    assert len(cells()) >= LEAST_CELLS
