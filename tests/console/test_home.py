"""Where one arrives, and making a realm."""

from typing import Any

from pytest_django import Settings

from realms.members.models import Membership, Role
from realms.models import AuditEvent, Realm
from tests.cases import cases
from tests.cast import new_key, new_owner, new_realm
from tests.client import Client
from tests.console.people import Person, signed_in


def test_strangers_are_led_to_the_documentation(db: None) -> None:
    assert Client().get("/")["Location"] == "/docs"


def test_the_only_realm_is_opened_at_its_first_steps_while_it_has_no_key(owner: Person) -> None:
    assert owner.browser.get("/")["Location"] == owner.path("realm-start")

    new_key(owner.realm)

    assert owner.browser.get("/")["Location"] == owner.path("realm")


def test_several_realms_are_listed_with_owner_and_role(owner: Person) -> None:
    shared = new_realm("bob", "shared")
    Membership.objects.create(realm=shared, user=owner.user, role=Role.VIEWER)
    new_realm("carol", "unseen")

    page = owner.browser.get("/").content.decode()

    assert "shared" in page
    assert "bob@example.com" in page
    assert "viewer" in page
    assert "unseen" not in page


def test_who_has_no_realm_is_told_what_to_do(db: None) -> None:
    browser = Client()
    browser.force_login(new_owner("new"))

    assert "/realms/new" in browser.get("/").content.decode()


def test_a_person_makes_a_realm(owner: Person) -> None:
    answer = owner.browser.post("/realms/new", {"slug": "research"})

    made = Realm.objects.get(slug="research")
    assert answer["Location"] == f"/realms/{made.pk}/start"
    assert made.owner == owner.user
    event = AuditEvent.objects.in_realm(made.pk).get()
    assert (event.action, event.actor) == ("realm.created", "alice@example.com")


@cases("slug", ["", "No", "-x", "a b", "x" * 64, "\0", "default", "ä"])
def test_a_name_that_cannot_be_is_said(slug: str, owner: Person) -> None:
    answer = owner.browser.post("/realms/new", {"slug": slug})

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert Realm.objects.count() == 1


def test_the_form_says_that_a_person_has_enough_realms(owner: Person, settings: Settings) -> None:
    settings.HUB_MOST_REALMS = 1

    answer = owner.browser.post("/realms/new", {"slug": "research"})

    assert answer.status_code == 400
    assert "A person may own 1 realms" in answer.content.decode()
    assert not Realm.objects.filter(slug="research").exists()


def test_another_may_have_a_realm_of_the_same_name(owner: Person) -> None:
    other = signed_in(new_owner("bob"), owner.realm)

    answer: Any = other.browser.post("/realms/new", {"slug": "default"})

    assert answer.status_code == 302
    assert Realm.objects.filter(slug="default").count() == 2
