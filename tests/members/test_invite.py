"""Inviting somebody to a realm, and inviting them again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from realms.members import invitations
from realms.members.invitations import accept_invitation, invitation_for, invite, invite_again
from realms.members.models import Invitation, Membership, Role
from realms.models import Realm
from realms.owners import delete_realm
from realms.refusal import Refusal
from tests.at_once import at_once
from tests.cases import cases
from tests.cast import new_owner, new_realm
from tests.members.people import acting, ended, invited, last_event, later, proven
from tests.rows import set_realm


def test_an_admin_invites(realm: Realm, adam: User) -> None:
    offer = invited(realm, "nora", Role.ADMIN, by=adam)

    assert invitation_for(offer.token) == offer.invitation
    assert (offer.invitation.email, offer.invitation.role) == ("nora@example.com", "admin")
    left = offer.invitation.expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    assert last_event(realm) == ("member.invited", adam.email, "nora@example.com", {"role": "admin"})


def test_the_token_is_kept_nowhere(realm: Realm) -> None:
    offer = invited(realm, "nora")

    kept = str(Invitation.objects.values().get())
    assert offer.token not in kept
    assert offer.token not in str(last_event(realm))


def test_an_address_is_written_in_small_letters(realm: Realm) -> None:
    invitation, _ = invite(realm=realm, email=" Nora@Example.COM ", role=Role.VIEWER, by=acting(realm.owner))

    assert invitation.email == "nora@example.com"


@cases(
    "address",
    ["", "nora", "nora@", "a@b@c.com", "nora@example.com\nBcc: x@y.com", "n@" + "long." * 50 + "example.com"],
)
def test_what_is_no_address_is_refused(realm: Realm, address: str) -> None:
    with pytest.raises(Refusal, match="not an e-mail address"):
        invite(realm=realm, email=address, role=Role.VIEWER, by=acting(realm.owner))

    assert not Invitation.objects.exists()


def test_an_address_with_a_hidden_character_is_refused(realm: Realm) -> None:
    with pytest.raises(Refusal, match="cannot be seen"):
        invite(realm=realm, email="zoe@example.com\u200b", role=Role.VIEWER, by=acting(realm.owner))


def test_nobody_is_invited_as_owner(realm: Realm) -> None:
    with pytest.raises(Refusal, match="one owner"):
        invited(realm, "nora", Role.OWNER)

    assert invited(realm, "nora", Role.ADMIN).invitation.email == "nora@example.com"


@cases("name", ["alice", "ALICE", "vera", "Vera"])
@pytest.mark.usefixtures("vera")
def test_whoever_belongs_to_it_is_not_invited(realm: Realm, name: str) -> None:
    with pytest.raises(Refusal, match="is a member already"):
        invited(realm, name)


def test_the_owner_is_looked_for_where_the_realm_stands_now(realm: Realm, adam: User) -> None:
    """The realm was handed over since the page was opened."""
    assert realm.owner.email == "alice@example.com"
    Membership.objects.all().delete()
    Realm.objects.update(owner=adam)

    with pytest.raises(Refusal, match="is a member already"):
        invited(realm, "adam", by=adam)


@pytest.mark.parametrize("name", ["vera", "mallory", "gone"])
def test_who_may_not_is_refused(realm: Realm, vera: User, name: str) -> None:
    """Whatever they were when their page was opened."""
    people = {"vera": vera, "mallory": new_owner("mallory"), "gone": new_owner("gone")}

    with pytest.raises(Refusal) as refused:
        invited(realm, "nora", by=people[name])

    assert refused.value.code == ("role_missing" if name == "vera" else "not_found")
    assert not Invitation.objects.exists()
    assert invited(realm, "nora").invitation.email == "nora@example.com"


def test_who_is_invited_again_has_one_link(realm: Realm) -> None:
    first = invited(realm, "nora")
    later()
    second = invited(realm, "nora", Role.ADMIN)

    assert Invitation.objects.get() == second.invitation
    assert invitation_for(second.token).role == "admin"
    with pytest.raises(Refusal, match="has ended"):
        invitation_for(first.token)


def test_an_invitation_is_sent_again_as_it_was(realm: Realm, adam: User) -> None:
    first = invited(realm, "nora", Role.ADMIN)
    ended(first.invitation)
    later()

    _, token = invite_again(realm=realm, invitation_id=first.invitation.pk, by=acting(adam))

    again = invitation_for(token)
    assert (again.email, again.role, again.invited_by) == ("nora@example.com", "admin", adam)


def test_another_realms_invitation_is_not_sent_again(realm: Realm) -> None:
    offer = invited(new_realm("mallory"), "nora")
    later()

    with pytest.raises(Refusal, match="no such invitation"):
        invite_again(realm=realm, invitation_id=offer.invitation.pk, by=acting(realm.owner))

    assert invitation_for(offer.token) == offer.invitation


def test_an_address_gets_at_most_a_mail_a_minute(realm: Realm) -> None:
    offer = invited(realm, "nora")

    with pytest.raises(Refusal, match="just now") as refused:
        invited(realm, "nora")

    assert 1 <= int(refused.value.headers["Retry-After"]) <= 61
    assert invitation_for(offer.token) == offer.invitation, "the first link goes on"
    assert invited(realm, "nick").invitation.email == "nick@example.com", "another address is another matter"


def test_a_realm_has_so_many_members_and_no_more(
    realm: Realm, vera: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "MEMBERS_AT_MOST", 2)
    nora = invited(realm, "nora")
    later()

    with pytest.raises(Refusal) as refused:
        invited(realm, "nick")
    assert refused.value.code == "quota_exceeded"
    assert invited(realm, "nora").invitation.email == "nora@example.com", (
        "who is invited already takes no more room"
    )

    ended(Invitation.objects.get())
    assert invited(realm, "nick").invitation.email == "nick@example.com", "what has ended takes none"
    assert nora.invitation.email == "nora@example.com"


def test_what_ended_long_ago_is_forgotten(realm: Realm) -> None:
    offer = invited(realm, "nora")
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=31))

    invited(realm, "nick")

    assert not Invitation.objects.filter(pk=offer.invitation.pk).exists()


def test_nobody_is_invited_to_a_deleted_or_suspended_realm(realm: Realm) -> None:
    set_realm(realm, status=Realm.Status.SUSPENDED)
    with pytest.raises(Refusal) as refused:
        invited(realm, "nora")
    assert refused.value.code == "realm_suspended"

    set_realm(realm, status=Realm.Status.ACTIVE)
    delete_realm(realm=realm, by=acting(realm.owner))
    with pytest.raises(Refusal) as refused:
        invited(realm, "nora")
    assert refused.value.code == "not_found"


@pytest.mark.django_db(transaction=True)
def test_of_two_invitations_at_once_one_is_refused(realm: Realm) -> None:
    def attempt() -> str:
        try:
            invited(realm, "nora")
        except Refusal as refusal:
            return refusal.code
        return "invited"

    assert sorted(at_once(attempt, attempt)) == ["invited", "rate_limited"]
    assert Invitation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_joins_while_they_are_invited_again_is_left_without_an_invitation(realm: Realm) -> None:
    nora = proven("nora")
    offer = invited(realm, "nora")
    later()

    def attempt(act: object) -> None:
        try:
            act()  # type: ignore[operator]
        except Refusal as refusal:
            assert refusal.code in ("not_found", "invalid_request")

    at_once(
        lambda: attempt(lambda: accept_invitation(token=offer.token, user=nora, by=acting(nora))),
        lambda: attempt(lambda: invited(realm, "nora")),
    )

    assert Membership.objects.filter(user=nora).exists() is not Invitation.objects.exists()
