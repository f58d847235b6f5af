"""Members in the console: invite, change a role, remove, leave, hand over."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from hub.console import members
from realms.ids import new_id
from realms.members.invitations import invitation_for
from realms.members.models import Invitation, Membership, Role
from realms.models import Realm
from realms.owners import create_realm
from tests.cases import cases
from tests.cast import OPERATOR, new_owner
from tests.console.people import Person, new_member, words_of
from tests.members.people import invited, later, role_of

WISH = {"email": "nora@example.com", "role": "viewer"}


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    """No test sends more than it may because of another."""
    cache.clear()


@pytest.fixture
def embedded(settings: Any) -> None:
    """A hub in one process, whose mails go to the terminal."""
    settings.HUB_EMBEDDED = True


@pytest.fixture
def hosted(settings: Any) -> None:
    """A hub with a mail server."""
    settings.HUB_EMBEDDED = False


def link_in(text: object) -> str:
    """Return the token of the link in a text."""
    found = re.search(r"http://testserver/invitations/([\w-]+)", str(text))
    assert found is not None
    return found[1]


def test_everybody_is_listed(owner: Person, admin: Person, viewer: Person) -> None:
    for person in (owner, admin, viewer):
        page = person.get("realm-members").content.decode()
        assert all(each.user.email in page for each in (owner, admin, viewer))
        assert page.count(">you<") == 1


def test_who_may_not_change_them_is_shown_no_way_to(owner: Person, admin: Person, viewer: Person) -> None:
    invited(owner.realm, "nora")
    words = {
        person.user.email: person.get("realm-members").content.decode() for person in (owner, admin, viewer)
    }

    assert "Hand over" in words["alice@example.com"]
    assert "Hand over" not in words["adam@example.com"]
    assert "Withdraw" in words["adam@example.com"]
    assert "Leave the realm" in words["adam@example.com"]
    assert "Leave the realm" not in words["alice@example.com"]
    for hidden in ("Remove", "Withdraw", "Invite somebody", "nora@example.com"):
        assert hidden not in words["vera@example.com"]


@pytest.mark.usefixtures("hosted")
def test_somebody_is_invited_by_mail(admin: Person) -> None:
    answer = admin.post("realm-member-invite", said=WISH)

    assert answer["Location"] == admin.path("realm-members")
    [sent] = mail.outbox
    assert sent.to == ["nora@example.com"]
    assert "adam@example.com" in sent.body
    assert "default" in sent.subject
    assert "&" not in sent.body
    token = link_in(sent.body)
    assert invitation_for(token).email == "nora@example.com"
    page = admin.get("realm-members").content.decode()
    assert "nora@example.com" in page
    assert token not in page


@pytest.mark.usefixtures("embedded")
def test_without_a_mail_server_the_link_is_shown_once(owner: Person) -> None:
    answer = owner.post("realm-member-invite", said=WISH)

    token = link_in(answer.content.decode())
    assert invitation_for(token).email == "nora@example.com"
    assert "no-store" in answer["Cache-Control"]
    assert token not in owner.get("realm-members").content.decode()
    assert len(mail.outbox) == 1


@pytest.mark.usefixtures("hosted")
def test_a_mail_that_cannot_be_sent_is_said_so(owner: Person, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    owner.post("realm-member-invite", said=WISH)

    assert "could not be sent" in owner.get("realm-members").content.decode()
    assert Invitation.objects.count() == 1, "to be sent again"


@pytest.mark.usefixtures("embedded")
@pytest.mark.parametrize(
    "wrong",
    [
        {"email": ""},
        {"email": "nora"},
        {"email": "nora@example.com\0"},
        {"email": "n@" + "long." * 60 + "example.com"},
        {"role": ""},
        {"role": "owner"},
        {"role": "x\0"},
        {"email": "alice@example.com"},
    ],
    ids=str,
)
def test_what_cannot_be_is_not_invited(owner: Person, wrong: dict[str, str]) -> None:
    answer = owner.post("realm-member-invite", said={**WISH, **wrong})

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert not Invitation.objects.exists()
    assert not mail.outbox
    assert owner.post("realm-member-invite", said=WISH).status_code == 200


@pytest.mark.usefixtures("hosted")
def test_a_realm_invites_so_many_an_hour(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "INVITATIONS_PER_HOUR", 1)
    assert owner.post("realm-member-invite", said=WISH).status_code == 302

    refused = owner.post("realm-member-invite", said={**WISH, "email": "nick@example.com"})

    assert refused.status_code == 400
    assert "an hour" in refused.content.decode()
    assert len(mail.outbox) == 1


@pytest.mark.usefixtures("hosted")
def test_an_address_is_sent_few_mails_a_day_whoever_invites_and_withdraws(
    owner: Person, stranger: Person
) -> None:
    answers = []
    elsewhere = Person(stranger.user, Realm.objects.get(owner=stranger.user), stranger.browser)
    for number in range(members.MAILS_PER_DAY + 1):
        who = (owner, elsewhere)[number % 2]
        answers.append(who.post("realm-member-invite", said=WISH))
        if invitation := Invitation.objects.filter(realm=who.realm).first():
            who.post("realm-invite-withdraw", invitation.pk)

    assert len(mail.outbox) == members.MAILS_PER_DAY
    assert "was sent 5 invitations today" in answers[-1].content.decode()


@pytest.mark.usefixtures("hosted")
def test_a_person_invites_so_many_an_hour_in_all_realms(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "INVITATIONS_PER_HOUR", 2)
    for number in range(3):
        realm = create_realm(owner=owner.user, slug=f"other-{number}", by=OPERATOR)
        there = Person(owner.user, realm, owner.browser)
        answer = there.post("realm-member-invite", said={**WISH, "email": f"n{number}@example.com"})

    assert "You may send 2 invitations an hour" in answer.content.decode()
    assert len(mail.outbox) == 2


@pytest.mark.usefixtures("hosted")
def test_an_invitation_is_sent_again(owner: Person) -> None:
    first = invited(owner.realm, "nora", Role.ADMIN)
    assert owner.post("realm-invite-again", first.invitation.pk).status_code == 429
    later()

    owner.post("realm-invite-again", first.invitation.pk)

    [sent] = mail.outbox
    assert invitation_for(link_in(sent.body)).role == "admin"


def test_an_invitation_is_withdrawn(admin: Person) -> None:
    offer = invited(admin.realm, "nora")

    admin.post("realm-invite-withdraw", offer.invitation.pk)

    assert not Invitation.objects.exists()
    assert "Nobody is invited" in admin.get("realm-members").content.decode()


def test_an_invitation_that_ended_is_shown_as_such(owner: Person) -> None:
    invited(owner.realm, "nora")
    assert ">ended<" not in owner.get("realm-members").content.decode()
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))

    assert ">ended<" in owner.get("realm-members").content.decode()


@pytest.mark.parametrize("route", ["realm-invite-again", "realm-invite-withdraw"])
def test_another_realms_invitation_is_as_none(owner: Person, stranger: Person, route: str) -> None:
    theirs = Realm.objects.get(owner=stranger.user)
    offer = invited(theirs, "nora")
    later()

    answers = {
        words_of(owner.post(route, name)) for name in (offer.invitation.pk, new_id("inv"), "x", "inv_%00")
    }

    assert len(answers) == 1
    assert "no such invitation" in answers.pop()
    assert invitation_for(offer.token) == offer.invitation


def test_a_role_is_changed(admin: Person, viewer: Person) -> None:
    assert viewer.user.email in admin.get("realm-member-role", viewer.user.pk).content.decode()

    admin.post("realm-member-role", viewer.user.pk, said={"role": "admin"})

    assert role_of(admin.realm, viewer.user) == "admin"


@cases("role", ["", "owner", "x", "admin\0"])
def test_another_role_is_none(owner: Person, viewer: Person, role: str) -> None:
    assert owner.post("realm-member-role", viewer.user.pk, said={"role": role}).status_code == 400
    assert role_of(owner.realm, viewer.user) == "viewer"


def test_a_member_is_removed_after_a_look(owner: Person, viewer: Person) -> None:
    assert viewer.user.email in owner.get("realm-member-remove", viewer.user.pk).content.decode()
    assert viewer.get("realm-members").status_code == 200

    owner.post("realm-member-remove", viewer.user.pk)

    assert viewer.get("realm-members").status_code == 404


@pytest.mark.parametrize("route", ["realm-member-role", "realm-member-remove", "realm-member-hand-over"])
def test_who_is_no_member_is_not_found(owner: Person, stranger: Person, route: str) -> None:
    """The owner is none either: no page changes what the owner is."""
    names = (stranger.user.pk, owner.user.pk, 10**30, "x", "%00", "-1", "¹")

    answers = {
        words_of(answer)
        for name in names
        for answer in (owner.get(route, name), owner.post(route, name, said={"role": "admin"}))
    }

    assert len(answers) == 1
    assert "no such member" in answers.pop()


def test_a_member_leaves(viewer: Person) -> None:
    assert "Leave default" in viewer.get("realm-leave").content.decode()

    assert viewer.post("realm-leave")["Location"] == "/"

    assert viewer.get("realm-members").status_code == 404
    assert not Membership.objects.exists()


def test_the_owner_does_not_leave(owner: Person) -> None:
    assert "<form" not in owner.get("realm-leave").content.decode().split("<main")[1]

    answer = owner.post("realm-leave")

    assert answer.status_code == 404
    assert "Hand the realm over" in answer.content.decode()


def test_the_realm_is_handed_over(owner: Person, viewer: Person) -> None:
    refused = owner.post("realm-member-hand-over", viewer.user.pk, said={"name": "another"})
    assert refused.status_code == 400
    assert owner.get("realm-delete").status_code == 200

    owner.post("realm-member-hand-over", viewer.user.pk, said={"name": "default"})

    assert viewer.get("realm-delete").status_code == 200
    assert owner.get("realm-delete").status_code == 403
    assert role_of(owner.realm, owner.user) == "admin"


def test_why_it_cannot_be_handed_over_is_said(owner: Person, viewer: Person) -> None:
    create_realm(owner=viewer.user, slug="default", by=OPERATOR)

    answer = owner.post("realm-member-hand-over", viewer.user.pk, said={"name": "default"})

    assert answer.status_code == 400
    assert "already" in answer.content.decode()


def test_the_list_asks_the_same_however_many_there_are(
    owner: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(8):
        new_member(owner.realm, f"person{number}", Role.VIEWER)
        invited(owner.realm, f"guest{number}", by=owner.user)

    with django_assert_max_num_queries(14):
        assert owner.get("realm-members").status_code == 200
    assert new_owner("nobody").email not in owner.get("realm-members").content.decode()
