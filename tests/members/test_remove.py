"""Removing a member, and leaving."""

import pytest

from accounts.models import User
from realms.members.models import Membership, Role
from realms.members.rules import member_of, remove_member
from realms.models import Realm
from realms.refusal import Refusal
from tests.cast import new_realm
from tests.members.people import acting, joined, last_event, role_of


def test_an_admin_removes_a_member(realm: Realm, adam: User, vera: User) -> None:
    remove_member(realm=realm, user_id=vera.pk, by=acting(adam))

    assert role_of(realm, vera) is None
    assert last_event(realm) == ("member.removed", adam.email, vera.email, {})
    with pytest.raises(Refusal):
        member_of(user=vera, realm_id=realm.pk)


def test_an_admin_removes_another(realm: Realm, adam: User) -> None:
    another = joined(realm, "ann", Role.ADMIN)

    remove_member(realm=realm, user_id=adam.pk, by=acting(another))

    assert role_of(realm, adam) is None


def test_a_viewer_leaves(realm: Realm, vera: User) -> None:
    remove_member(realm=realm, user_id=vera.pk, by=acting(vera))

    assert last_event(realm) == ("member.left", vera.email, vera.email, {})
    assert not Membership.objects.exists()


def test_a_viewer_removes_nobody_else(realm: Realm, adam: User, vera: User) -> None:
    with pytest.raises(Refusal) as refused:
        remove_member(realm=realm, user_id=adam.pk, by=acting(vera))

    assert refused.value.code == "role_missing"
    assert role_of(realm, adam) == "admin"


def test_the_owner_neither_leaves_nor_is_removed(realm: Realm, adam: User) -> None:
    for by in (adam, realm.owner):
        with pytest.raises(Refusal, match="does not leave"):
            remove_member(realm=realm, user_id=realm.owner_id, by=acting(by))

    assert member_of(user=realm.owner, realm_id=realm.pk).role is Role.OWNER


def test_another_realms_member_is_as_none(realm: Realm) -> None:
    other = new_realm("mallory")
    nora = joined(other, "nora", Role.VIEWER)

    with pytest.raises(Refusal, match="no such member"):
        remove_member(realm=realm, user_id=nora.pk, by=acting(realm.owner))

    assert role_of(other, nora) == "viewer"
