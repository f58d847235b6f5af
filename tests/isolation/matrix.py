"""The matrix: what is sent, and what has to hold for the answer."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from django.db import connection, transaction

from realms.models import Realm
from tests.isolation.callers import Caller, callers_of
from tests.isolation.calls import Call, Heard, call_of, key_of, owners_call, send, token_of
from tests.isolation.names import IDS, Name
from tests.isolation.snapshot import Snapshot, changes, changes_in, snapshot
from tests.isolation.table import TABLE, Form, Row
from tests.isolation.tenants import Tenant, nowhere
from tests.isolation.tripwire import Tripwire
from tests.isolation.worlds import World
from tests.rows import forget_credentials


@dataclass(frozen=True, slots=True)
class Cell:
    """One call, and what it has to get; it is sent a second time with what exists nowhere.

    Attributes:
        gets: a code, or 200.
        real: the call that names things of alice's realm.
        unknown: the same call with names of nothing; None where the caller may see the difference.
        realm: the only one that may be looked into.
    """

    title: str
    gets: str | int
    real: Callable[[World], Call]
    unknown: Callable[[World], Call] | None
    realm: Callable[[World], Realm | None]
    within: bool = False


def caller_cells(row: Row) -> Iterator[Cell]:
    """Yield a cell for every kind of caller: each sends the owner's good call, word for word."""
    for form in row.forms:
        for caller in callers_of(row):
            yield _caller_cell(row, form, caller)


def _caller_cell(row: Row, form: Form, caller: Caller) -> Cell:
    def real(world: World) -> Call:
        return call_of(row, form, lambda _, name: world.alice.own(name.of), caller.credential(world))

    def unknown(world: World) -> Call:
        def naming(_: str, name: Name) -> str:
            return nowhere(name.of, world.alice.own(name.of))

        return call_of(row, form, naming, caller.credential(world))

    return Cell(
        title=f"{row} {_shown(form)} by {caller}",
        gets=200 if row.public else caller.gets(row, form),
        real=real,
        unknown=None if caller.within else unknown,
        realm=(lambda world: None) if row.public else caller.realm,
        within=caller.within,
    )


def name_cells(row: Row) -> Iterator[Cell]:
    """Yield a cell for every place of a good call of mallory's that names something of alice's instead."""
    for form in row.forms:
        for place, name in row.places(form):
            for change in (str, str.lower, str.upper) if name.of in IDS else (str,):
                yield _name_cell(row, form, place, name, key_of, change)
            if not row.by_key_alone:
                yield _name_cell(row, form, place, name, token_of)


def _name_cell(
    row: Row,
    form: Form,
    place: str,
    name: Name,
    credential: Callable[[Tenant], Mapping[str, str]],
    change: Callable[[str], str] = str,
) -> Cell:
    def with_name(world: World, there: str) -> Call:
        def naming(where: str, other: Name) -> str:
            return change(there) if where == place else world.mallory.own(other.of)

        return call_of(row, form, naming, credential(world.mallory))

    def real(world: World) -> Call:
        return with_name(world, world.alice.theirs(name.of))

    def unknown(world: World) -> Call:
        return with_name(world, nowhere(name.of, world.alice.theirs(name.of)))

    return Cell(
        title=f"{row} {_shown(form)} with alice's {name.of.name} in {place}, {change.__name__}, "
        f"by {credential.__name__}",
        gets=name.refused or 200,
        real=real,
        unknown=unknown,
        realm=lambda world: world.mallory.realm,
    )


def _shown(form: Form) -> str:
    query = "&".join(form.query)
    body = ",".join(form.body) if form.body else ""
    return "".join(part for part in (query and f"?{query}", body and f"{{{body}}}", *form.headers) if part)


def cells() -> list[Cell]:
    """Return every cell of the matrix."""
    return [cell for row in TABLE for cell in (*caller_cells(row), *name_cells(row))]


def faults_of(cell: Cell, world: World, before: Snapshot) -> list[str]:
    """Send a cell's calls, each in a transaction that is rolled back, and return what does not hold."""
    changed: list[str] = []
    faults = faults_heard(cell, world, lambda call: _sent(call, cell, world, before, changed))
    return [*faults, *(f"{cell.title}: {fault}" for fault in changed)]


def faults_heard(cell: Cell, world: World, hear: Callable[[Call], Heard]) -> list[str]:
    """Send a cell's calls with `hear`, and return what does not hold of the answers."""
    faults: list[str] = []
    call = cell.real(world)
    heard = hear(call)
    if heard.code != cell.gets:
        faults.append(f"got {heard.code} and not {cell.gets}: {heard.content!r}")
    if not cell.within and (leak := world.alice.telltale.search(heard.bytes_without(call.named))):
        faults.append(f"tells {leak[0]!r}: {heard.content!r}")
    if cell.unknown is not None:
        like = cell.unknown(world)
        expected = hear(like).comparable(like.named)
        if heard.comparable(call.named) != expected:
            faults.append(f"differs from what is unknown: {heard.content!r} {expected!r}")
    return [f"{cell.title}: {fault}" for fault in faults]


def _sent(call: Call, cell: Cell, world: World, before: Snapshot, faults: list[str]) -> Heard:
    realm = cell.realm(world)
    tripwire = Tripwire(realm_id=realm.pk if realm else None)
    forget_credentials()
    with transaction.atomic():
        with connection.execute_wrapper(tripwire):
            heard = send(call)
        after = {**before, **snapshot(tripwire.written)}
        if heard.status >= 400:
            faults += [f"changed {change}" for change in changes(before, after)]
        elif not cell.within:
            faults += [f"changed {change}" for change in changes_in(world.alice, before, after)]
        transaction.set_rollback(True)
    faults += tripwire.faults
    return heard


def owners_faults(row: Row, world: World) -> list[str]:
    """Send the good calls of both owners: a refusal proves nothing unless the call was good otherwise."""
    faults = []
    for tenant in (world.alice, world.mallory):
        for form, credential in product(row.forms, [key_of] if row.by_key_alone else [key_of, token_of]):
            tripwire = Tripwire(realm_id=None if row.public else tenant.realm.pk)
            forget_credentials()
            call = owners_call(row, form, tenant, credential(tenant))
            with transaction.atomic():
                with connection.execute_wrapper(tripwire):
                    heard = send(call)
                transaction.set_rollback(True)
            if heard.code != 200:
                faults.append(f"the owner {tenant.word} got {heard.code}: {heard.content!r}")
            if tenant is world.mallory and (leak := world.alice.telltale.search(heard.content)):
                faults.append(f"{tenant.word} is told {leak[0]!r}: {heard.content!r}")
            faults += tripwire.faults
    return [f"{row}: {fault}" for fault in faults]
