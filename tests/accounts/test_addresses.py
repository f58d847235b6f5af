"""Addresses are kept and compared in one form."""

from importlib import import_module

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection

from accounts.addresses import canonical_address
from accounts.models import User
from tests.accounts.person import Person, new_person
from tests.cases import cases

ZERO_WIDTH_SPACE, SOFT_HYPHEN, RIGHT_TO_LEFT = "\u200b", "\u00ad", "\u202e"
DOTLESS_I, KELVIN, LONG_S = "\u0131", "\u212a", "\u017f"


@cases(
    ("text", "canonical"),
    [
        (" Zoe@Example.COM ", "zoe@example.com"),
        ("zoe@B\u00dcCHER.example", "zoe@xn--bcher-kva.example"),
        ("zoe@bu\u0308cher.example", "zoe@xn--bcher-kva.example"),
        ("zoe@xn--bcher-kva.example", "zoe@xn--bcher-kva.example"),
        (f"zoe@{KELVIN}elvin.example", "zoe@kelvin.example"),
        ("owner@localhost", "owner@localhost"),
    ],
)
def test_an_address_has_one_form(text: str, canonical: str) -> None:
    assert canonical_address(text) == canonical


def test_a_domain_that_looks_the_same_is_another() -> None:
    assert canonical_address(f"zoe@mail{DOTLESS_I}ng.example") == "zoe@xn--mailng-s9a.example"


@cases(
    "text",
    [
        *(f"zoe@example.com{hidden}" for hidden in (ZERO_WIDTH_SPACE, SOFT_HYPHEN, RIGHT_TO_LEFT)),
        f"z{ZERO_WIDTH_SPACE}oe@example.com",
        f"zo{DOTLESS_I}@example.com",
        f"{LONG_S}am@example.com",
        f"{KELVIN}im@example.com",
        "zoe",
        "",
        "zoe@",
        "@example.com",
        "zoe@a..example",
        f"zoe@{'a' * 64}.example",
        "zoe@stra\u00dfe.example",
        f"zoe@{'a.' * 130}example",
    ],
    ids=ascii,
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        canonical_address(text)


def test_who_signs_up_with_a_hidden_character_is_told(db: None) -> None:
    answer = Person(f"zoe@example.com{ZERO_WIDTH_SPACE}").sign_up()

    assert "cannot be seen" in answer.content.decode()
    assert not User.objects.exists()


def test_one_signs_in_with_either_form_of_a_domain(db: None) -> None:
    zoe = new_person("zoe")
    User.objects.update(email="zoe@xn--bcher-kva.example")
    EmailAddress.objects.update(email="zoe@xn--bcher-kva.example")

    zoe.email = "Zoe@b\u00fccher.example"
    zoe.sign_in()

    assert zoe.is_signed_in()


def test_addresses_from_before_get_their_one_form(db: None) -> None:
    new_person("zoe")
    new_person("ann")
    User.objects.filter(email__startswith="zoe").update(email="zoe@B\u00fccher.example")
    migration = import_module("accounts.migrations.0004_canonical_addresses")

    migration.make_canonical(apps, connection.schema_editor())

    emails = User.objects.order_by("email").values_list("email", flat=True)
    assert list(emails) == ["ann@example.com", "zoe@xn--bcher-kva.example"]


def test_a_command_finds_the_owner_by_either_form(db: None) -> None:
    call_command("realm", "create", "acme", owner="zoe@b\u00fccher.example")
    call_command("realm", "create", "other", owner="zoe@xn--bcher-kva.example")

    assert User.objects.get().email == "zoe@xn--bcher-kva.example"
