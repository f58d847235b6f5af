"""A realm's people hear of a key that ends soon, in time and once."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from accounts.models import User
from hub.tasks import warn_of_key_ends as task
from realms.audit.actor import Actor
from realms.key_warnings import warn_of_key_ends
from realms.keys import issue_key, set_status
from realms.members.models import Membership, Role
from realms.models import ApiKey, Realm
from tests.at_once import at_once

BY = Actor.command("test")


def key_that_ends(realm: Realm, **after: float) -> ApiKey:
    return issue_key(realm=realm, name="agents", by=BY, expires_at=timezone.now() + timedelta(**after))[0]


def test_its_owner_is_told_a_week_and_a_day_before(realm: Realm) -> None:
    key = key_that_ends(realm, days=10)

    told = []
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(12):
            told.append(task()["keys"])
            clock.shift(timedelta(days=1))

    assert told == [0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0]
    [first, last] = mail.outbox
    assert first.to == last.to == [realm.owner.email]
    assert "agents" in first.subject
    assert f"/realms/{realm.pk}/keys/{key.pk}" in first.body
    assert key.expires_at is not None
    assert f"{key.expires_at:%Y-%m-%d %H:%M} UTC" in first.body


def test_a_key_that_is_short_is_told_of_once(realm: Realm) -> None:
    key_that_ends(realm, hours=5)

    assert [warn_of_key_ends(), warn_of_key_ends()] == [1, 0]
    assert len(mail.outbox) == 1


def test_admins_are_told_too_and_viewers_and_who_was_deactivated_are_not(
    realm: Realm, django_user_model: type[User]
) -> None:
    for name, role, is_active in (
        ("ann", Role.ADMIN, True),
        ("vic", Role.VIEWER, True),
        ("gone", Role.ADMIN, False),
    ):
        user = django_user_model.objects.create_user(f"{name}@example.com", "x", is_active=is_active)
        Membership.objects.create(realm=realm, user=user, role=role)
    key_that_ends(realm, days=2)

    warn_of_key_ends()

    [sent] = mail.outbox
    assert sorted(sent.to) == sorted([realm.owner.email, "ann@example.com"])


@pytest.mark.parametrize("status", [ApiKey.Status.DISABLED, ApiKey.Status.REVOKED])
def test_a_key_that_does_not_work_anyway_is_no_news(realm: Realm, status: ApiKey.Status) -> None:
    set_status(key=key_that_ends(realm, days=2), status=status, by=BY)

    assert warn_of_key_ends() == 0


def test_nor_is_one_of_a_suspended_realm_or_one_without_an_end(realm: Realm) -> None:
    issue_key(realm=realm, name="for ever", by=BY)
    assert warn_of_key_ends() == 0
    key_that_ends(realm, days=2)
    Realm.objects.filter(pk=realm.pk).update(status=Realm.Status.SUSPENDED)

    assert warn_of_key_ends() == 0


def test_a_mail_that_was_not_taken_is_tried_again(realm: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> int:
        raise ConnectionRefusedError

    key_that_ends(realm, days=2)
    with monkeypatch.context() as broken:
        broken.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        assert warn_of_key_ends() == 0

    assert warn_of_key_ends() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_mail(realm: Realm) -> None:
    key_that_ends(realm, days=2)

    assert sum(at_once(*[warn_of_key_ends] * 4)) == 1
    assert len(mail.outbox) == 1
