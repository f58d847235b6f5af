"""Handing a realm over."""

import pytest

from accounts.models import User
from realms.members.models import Membership, Role
from realms.members.rules import hand_over, member_of
from realms.models import Realm
from realms.owners import create_realm
from realms.refusal import Refusal
from tests.at_once import at_once
from tests.cast import OPERATOR
from tests.members.people import acting, joined, last_event, role_of


def test_a_viewer_becomes_the_owner_and_the_owner_an_admin(realm: Realm, vera: User) -> None:
    former = realm.owner

    hand_over(realm=realm, user_id=vera.pk, by=acting(former))

    assert realm.owner == vera
    assert member_of(user=vera, realm_id=realm.pk).role is Role.OWNER
    assert role_of(realm, former) == "admin"
    assert role_of(realm, vera) is None
    details = {"from": former.email, "to": vera.email}
    assert last_event(realm) == ("realm.handed_over", former.email, realm.pk, details)


def test_only_the_owner_hands_over(realm: Realm, adam: User, vera: User) -> None:
    for by in (adam, vera):
        with pytest.raises(Refusal) as refused:
            hand_over(realm=realm, user_id=adam.pk, by=acting(by))
        assert refused.value.code == "role_missing"

    assert Realm.objects.get().owner == realm.owner


def test_it_goes_to_no_stranger(realm: Realm, adam: User) -> None:
    Membership.objects.all().delete()

    with pytest.raises(Refusal, match="no such member"):
        hand_over(realm=realm, user_id=adam.pk, by=acting(realm.owner))


def test_it_goes_to_nobody_who_cannot_sign_in(realm: Realm, adam: User) -> None:
    User.objects.filter(pk=adam.pk).update(is_active=False)

    with pytest.raises(Refusal, match="disabled"):
        hand_over(realm=realm, user_id=adam.pk, by=acting(realm.owner))

    assert role_of(realm, adam) == "admin"


def test_it_goes_to_nobody_who_has_one_of_the_name(realm: Realm, adam: User) -> None:
    create_realm(owner=adam, slug=realm.slug, by=OPERATOR)

    with pytest.raises(Refusal) as refused:
        hand_over(realm=realm, user_id=adam.pk, by=acting(realm.owner))

    assert refused.value.code == "realm_slug_taken"
    assert role_of(realm, adam) == "admin"
    assert member_of(user=realm.owner, realm_id=realm.pk).role is Role.OWNER


@pytest.mark.django_db(transaction=True)
def test_handed_over_twice_at_once_it_goes_to_one(realm: Realm) -> None:
    former = realm.owner
    people = [joined(realm, name, Role.ADMIN) for name in ("one", "other")]

    def attempt(heir: User) -> str:
        try:
            hand_over(realm=Realm.objects.get(pk=realm.pk), user_id=heir.pk, by=acting(former))
        except Refusal as refusal:
            return refusal.code
        return "handed over"

    outcome = at_once(*(lambda heir=heir: attempt(heir) for heir in people))

    assert sorted(outcome) == ["handed over", "role_missing"]
    assert Membership.objects.filter(user=former).count() == 1
