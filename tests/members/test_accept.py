"""Accepting an invitation."""

import pytest
from allauth.account.models import EmailAddress

from accounts.models import User
from realms.members.invitations import accept_invitation, invitation_for, withdraw_invitation
from realms.members.models import Invitation, Membership, Role
from realms.members.rules import change_role, hand_over, remove_member
from realms.models import AuditEvent, Realm
from realms.owners import delete_realm
from realms.refusal import Refusal
from tests.at_once import at_once
from tests.cases import cases
from tests.members.people import Invited, acting, ended, invited, last_event, proven, role_of, unproven
from tests.rows import set_realm


def accept(offer: Invited, user: User) -> Realm:
    """Have a person accept."""
    return accept_invitation(token=offer.token, user=user, by=acting(user))


def why_not(offer: Invited, user: User) -> str:
    """Return the code with which a person is refused."""
    with pytest.raises(Refusal) as refused:
        accept(offer, user)
    return refused.value.code


def test_whoever_has_the_address_joins(realm: Realm) -> None:
    nora, offer = proven("nora"), invited(realm, "nora", Role.ADMIN)

    assert accept(offer, nora) == realm

    assert role_of(realm, nora) == "admin"
    assert last_event(realm) == ("member.joined", nora.email, nora.email, {"role": "admin"})
    assert not Invitation.objects.exists()
    assert why_not(offer, nora) == "not_found", "a link works once"


def test_another_person_does_not(realm: Realm) -> None:
    offer = invited(realm, "nora")

    with pytest.raises(Refusal) as refused:
        accept(offer, proven("nick"))

    assert refused.value.code == "invitation_not_yours"
    assert "nora" not in refused.value.detail
    assert not Membership.objects.exists()
    assert accept(offer, proven("nora")) == realm, "and the invitation was not used up"


def test_an_address_has_to_be_proven(realm: Realm) -> None:
    nora, offer = unproven("nora"), invited(realm, "nora")
    assert why_not(offer, nora) == "invitation_not_yours"
    EmailAddress.objects.all().delete()
    assert why_not(offer, nora) == "invitation_not_yours"

    EmailAddress.objects.create(user=nora, email=nora.email, verified=True)

    assert accept(offer, nora) == realm


@cases("address", ["v\u0131@example.com", "VI@example.com", "vi@example.com\u200b"], ids=ascii)
def test_an_address_that_only_looks_the_same_will_not_do(realm: Realm, address: str) -> None:
    """To a database that compares without case, a dotless i is an i."""
    mallory, offer = proven("mallory"), invited(realm, "vi")
    EmailAddress.objects.create(user=mallory, email=address, verified=True)

    with pytest.raises(Refusal, match="invitation_not_yours"):
        accept(offer, mallory)

    assert role_of(realm, mallory) is None


def test_a_second_address_that_was_proven_will_do(realm: Realm) -> None:
    vera, offer = proven("vera"), invited(realm, "v")
    EmailAddress.objects.create(user=vera, email="v@example.com", verified=True)

    accept(offer, vera)

    assert role_of(realm, vera) == "viewer"


def test_a_members_role_stays(realm: Realm, adam: User) -> None:
    offer = invited(realm, "a", Role.VIEWER)
    EmailAddress.objects.create(user=adam, email="a@example.com", verified=True)
    before = AuditEvent.objects.count()

    accept(offer, adam)

    assert role_of(realm, adam) == "admin"
    assert AuditEvent.objects.count() == before
    assert not Invitation.objects.exists()


def test_the_owner_stays_the_owner(realm: Realm) -> None:
    offer = invited(realm, "a")
    EmailAddress.objects.create(user=realm.owner, email="a@example.com", verified=True)

    accept(offer, realm.owner)

    assert role_of(realm, realm.owner) is None
    assert not Invitation.objects.exists()


def test_an_invitation_ends(realm: Realm) -> None:
    nora, offer = proven("nora"), invited(realm, "nora")
    ended(offer.invitation)

    assert why_not(offer, nora) == "not_found"


@cases("token", ["", "x", "\0", "ä" * 1000])
@pytest.mark.usefixtures("realm")
def test_what_is_no_token_is_not_found(token: str) -> None:
    with pytest.raises(Refusal) as refused:
        invitation_for(token)

    assert refused.value.code == "not_found"


