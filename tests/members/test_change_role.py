"""Changing a member's role."""

import pytest

from accounts.models import User
from realms.members.models import Role
from realms.members.rules import change_role
from realms.models import AuditEvent, Realm
from realms.refusal import Refusal
from tests.at_once import at_once
from tests.cast import new_realm
from tests.members.people import acting, joined, last_event, role_of
from tests.rows import set_realm


def test_an_admin_changes_a_role(realm: Realm, adam: User, vera: User) -> None:
    change_role(realm=realm, user_id=vera.pk, role=Role.ADMIN, by=acting(adam))

    assert role_of(realm, vera) == "admin"
    assert last_event(realm) == ("member.role_changed", adam.email, vera.email, {"role": ["viewer", "admin"]})


def test_the_same_role_is_no_change(realm: Realm, vera: User) -> None:
    before = AuditEvent.objects.count()

    change_role(realm=realm, user_id=vera.pk, role=Role.VIEWER, by=acting(realm.owner))

    assert AuditEvent.objects.count() == before


def test_nobody_is_made_owner_by_it(realm: Realm, adam: User) -> None:
    with pytest.raises(Refusal, match="one owner"):
        change_role(realm=realm, user_id=adam.pk, role=Role.OWNER, by=acting(realm.owner))

    assert role_of(realm, adam) == "admin"


def test_the_owner_has_no_role_to_change(realm: Realm, adam: User) -> None:
    with pytest.raises(Refusal, match="no such member"):
        change_role(realm=realm, user_id=realm.owner_id, role=Role.VIEWER, by=acting(adam))


def test_a_viewer_changes_nothing(realm: Realm, vera: User) -> None:
    with pytest.raises(Refusal) as refused:
        change_role(realm=realm, user_id=vera.pk, role=Role.ADMIN, by=acting(vera))

    assert refused.value.code == "role_missing"
    assert role_of(realm, vera) == "viewer"


def test_another_realms_member_is_as_none(realm: Realm) -> None:
    other = new_realm("mallory")
    nora = joined(other, "nora", Role.VIEWER)

    for by in (realm.owner, other.owner):
        with pytest.raises(Refusal) as refused:
            change_role(realm=realm, user_id=nora.pk, role=Role.ADMIN, by=acting(by))
        assert refused.value.code == "not_found"

    assert role_of(other, nora) == "viewer"


def test_no_role_changes_in_a_suspended_realm(realm: Realm, vera: User) -> None:
    set_realm(realm, status=Realm.Status.SUSPENDED)

    with pytest.raises(Refusal) as refused:
        change_role(realm=realm, user_id=vera.pk, role=Role.ADMIN, by=acting(realm.owner))

    assert refused.value.code == "realm_suspended"


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_demote_each_other_one_is_too_late(realm: Realm) -> None:
    one, other = (joined(realm, name, Role.ADMIN) for name in ("one", "other"))

    def demote(by: User, whom: User) -> str:
        try:
            change_role(realm=realm, user_id=whom.pk, role=Role.VIEWER, by=acting(by))
        except Refusal as refusal:
            return refusal.code
        return "demoted"

    outcome = at_once(lambda: demote(one, other), lambda: demote(other, one))

    assert sorted(outcome) == ["demoted", "role_missing"]
