"""A request is approved, narrowed or denied in the console, in its grantor's place."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from hub.grants.models import Grant
from realms.models import AuditEvent
from tests.at_once import at_once
from tests.cases import cases
from tests.cast import Agent
from tests.console.people import Person, signed_in
from tests.grants.lives import STATES, asked, grant_in, in_an_hour, kept
from tests.memory.entries import keys_in, written

# What each button or form sends.
DECISIONS: dict[str, dict[str, Any]] = {
    "approve": {},
    "deny": {},
    "narrow": {"namespace": "project.name", "expires_at": ""},
}


def decide(person: Person, action: str, grant_id: str, **said: str) -> Any:
    """Send a decision; what is not said about a narrowed expiry is in half an hour."""
    half = f"{timezone.now() + timedelta(minutes=30):%Y-%m-%dT%H:%M}"
    sent = {**DECISIONS[action], **({"expires_at": half} if action == "narrow" else {}), **said}
    return person.post(f"realm-grant-{action}", grant_id, said=sent)


@pytest.mark.parametrize(
    ("action", "status", "event"),
    [("approve", "active", "approved"), ("deny", "denied", "denied"), ("narrow", "active", "approved")],
)
def test_a_decision_is_made_in_the_grantors_place(
    admin: Person, alice: Agent, bob: Agent, action: str, status: str, event: str
) -> None:
    grant_id = asked(alice, bob)

    answer = decide(admin, action, grant_id)

    assert answer.status_code == 302
    assert Grant.objects.get().status == status
    logged = AuditEvent.objects.get(action=f"grant.{event}")
    assert (logged.actor, logged.details["on_behalf_of"]) == (admin.user.email, bob.id)
    told = [(message["from"], message["payload"]["event"]) for message in alice.inbox()]
    assert told == [("hub", event)]
    assert 'role="status"' in admin.browser.get(answer["Location"]).content.decode()


def test_only_what_was_left_is_open(admin: Person, alice: Agent, bob: Agent) -> None:
    written(bob, "project.name", "project.stage")
    grant_id = asked(alice, bob, expires_at=in_an_hour(2))

    decide(admin, "narrow", grant_id)

    assert keys_in(alice.get("memory")) == ["project.name"]
    assert Grant.objects.get().expires_at < timezone.now() + timedelta(minutes=31)


def test_what_is_sent_as_it_was_offered_stays_as_asked(admin: Person, alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob)
    before = Grant.objects.get()
    form = admin.get("realm-grant-narrow", grant_id).context["form"]

    offered = {field.name: str(field.value()) for field in form if field.name != "expires_at"}
    until = f"{form['expires_at'].value():%Y-%m-%dT%H:%M:%S}"
    admin.post("realm-grant-narrow", grant_id, said={**offered, "expires_at": until})

    after = Grant.objects.get()
    assert after.status == "active"
    assert (after.namespace, after.expires_at) == (before.namespace, before.expires_at)


@cases(
    ("field", "said"),
    [
        ("namespace", ""),
        ("namespace", "*"),
        ("namespace", "other.*"),
        ("namespace", "project.*.x"),
        ("namespace", "project.a\0"),
        ("namespace", "project." + "x" * 300),
        ("expires_at", ""),
        ("expires_at", "tomorrow"),
        ("expires_at", "2020-01-01T00:00"),
        ("expires_at", "9999-12-31T23:59"),
        ("expires_at", "9999-12-31T23:59:59-12:00"),
        ("expires_at", "0001-01-01T00:00:00+12:00"),
        ("expires_at", "2026-13-01T00:00"),
    ],
)
def test_what_is_not_narrower_is_refused_at_its_field(
    admin: Person, alice: Agent, bob: Agent, field: str, said: str
) -> None:
    grant_id = asked(alice, bob)
    before = kept()

    answer = decide(admin, "narrow", grant_id, **{field: said})

    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == [field]
    assert kept() == before
    assert decide(admin, "narrow", grant_id).status_code == 302


def test_what_has_no_namespace_is_narrowed_in_time_alone(admin: Person, alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob, capability="delegate.receive", namespace=...)

    assert "namespace" not in admin.get("realm-grant-narrow", grant_id).context["form"].fields
    assert decide(admin, "narrow", grant_id).status_code == 302
    assert Grant.objects.get().status == "active"


@cases("action", DECISIONS)
@cases("state", [state for state in STATES if state != "pending"])
def test_what_was_decided_meanwhile_stays_so(
    admin: Person, alice: Agent, bob: Agent, state: str, action: str
) -> None:
    grant_id = grant_in(state, alice, bob)
    before, events = kept(), AuditEvent.objects.count()

    answer = decide(admin, action, grant_id)

    assert answer.status_code == 409
    assert "Nothing was changed." in answer.content.decode()
    assert (kept(), AuditEvent.objects.count()) == (before, events)


@pytest.mark.parametrize("action", DECISIONS)
def test_a_request_of_a_session_that_left_is_not_decided(
    admin: Person, alice: Agent, bob: Agent, action: str
) -> None:
    grant_id = asked(alice, bob)
    bob.delete(f"sessions/{bob.id}")

    answer = decide(admin, action, grant_id)

    assert answer.status_code == 409
    assert "revoked" in answer.content.decode()
    assert Grant.objects.get().status == "revoked"


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_decide_at_once_one_counts(
    owner: Person, admin: Person, alice: Agent, bob: Agent
) -> None:
    for _ in range(3):
        grant_id = asked(alice, bob)

        answers = at_once(
            partial(decide, owner, "approve", grant_id), partial(decide, admin, "deny", grant_id)
        )

        assert sorted(answer.status_code for answer in answers) == [302, 409]
        assert len(alice.inbox()) == 1
        bob.delete(f"grants/{grant_id}")
        alice.inbox()


def test_a_viewer_decides_nothing(viewer: Person, alice: Agent, bob: Agent) -> None:
    grant_id = asked(alice, bob)
    before = kept()

    for action in DECISIONS:
        assert decide(viewer, action, grant_id).status_code == 403
    assert viewer.post("realm-grant-revoke", grant_id).status_code == 403

    assert kept() == before
    for name, named in (("realm-grants", ()), ("realm-grant", (grant_id,))):
        text = viewer.get(name, *named).content.decode()
        assert "/approve" not in text
        assert "/revoke" not in text


def test_a_grant_of_another_realm_is_not_found(
    admin: Person, stranger: Person, alice: Agent, bob: Agent
) -> None:
    grant_id = asked(alice, bob)
    before = kept()
    elsewhere = signed_in(stranger.user, stranger.user.realms.get())

    for said in (grant_id, "grant_01", "x", "grant_" + "0" * 26):
        assert elsewhere.get("realm-grant", said).status_code == 404
        for action in DECISIONS:
            assert decide(elsewhere, action, said).status_code == 404
        assert elsewhere.post("realm-grant-revoke", said).status_code == 404

    assert kept() == before
    assert decide(admin, "approve", grant_id).status_code == 302