def test_it_ends_when_it_is_withdrawn(realm: Realm) -> None:
    nora, offer = proven("nora"), invited(realm, "nora")
    withdraw_invitation(realm=realm, invitation_id=offer.invitation.pk, by=acting(realm.owner))

    assert why_not(offer, nora) == "not_found"


def test_it_ends_when_who_invited_is_removed(realm: Realm, adam: User) -> None:
    nora, kept = proven("nora"), invited(realm, "nick")
    offer = invited(realm, "nora", by=adam)
    assert invitation_for(offer.token) == offer.invitation

    remove_member(realm=realm, user_id=adam.pk, by=acting(realm.owner))

    assert why_not(offer, nora) == "not_found"
    assert invitation_for(kept.token) == kept.invitation


def test_it_ends_when_who_invited_may_invite_no_more(realm: Realm, adam: User) -> None:
    offer = invited(realm, "nora", by=adam)

    change_role(realm=realm, user_id=adam.pk, role=Role.VIEWER, by=acting(realm.owner))

    assert why_not(offer, proven("nora")) == "not_found"


def test_it_goes_on_when_the_realm_is_handed_over(realm: Realm, adam: User) -> None:
    offer = invited(realm, "nora")

    hand_over(realm=realm, user_id=adam.pk, by=acting(realm.owner))

    assert accept(offer, proven("nora")) == realm


def test_it_ends_when_who_invited_can_sign_in_no_more(realm: Realm, adam: User) -> None:
    offer = invited(realm, "nora", by=adam)
    User.objects.filter(pk=adam.pk).update(is_active=False)

    assert why_not(offer, proven("nora")) == "not_found"


def test_nobody_joins_a_suspended_realm_until_it_is_resumed(realm: Realm) -> None:
    nora, offer = proven("nora"), invited(realm, "nora")
    set_realm(realm, status=Realm.Status.SUSPENDED)
    assert why_not(offer, nora) == "realm_suspended"

    set_realm(realm, status=Realm.Status.ACTIVE)

    assert accept(offer, nora) == realm


def test_nobody_joins_a_deleted_realm(realm: Realm) -> None:
    nora, offer = proven("nora"), invited(realm, "nora")
    delete_realm(realm=realm, by=acting(realm.owner))

    assert why_not(offer, nora) == "not_found"


@pytest.mark.django_db(transaction=True)
def test_accepted_twice_at_once_it_is_accepted_once(realm: Realm) -> None:
    nora, offer = proven("nora"), invited(realm, "nora")

    def attempt() -> str:
        try:
            accept(offer, nora)
        except Refusal as refusal:
            return refusal.code
        return "joined"

    assert sorted(at_once(attempt, attempt)) == ["joined", "not_found"]
    assert AuditEvent.objects.filter(action="member.joined").count() == 1


@pytest.mark.django_db(transaction=True)
def test_withdrawn_at_the_same_moment_it_is_one_or_the_other(realm: Realm) -> None:
    nora, offer = proven("nora"), invited(realm, "nora")

    def attempt() -> str:
        try:
            accept(offer, nora)
        except Refusal as refusal:
            return refusal.code
        return "joined"

    def withdraw() -> str:
        try:
            withdraw_invitation(realm=realm, invitation_id=offer.invitation.pk, by=acting(realm.owner))
        except Refusal as refusal:
            return refusal.code
        return "withdrawn"

    outcome = at_once(attempt, withdraw)

    assert outcome in (["joined", "not_found"], ["not_found", "withdrawn"])
    assert Membership.objects.exists() is (outcome[0] == "joined")


@pytest.mark.django_db(transaction=True)
def test_deleted_at_the_same_moment_the_realm_gets_nobody_without_saying_so(realm: Realm) -> None:
    nora, offer = proven("nora"), invited(realm, "nora")

    def attempt() -> str:
        try:
            accept(offer, nora)
        except Refusal as refusal:
            return refusal.code
        return "joined"

    def delete() -> str:
        delete_realm(realm=realm, by=acting(realm.owner))
        return "deleted"

    outcome = at_once(attempt, delete)

    actions = list(AuditEvent.objects.in_realm(realm.pk).values_list("action", flat=True))
    assert actions[-1] == "realm.deleted", "nothing is done in it afterwards"
    assert ("member.joined" in actions) is (outcome[0] == "joined")
