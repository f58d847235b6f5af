"""Deleting a realm: what answers before and after, who may, and what stays."""

import re

import pytest

from accounts.models import User
from realms.audit import rules as audit
from realms.audit.actor import Actor
from realms.members.models import Invitation, Role
from realms.models import ApiKey, AuditEvent, Realm
from realms.owners import change_settings, create_realm, delete_realm, set_realm_status
from realms.refusal import Refusal
from tests.admin.conftest import operator
from tests.admin.pages import Pages
from tests.at_once import at_once
from tests.audit.tampering import rows
from tests.cast import OPERATOR, Agent, new_owner
from tests.members.people import acting, invited, joined, last_event
from tests.rows import forget_credentials, set_realm
from tests.tokens.signing import Signer, hub_token

__all__ = ["operator"]


def deleted(realm: Realm) -> None:
    """Have the owner delete a realm, and the hub notice at once."""
    delete_realm(realm=realm, by=acting(realm.owner))
    forget_credentials()


def test_its_keys_are_as_if_they_had_never_been(realm: Realm, alice: Agent, mallory: Agent) -> None:
    never = Agent("aisp_" + "0" * 38).get("sessions")
    assert alice.get("sessions").status == 200

    deleted(realm)

    for key in ApiKey.objects.all():
        if key.realm_id == realm.pk:
            key.status = ApiKey.Status.REVOKED  # which would be told to whoever presents the whole of it
            key.save()
    answer = alice.get("sessions")
    assert (answer.status, answer.code) == (401, "invalid_credentials")
    assert {**answer.json, "request_id": ""} == {**never.json, "request_id": ""}
    assert mallory.get("sessions").status == 200


@pytest.mark.parametrize("issuer", ["hub", "self"])
def test_its_tokens_are_refused(realm: Realm, key: str, issuer: str) -> None:
    signer = Signer(key, "signer")
    token = signer.token() if issuer == "self" else hub_token(signer.agent)
    bearer = Agent(None, signer.session, token=token)
    assert bearer.get("messages").status == 200

    deleted(realm)

    assert bearer.get("messages").code == "invalid_credentials"


def test_its_name_is_free(realm: Realm) -> None:
    with pytest.raises(Refusal):
        create_realm(owner=realm.owner, slug=realm.slug, by=OPERATOR)

    deleted(realm)

    assert create_realm(owner=realm.owner, slug=realm.slug, by=OPERATOR).pk != realm.pk


def test_its_log_stays_and_says_so(realm: Realm, key: str) -> None:
    invited(realm, "nora")
    before = rows(realm).count()

    deleted(realm)

    assert last_event(realm) == ("realm.deleted", realm.owner.email, realm.pk, {"slug": "default"})
    assert rows(realm).count() == before + 1
    assert [*audit.verify(realm.pk)] == []
    assert not Invitation.objects.exists()


def test_only_the_owner_deletes_it(realm: Realm) -> None:
    others = [joined(realm, "adam", Role.ADMIN), joined(realm, "vera", Role.VIEWER), new_owner("mallory")]
    for person in others:
        with pytest.raises(Refusal) as refused:
            delete_realm(realm=realm, by=acting(person))
        assert refused.value.code == "role_missing"

    assert Realm.objects.get().status == "active"


def test_an_operator_may_too(realm: Realm) -> None:
    set_realm(realm, status=Realm.Status.SUSPENDED)

    delete_realm(realm=realm, by=Actor.operator(User.objects.create_superuser("olivia@example.com")))

    assert Realm.objects.get().status == "deleted"


def test_its_owner_deletes_what_is_suspended(realm: Realm) -> None:
    set_realm(realm, status=Realm.Status.SUSPENDED)

    delete_realm(realm=realm, by=acting(realm.owner))

    assert Realm.objects.get().status == "deleted"


def test_nothing_brings_it_back_or_changes_it(realm: Realm) -> None:
    deleted(realm)
    before = AuditEvent.objects.count()
    realm.retention_days = 7

    for status in (Realm.Status.ACTIVE, Realm.Status.SUSPENDED):
        with pytest.raises(Refusal, match="was deleted"):
            set_realm_status(realm=realm, status=status, by=OPERATOR)
    with pytest.raises(Refusal, match="was deleted"):
        delete_realm(realm=realm, by=acting(realm.owner))
    with pytest.raises(Refusal, match="was deleted"):
        change_settings(realm=realm, names=["retention_days"], by=OPERATOR)

    assert Realm.objects.get().status == "deleted"
    assert Realm.objects.get().retention_days == 30
    assert AuditEvent.objects.count() == before


def test_the_admin_shows_it_and_does_not_resume_it(realm: Realm, operator: Pages) -> None:
    deleted(realm)
    assert ">deleted<" in re.sub(r"\s+", "", operator.list(Realm).content.decode())

    said = operator.act("resume", realm)

    assert "was deleted" in said
    assert Realm.objects.get().status == "deleted"


@pytest.mark.django_db(transaction=True)
def test_deleted_twice_at_once_it_is_deleted_once(realm: Realm) -> None:
    def attempt() -> str:
        try:
            delete_realm(realm=Realm.objects.get(pk=realm.pk), by=acting(realm.owner))
        except Refusal as refusal:
            return refusal.code
        return "deleted"

    assert sorted(at_once(attempt, attempt)) == ["deleted", "not_found"]
    assert AuditEvent.objects.filter(action="realm.deleted").count() == 1


@pytest.mark.django_db(transaction=True)
def test_suspended_at_the_same_moment_it_stays_deleted(realm: Realm) -> None:
    by = Actor.operator(User.objects.create_superuser("olivia@example.com"))

    def suspend() -> str:
        try:
            set_realm_status(realm=realm, status=Realm.Status.SUSPENDED, by=by)
        except Refusal as refusal:
            return refusal.code
        return "suspended"

    def delete() -> str:
        delete_realm(realm=Realm.objects.get(pk=realm.pk), by=by)
        return "deleted"

    assert at_once(suspend, delete)[1] == "deleted"
    assert Realm.objects.get().status == "deleted"
