"""The console shows one realm: each page looks into it alone, and takes no name of another's."""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.urls import URLPattern, reverse

from accounts.models import User
from hub.console.urls import urlpatterns
from hub.messages.models import Message
from realms.audit.actor import Actor
from realms.ids import uuid_of
from realms.members.invitations import invite
from realms.members.models import Invitation, Membership, Role
from realms.members.rules import member_of
from realms.models import ApiKey, Realm
from realms.refusal import Refusal
from tests.cases import cases
from tests.cast import new_owner
from tests.client import Client
from tests.console.people import words_of
from tests.isolation.names import Named
from tests.isolation.snapshot import snapshot
from tests.isolation.tenants import Tenant
from tests.isolation.tripwire import Tripwire
from tests.isolation.worlds import World

# What a person may belong to is asked before the realm is looked into.
OF_THE_PERSON = re.compile(r'FROM "realms_realm" WHERE .* OR "realms_realm"."id" IN \(SELECT')

# What stands in a path, and whose.
NAMES: dict[str, Callable[[Tenant], object]] = {
    "session_id": lambda tenant: tenant.theirs(Named.ME),
    "message_id": lambda tenant: tenant.theirs(Named.SENT),
    "grant_id": lambda tenant: tenant.theirs(Named.ASKED_OF_ME),
    "key": lambda tenant: tenant.theirs(Named.KEY),
    "name": lambda tenant: tenant.theirs(Named.NAMESPACE),
    "key_id": lambda tenant: ApiKey.objects.filter(realm=tenant.realm).order_by("pk")[0].pk,
    "user_id": lambda tenant: Membership.objects.get(realm=tenant.realm).user_id,
    "invitation_id": lambda tenant: Invitation.objects.get(realm=tenant.realm).pk,
}
# What a form has to say to be looked at whole.
FORMS: dict[str, Callable[[Tenant], dict[str, str]]] = {
    "realm-namespace-hand-over": lambda tenant: {"to": str(tenant.theirs(Named.PEER))},
}
# What exists nowhere, in the form of each.
NOWHERE: dict[str, object] = {
    "session_id": "sess_" + "0" * 26,
    "message_id": "msg_" + "0" * 25 + "1",
    "grant_id": "grant_" + "0" * 26,
    "key": "nothing.here",
    "name": "nothing",
    "key_id": "key_" + "0" * 26,
    "user_id": 0,
    "invitation_id": "inv_" + "0" * 26,
}

# What else a page may be asked with, for what it names.
QUERIES: dict[str, Callable[[Tenant], dict[str, str]]] = {
    "realm-audit-export": lambda tenant: {"format": "jsonl"},
    "realm-grants": lambda tenant: {"session": str(tenant.theirs(Named.ME)), "status": "history"},
    "realm-memory": lambda tenant: {"prefix": str(tenant.theirs(Named.KEY))},
    "realm-messages": lambda tenant: {
        "sender": str(tenant.theirs(Named.NAME)),
        "recipient": str(tenant.theirs(Named.ME)),
    },
}

routes = [route for route in urlpatterns if "<str:realm_id>" in str(route.pattern)]
every_route = cases("route", routes, ids=lambda route: route.name)
naming = cases(
    "route", [route for route in routes if str(route.pattern).count("<") > 1], ids=lambda route: route.name
)


@pytest.fixture
def peopled(world: World) -> World:
    """The world, with a member, an invitation and a reply in each realm."""
    for tenant in (world.alice, world.mallory):
        member = new_owner(f"{tenant.word}-member")
        Membership.objects.create(realm=tenant.realm, user=member, role=Role.VIEWER)
        by = Actor.person(tenant.realm.owner)
        answered = uuid_of(str(tenant.theirs(Named.RECEIVED)))
        Message.objects.filter(pk=str(tenant.theirs(Named.SENT))).update(reply_to=answered)
        invite(realm=tenant.realm, email=f"{tenant.word}-guest@example.com", role=Role.VIEWER, by=by)
    return world


def browser_of(user: User) -> Client:
    """Return a browser in which somebody is signed in."""
    browser = Client()
    browser.force_login(user)
    return browser


def named_in(route: URLPattern) -> list[str]:
    """Return what a route names besides the realm."""
    return re.findall(r"<\w+:(\w+)>", str(route.pattern))[1:]


def path_to(route: URLPattern, realm: Realm, names: dict[str, Any]) -> str:
    """Return a path of a route in a realm."""
    return reverse(str(route.name), args=[realm.pk, *(names[name] for name in named_in(route))])


def of(tenant: Tenant, route: URLPattern) -> dict[str, Any]:
    """Return what a tenant has of each kind that a route names."""
    return {name: NAMES[name](tenant) for name in named_in(route)}


