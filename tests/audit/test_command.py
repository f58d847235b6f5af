"""`manage.py audit`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from realms.audit import rules
from realms.audit.rules import Head
from realms.models import Realm
from tests.audit import tampering
from tests.audit.log import noted_head
from tests.cases import cases
from tests.cast import new_key, new_realm

OF_ALICE = ("--realm", "default", "--owner", "alice@example.com")


class Ran:
    """A command that ran: exit code, standard output, and standard error with the last word on it."""

    def __init__(self, *arguments: str) -> None:
        out, err = StringIO(), StringIO()
        self.code = 0
        try:
            call_command("audit", *arguments, stdout=out, stderr=err, no_color=True)
        except CommandError as error:
            self.code = error.returncode
            err.write(str(error))
        self.out, self.err = out.getvalue(), err.getvalue()


@pytest.fixture
def realms(realm: Realm) -> tuple[Realm, Realm]:
    """Alice's realm with three events, and Mallory's with one."""
    for _ in range(2):
        new_key(realm)
    return realm, new_realm("mallory")


def test_a_whole_log_is_verified_realm_by_realm(realms: tuple[Realm, Realm]) -> None:
    ran = Ran("verify")

    lines = [
        f"{realm.pk} default: {count} events, head {noted_head(realm)}"
        for realm, count in zip(realms, (3, 1), strict=True)
    ]
    assert (ran.code, ran.out.splitlines(), ran.err) == (0, lines, "")


def test_one_realm_can_be_verified_alone(realms: tuple[Realm, Realm]) -> None:
    alices, mallorys = realms
    tampering.edit(mallorys, 1, target="x")

    ran = Ran("verify", *OF_ALICE)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [f"{alices.pk} default: 3 events, head {noted_head(alices)}"]
    assert Ran("verify").code == 1


def test_faults_are_named_on_standard_error(realms: tuple[Realm, Realm]) -> None:
    alices, mallorys = realms
    tampering.edit(alices, 2, target="x")

    ran = Ran("verify")

    assert ran.code == 1
    assert f"{alices.pk} default: event 3 does not follow" in ran.err
    assert "does not verify" in ran.err
    assert mallorys.pk not in ran.err
    assert mallorys.pk in ran.out, "the other realms are verified all the same"


def test_the_head_is_printed_alone(realms: tuple[Realm, Realm]) -> None:
    ran = Ran("head", *OF_ALICE)

    assert (ran.code, ran.out, ran.err) == (0, f"{noted_head(realms[0])}\n", "")
    assert Head.parse(ran.out) == rules.head_of(realms[0].pk)


def test_a_noted_head_is_looked_for(realms: tuple[Realm, Realm]) -> None:
    alices, _ = realms
    noted = Ran("head", *OF_ALICE).out
    new_key(alices)
    assert Ran("verify", *OF_ALICE, "--head", noted).code == 0

    tampering.rewrite(alices, 2, target="x")

    assert Ran("verify", *OF_ALICE).code == 0
    ran = Ran("verify", *OF_ALICE, "--head", noted)
    assert ran.code == 1
    assert f"does not lead through the noted head {noted.strip()}" in ran.err


@cases("head", ["", " ", "3", "3:", ":", "x:" + "0" * 64, "3:" + "0" * 62, "3:" + "x" * 64, "3:" + " 0" * 64])
def test_what_is_no_head_is_refused(realms: tuple[Realm, Realm], head: str) -> None:
    ran = Ran("verify", *OF_ALICE, "--head", head)

    assert ran.code == 1
    assert "is not a head such as 12:9f86d0…" in ran.err
    assert ran.out == "", "nothing is said to be whole"


@cases(
    "arguments",
    [
        ("--realm", "default"),
        ("--owner", "alice@example.com"),
        ("--head", f"0:{'0' * 64}"),
        ("--realm", "", "--owner", ""),
        ("--realm", "other", "--owner", "alice@example.com"),
        ("--realm", "default", "--owner", "bob@example.com"),
    ],
)
def test_a_realm_is_named_whole_or_not_at_all(
    realms: tuple[Realm, Realm], arguments: tuple[str, ...]
) -> None:
    ran = Ran("verify", *arguments)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err
    assert Ran("verify", *OF_ALICE).code == 0


@cases("arguments", [(), ("head",), ("head", "--realm", "default"), ("prove",)])
def test_what_is_missing_is_a_command_error(db: None, arguments: tuple[str, ...]) -> None:
    assert Ran(*arguments).code == 1
