"""Caps that the operator sets: the keys of a realm, and the realms of a person."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from realms.audit.actor import Actor
from realms.keys import issue_key, set_status
from realms.members.models import Membership, Role
from realms.members.rules import hand_over
from realms.models import ApiKey, AuditEvent, Realm
from realms.owners import create_realm, delete_realm
from realms.refusal import Refusal
from tests.at_once import at_once
from tests.cast import OPERATOR, new_key, new_realm


def refused_code(call: object) -> str:
    """Return the code that a call is refused with, or "" if it is not."""
    try:
        call()  # type: ignore[operator]
    except Refusal as refusal:
        return refusal.code
    return ""


def made(realm: Realm, slug: str) -> Realm:
    """Return a new realm of a realm's owner, who makes it."""
    return create_realm(owner=realm.owner, slug=slug, by=Actor.person(realm.owner))


def test_a_realm_has_so_many_keys(realm: Realm, settings: Settings) -> None:
    settings.HUB_MOST_KEYS = 2
    for _ in range(2):
        new_key(realm)
    new_key(new_realm("mallory"))  # another realm has keys of its own
    events = AuditEvent.objects.count()

    with pytest.raises(Refusal, match=r"A realm may have 2 keys\. Revoke a key") as refused:
        new_key(realm)

    assert (refused.value.code, refused.value.status) == ("quota_exceeded", 403)
    assert (ApiKey.objects.in_realm(realm.pk).count(), AuditEvent.objects.count()) == (2, events)


def test_keys_that_are_revoked_or_expired_make_room(realm: Realm, settings: Settings) -> None:
    settings.HUB_MOST_KEYS = 2
    (revoked, _), (expired, _) = new_key(realm), new_key(realm)
    set_status(key=revoked, status=ApiKey.Status.REVOKED, by=OPERATOR)
    new_key(realm)
    ApiKey.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    disabled, _ = new_key(realm)
    set_status(key=disabled, status=ApiKey.Status.DISABLED, by=OPERATOR)

    with pytest.raises(Refusal, match="quota_exceeded"):
        new_key(realm)


def test_a_person_has_so_many_realms(realm: Realm, settings: Settings) -> None:
    settings.HUB_MOST_REALMS = 2
    made(realm, "second")
    new_realm("mallory")

    with pytest.raises(Refusal, match="A person may own 2 realms") as refused:
        made(realm, "third")

    assert (refused.value.code, refused.value.status) == ("quota_exceeded", 403)
    assert Realm.objects.filter(owner=realm.owner).count() == 2
    delete_realm(realm=realm, by=Actor.person(realm.owner))
    assert made(realm, "third").slug == "third"


def test_a_realm_is_handed_over_to_nobody_who_has_enough(realm: Realm, settings: Settings) -> None:
    settings.HUB_MOST_REALMS = 1
    heir = new_realm("heir", "own").owner
    Membership.objects.create(realm=realm, user=heir, role=Role.ADMIN)

    with pytest.raises(Refusal, match=r"heir@example\.com does"):
        hand_over(realm=realm, user_id=heir.pk, by=Actor.person(realm.owner))

    assert Realm.objects.get(pk=realm.pk).owner == realm.owner
    assert Membership.objects.get(realm=realm).user == heir


@pytest.mark.parametrize("most", [0, 1])
def test_operators_may_add_more_and_zero_is_no_cap(realm: Realm, settings: Settings, most: int) -> None:
    settings.HUB_MOST_KEYS = settings.HUB_MOST_REALMS = most
    by = OPERATOR if most else Actor.person(realm.owner)

    for number in range(3):
        issue_key(realm=realm, name="one more", by=by)
        create_realm(owner=realm.owner, slug=f"more-{number}", by=by)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_both_take_the_last_place(settings: Settings) -> None:
    settings.HUB_MOST_KEYS, settings.HUB_MOST_REALMS = 1, 2
    realm = new_realm()

    keys = at_once(*[lambda: refused_code(lambda: new_key(realm))] * 3)
    realms = at_once(*[lambda slug=slug: refused_code(lambda: made(realm, slug)) for slug in "abc"])

    assert sorted(keys) == sorted(realms) == ["", "quota_exceeded", "quota_exceeded"]
    assert (ApiKey.objects.count(), Realm.objects.count()) == (1, 2)