@contextlib.contextmanager
def realm_alone(tenant: Tenant) -> Iterator[None]:
    """See that each statement looks into the tenant's realm."""
    tripwire = Tripwire(realm_id=tenant.realm.pk)
    with connection.execute_wrapper(tripwire):
        yield
    faults = [fault for fault in tripwire.faults if not OF_THE_PERSON.search(fault)]
    assert not faults, "\n".join(faults)


@every_route
def test_a_page_looks_into_its_realm_alone(peopled: World, route: URLPattern) -> None:
    browser = browser_of(peopled.alice.realm.owner)
    path = path_to(route, peopled.alice.realm, of(peopled.alice, route))
    queries: list[dict[str, str]] = [{}]
    if route.name in QUERIES:
        queries.append(QUERIES[route.name](peopled.alice))

    for query in queries:
        with realm_alone(peopled.alice):
            answer: Any = browser.get(path, query)
            page = answer.getvalue().decode()

        assert answer.status_code in (200, 405)
        assert not [name for name in peopled.mallory.ids if name in page]


@pytest.fixture
def viewer(peopled: World) -> User:
    """A viewer of Alice's realm who is an admin of Mallory's."""
    viewer = peopled.alice.realm.memberships.get().user
    Membership.objects.create(realm=peopled.mallory.realm, user=viewer, role=Role.ADMIN)
    return viewer


def test_who_one_is_in_another_realm_does_not_count(peopled: World, viewer: User) -> None:
    realm = peopled.alice.realm

    with realm_alone(peopled.alice):
        assert member_of(user=viewer, realm_id=realm.pk).role == Role.VIEWER
        with pytest.raises(Refusal, match="role_missing"):
            invite(realm=realm, email="x@example.com", role=Role.VIEWER, by=Actor.person(viewer))


def test_an_admin_of_another_realm_is_nobody(peopled: World) -> None:
    stranger = Membership.objects.get(realm=peopled.mallory.realm).user
    Membership.objects.update(role=Role.ADMIN)

    with pytest.raises(Refusal, match="not_found"):
        member_of(user=stranger, realm_id=peopled.alice.realm.pk)
    with pytest.raises(Refusal, match="not_found"):
        invite(realm=peopled.alice.realm, email="x@example.com", role=Role.VIEWER, by=Actor.person(stranger))


@every_route
def test_a_form_looks_into_its_realm_alone(peopled: World, route: URLPattern) -> None:
    browser = browser_of(peopled.alice.realm.owner)
    path = path_to(route, peopled.alice.realm, of(peopled.alice, route))

    with realm_alone(peopled.alice):
        said = FORMS[route.name](peopled.alice) if route.name in FORMS else {}
        answer = browser.post(path, said)

    assert answer.status_code < 500


@cases(
    ("name", "field", "kind"),
    [
        ("realm-grants", "session", "session_id"),
        ("realm-memory", "prefix", "key"),
        ("realm-messages", "sender", "session_id"),
        ("realm-messages", "recipient", "session_id"),
    ],
)
def test_another_realms_name_in_a_query_is_as_one_that_is_nowhere(
    peopled: World, name: str, field: str, kind: str
) -> None:
    browser = browser_of(peopled.alice.realm.owner)
    path = reverse(name, args=[peopled.alice.realm.pk])
    foreign, nowhere = QUERIES[name](peopled.mallory)[field], str(NOWHERE[kind])

    there, not_there = browser.get(path, {field: foreign}), browser.get(path, {field: nowhere})

    assert there.status_code == not_there.status_code
    assert words_of(there).replace(foreign, "") == words_of(not_there).replace(nowhere, "")


def test_home_looks_into_ones_own_realms_alone(peopled: World) -> None:
    ApiKey.objects.filter(realm=peopled.alice.realm).delete()

    answer = browser_of(peopled.alice.realm.owner).get("/")

    assert answer["Location"] == reverse("realm-start", args=[peopled.alice.realm.pk])


@every_route
def test_a_stranger_changes_nothing_and_sees_nothing(peopled: World, route: URLPattern) -> None:
    browser = browser_of(peopled.mallory.realm.owner)
    path = path_to(route, peopled.alice.realm, of(peopled.alice, route))
    before = snapshot()

    answers = [browser.get(path), browser.post(path, {"name": peopled.alice.realm.slug})]

    assert {answer.status_code for answer in answers} <= {404, 405}
    assert snapshot() == before
    for answer in answers:
        assert not peopled.alice.telltale.search(answer.content)


@naming
def test_another_realms_name_is_as_one_that_is_nowhere(peopled: World, route: URLPattern) -> None:
    browser = browser_of(peopled.alice.realm.owner)
    foreign = path_to(route, peopled.alice.realm, of(peopled.mallory, route))
    nowhere = path_to(route, peopled.alice.realm, NOWHERE)
    before = snapshot()

    for send in (browser.get, browser.post):
        there, not_there = send(foreign), send(nowhere)
        assert there.status_code == not_there.status_code
        assert there.status_code in (404, 405)
        assert words_of(there) == words_of(not_there)
    assert snapshot() == before
