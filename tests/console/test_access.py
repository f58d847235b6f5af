"""Who may open what: every route of the console, for everybody."""

import re
from collections.abc import Iterator

from django.urls import URLPattern

from accounts.models import User
from hub.console.urls import urlpatterns
from realms.ids import new_id
from realms.members.models import Membership, Role
from realms.models import Realm
from tests.cases import cases
from tests.cast import new_owner
from tests.client import Client
from tests.console.people import Person, signed_in, words_of

# Pages that belong to no realm.
OF_NO_REALM = {"home", "new-realm", "invitation"}


def routes() -> Iterator[URLPattern]:
    """Yield the routes of pages of a realm."""
    yield from (each for each in urlpatterns if each.name not in OF_NO_REALM)


def path_to(route: URLPattern, realm_id: str) -> str:
    """Return a path of a route; what it names besides the realm is nothing that exists."""
    text = str(route.pattern).replace("<str:realm_id>", realm_id)
    return "/" + re.sub(r"<\w+:\w+>", "nothing", text)


every_route = cases("route", list(routes()), ids=lambda route: route.name)


@every_route
def test_a_route_says_which_role_opens_it(route: URLPattern) -> None:
    assert str(route.pattern).startswith("realms/<str:realm_id>")
    assert isinstance(route.callback.role, Role)  # type: ignore[attr-defined]


@every_route
@cases("method", ["get", "post"])
def test_a_stranger_finds_nothing(route: URLPattern, method: str, owner: Person, stranger: Person) -> None:
    there = getattr(stranger.browser, method)(path_to(route, owner.realm.pk))
    nowhere = getattr(stranger.browser, method)(path_to(route, new_id("realm")))

    assert there.status_code == nowhere.status_code
    assert there.status_code in (404, 405)
    assert words_of(there) == words_of(nowhere)


@every_route
def test_an_operator_is_a_stranger_too(route: URLPattern, owner: Person, stranger: Person) -> None:
    User.objects.filter(pk=stranger.user.pk).update(is_staff=True, is_superuser=True)

    for method in (stranger.browser.get, stranger.browser.post):
        assert method(path_to(route, owner.realm.pk)).status_code in (404, 405)


@every_route
def test_who_is_not_signed_in_is_led_there(route: URLPattern, owner: Person) -> None:
    for method in ("get", "post"):
        answer = getattr(Client(), method)(path_to(route, owner.realm.pk))

        assert answer.status_code in (302, 405)
        if answer.status_code == 302:
            assert answer["Location"].startswith("/accounts/login/?next=/realms/")


@every_route
def test_a_role_that_does_not_cover_it_is_refused(route: URLPattern, admin: Person, viewer: Person) -> None:
    needed: Role = route.callback.role  # type: ignore[attr-defined]
    for person, role in ((admin, Role.ADMIN), (viewer, Role.VIEWER)):
        statuses = set()
        for method in ("get", "post"):
            answer = getattr(person.browser, method)(path_to(route, person.realm.pk))
            assert b"".join(answer) or answer.status_code in (302, 405)  # a file is made until it is read
            statuses.add(answer.status_code)
        assert (403 in statuses) is not role.covers(needed), role


@every_route
def test_what_is_no_id_is_nothing(route: URLPattern, owner: Person) -> None:
    for realm_id in ("realm_", "x", "realm_" + "Z" * 26, "sess_" + "0" * 26, "%00"):
        assert owner.browser.get(path_to(route, realm_id)).status_code in (400, 404, 405), realm_id


def test_nothing_is_changed_in_a_suspended_realm(owner: Person) -> None:
    said = {"name": "k", "scopes": ["read"], "lifetime": ""}
    assert owner.post("realm-key-issue", said=said).status_code == 200
    Realm.objects.update(status=Realm.Status.SUSPENDED)

    answer = owner.post("realm-key-issue", said=said)

    assert answer.status_code == 403
    assert "suspended" in answer.content.decode()
    assert owner.realm.api_keys.count() == 1
    assert owner.get("realm-keys").status_code == 200, "it can be looked at"


def test_a_deleted_realm_is_nowhere(owner: Person) -> None:
    Realm.objects.update(status=Realm.Status.DELETED)

    assert owner.get("realm-keys").status_code == 404
    assert owner.browser.get("/").status_code == 200


def test_who_left_finds_nothing(viewer: Person) -> None:
    assert viewer.get("realm-keys").status_code == 200
    Membership.objects.all().delete()

    assert viewer.get("realm-keys").status_code == 404


def test_an_id_in_small_letters_is_the_same(owner: Person) -> None:
    assert (
        owner.browser.get(
            owner.path("realm-keys").replace(owner.realm.pk, owner.realm.pk.lower())
        ).status_code
        == 200
    )


def test_a_page_stays_in_no_cache(owner: Person) -> None:
    assert "no-store" in owner.get("realm-keys")["Cache-Control"]


def test_a_form_from_elsewhere_is_refused(owner: Person) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner.user)

    assert browser.post(owner.path("realm-start")).status_code == 403
    assert owner.realm.api_keys.count() == 0
    assert signed_in(new_owner("another"), owner.realm).get("realm-start").status_code == 404
