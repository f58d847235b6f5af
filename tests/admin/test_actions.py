"""Actions call the rules, and the rules' effects are all there."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from hub.grants.models import Grant
from hub.memory.models import MemoryEntry, MemoryUsage
from hub.messages.models import HUB
from hub.sessions.models import Session
from realms import identity, owners
from realms.models import ApiKey, AuditEvent, Realm
from tests.admin.pages import Pages, path_of
from tests.cast import OPERATOR, Agent, new_agent


def test_deregistering_frees_the_name_and_revokes_the_grants(
    operator: Pages, alice: Agent, bob: Agent, key: str
) -> None:
    grant_id = bob.grant(alice, "memory.read", "project.*")

    shown = operator.act("deregister", Session.objects.get(pk=bob.id))

    assert "1 session deregistered." in shown
    assert Grant.objects.get(pk=grant_id).status == Grant.Status.REVOKED
    assert [message["payload"]["event"] for message in alice.inbox()] == ["revoked"]
    assert new_agent(key, "bob").id != bob.id
    assert "It was deregistered before." in operator.act("deregister", Session.objects.get(pk=bob.id))


def test_revoking_a_grant_tells_both_sides(operator: Pages, alice: Agent, bob: Agent) -> None:
    grant = Grant.objects.get(pk=bob.grant(alice, "memory.read", "project.*"))

    assert "1 grant revoked." in operator.act("revoke", grant)

    for agent in (alice, bob):
        [message] = agent.inbox()
        assert (message["category"], message["from"]) == ("grant", HUB)
        assert message["payload"]["event"] == "revoked"
    assert "already and stays so" in operator.act("revoke", grant)


def test_a_grant_past_its_time_is_shown_as_expired(operator: Pages, alice: Agent, bob: Agent) -> None:
    grant = Grant.objects.get(pk=bob.grant(alice, "memory.read", "project.*"))
    Grant.objects.update(expires_at=Now() - timedelta(seconds=1))

    assert operator.rows(Grant, status="active") == set()
    assert operator.rows(Grant, status="expired") == {grant.pk}
    assert "The grant is expired already" in operator.act("revoke", grant)


def test_deleting_an_entry_keeps_the_totals_right(operator: Pages, alice: Agent) -> None:
    entries = [{"key": "project.a", "value": 1}, {"key": "project.b", "value": 22}]
    assert alice.post("memory", {"entries": entries}).status == 200

    shown = operator.act("remove", MemoryEntry.objects.get(key="project.b"))

    assert "1 memory entry deleted." in shown
    assert alice.get("memory/project.b").status == 404
    usage = MemoryUsage.objects.get()
    assert (usage.entries, usage.bytes) == (1, 1)


def test_a_disabled_key_stops_until_it_is_enabled(operator: Pages, caller: Agent) -> None:
    key = ApiKey.objects.get()
    assert caller.get("sessions").status == 200

    assert "1 API key disabled." in operator.act("disable", key)
    identity.forget_cached_keys()
    assert caller.get("sessions").status == 401

    assert "1 API key enabled." in operator.act("enable", key)
    identity.forget_cached_keys()
    assert caller.get("sessions").status == 200


def test_a_revoked_key_stays_revoked(operator: Pages, caller: Agent) -> None:
    key = ApiKey.objects.get()
    assert "1 API key revoked." in operator.act("revoke", key)

    for action in ("enable", "disable", "revoke"):
        assert "A revoked key stays revoked; issue a new one." in operator.act(action, key)

    identity.forget_cached_keys()
    assert caller.get("sessions").code == "key_revoked"


def test_an_expired_key_is_shown_as_such(operator: Pages, caller: Agent) -> None:
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert "expired" in operator.one(ApiKey.objects.get()).content.decode()


def test_a_suspended_realm_refuses_until_it_is_resumed(operator: Pages, caller: Agent) -> None:
    realm = Realm.objects.get()

    assert "1 realm suspended." in operator.act("suspend", realm)
    identity.forget_cached_keys()
    assert caller.get("sessions").code == "realm_suspended"

    assert "1 realm resumed." in operator.act("resume", realm)
    identity.forget_cached_keys()
    assert caller.get("sessions").status == 200


@pytest.mark.parametrize(
    ("model", "action", "event"),
    [
        (Realm, "suspend", "realm.suspended"),
        (ApiKey, "disable", "key.disabled"),
        (ApiKey, "revoke", "key.revoked"),
    ],
)
def test_the_audit_log_says_which_operator_did_it_and_from_where(
    operator: Pages, caller: Agent, model: type[Realm | ApiKey], action: str, event: str
) -> None:
    thing = model.objects.get()
    operator.browser.defaults["REMOTE_ADDR"] = "192.0.2.7"

    operator.act(action, thing)

    said = AuditEvent.objects.latest("pk")
    assert (said.action, said.target, said.realm_id) == (event, thing.pk, Realm.objects.get().pk)
    assert (said.actor_kind, said.actor, said.address) == ("operator", "olivia@example.com", "192.0.2.7")
    assert said.request_id


def test_resuming_is_in_the_audit_log(operator: Pages, realm: Realm) -> None:
    operator.act("suspend", realm)
    operator.act("resume", realm)
    operator.act("resume", realm)

    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions)[-2:] == ["realm.suspended", "realm.resumed"]


def test_some_can_be_refused_and_the_others_done(operator: Pages, caller: Agent, charlie: Agent) -> None:
    first, second = ApiKey.objects.order_by("pk")
    operator.act("revoke", first)

    shown = operator.act("disable", first, second)

    assert "1 API key disabled." in shown
    assert "Not disabled: test. A revoked key stays revoked" in shown


def test_what_was_done_is_in_the_history(operator: Pages, alice: Agent) -> None:
    session = Session.objects.get()
    operator.act("deregister", session)

    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.change_message) == (session.pk, "Deregistered")
    assert "Deregistered" in operator.one(session, "history").content.decode()


@pytest.mark.parametrize("may_act", [True, False])
def test_staff_need_the_change_permission_to_act(operator: Pages, alice: Agent, may_act: bool) -> None:
    granted = ["view_session", "change_session"] if may_act else ["view_session"]
    staff = User.objects.get(email="olivia@example.com")
    staff.is_superuser = False
    staff.save()
    staff.user_permissions.set(Permission.objects.filter(codename__in=granted))

    operator.act("deregister", Session.objects.get())

    assert (Session.objects.get().status == Session.Status.DEREGISTERED) is may_act


def test_a_realms_limits_can_be_set_and_nothing_else(operator: Pages, caller: Agent) -> None:
    realm = Realm.objects.get()
    sent = operator.realm_form(realm)

    answer = operator.browser.post(
        path_of(Realm, "change", realm.pk),
        {**sent, "inbox_limit": 5, "slug": "taken", "owner": 1, "status": "suspended"},
    )

    assert answer.status_code == 302
    changed = Realm.objects.get()
    assert (changed.inbox_limit, changed.slug, changed.status) == (5, "default", Realm.Status.ACTIVE)
    assert changed.owner == realm.owner


def test_a_realm_suspended_meanwhile_stays_so(operator: Pages, caller: Agent) -> None:
    realm = Realm.objects.get()
    sent = operator.realm_form(realm)
    owners.set_realm_status(realm=realm, status=Realm.Status.SUSPENDED, by=OPERATOR)

    operator.browser.post(path_of(Realm, "change", realm.pk), {**sent, "retention_days": 7})

    changed = Realm.objects.get()
    assert (changed.retention_days, changed.status) == (7, Realm.Status.SUSPENDED)


def test_a_realm_can_be_made_for_an_owner(operator: Pages, realm: Realm) -> None:
    wanted = {"owner": realm.owner_id, "slug": "second"}

    made = operator.browser.post(path_of(Realm, "add"), wanted)
    again = operator.browser.post(path_of(Realm, "add"), wanted, follow=True)

    assert (made.status_code, again.status_code) == (302, 200)
    assert "has a realm second already" in again.content.decode()
    assert Realm.objects.filter(owner=realm.owner, slug="second").count() == 1
    assert operator.browser.post(path_of(Realm, "delete", realm.pk), {"post": "yes"}).status_code == 403
