"""Grants in the console: look, approve, narrow, deny, revoke."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from hub.grants.models import Grant
from realms.models import AuditEvent
from tests.at_once import at_once
from tests.cast import Agent
from tests.console.people import Person, signed_in
from tests.grants.lives import STATES, age, asked, grant_in, in_an_hour, kept
from tests.memory.entries import keys_in, written

QUERIES_AT_MOST = 12
WHERE = {"pending": "pending", "active": "active"}  # every other state is history

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


def ids(answer: Any) -> list[str]:
    """Return the ids of the grants on a page, in their order."""
    assert answer.status_code == 200
    return [each.pk if isinstance(each, Grant) else each[0].pk for each in answer.context["grants"]]


def test_pending_ones_wait_in_a_queue(viewer: Person, alice: Agent, bob: Agent, charlie: Agent) -> None:
    first, second = asked(alice, bob, reason="<script>x</script>"), asked(charlie, bob)

    answer = viewer.get("realm-grants")

    assert ids(answer) == [first, second]
    text = answer.content.decode()
    assert "&lt;script&gt;x" in text
    assert "<script>x" not in text


@pytest.mark.parametrize("state", STATES)
def test_a_grant_is_where_its_state_by_the_clock_says(
    owner: Person, alice: Agent, bob: Agent, state: str
) -> None:
    grant_id = grant_in(state, alice, bob)

    for tab in ("pending", "active", "history"):
        shown = ids(owner.get("realm-grants", status=tab))
        assert shown == ([grant_id] if tab == WHERE.get(state, "history") else []), tab
    now = {"overdue active": "expired", "overdue pending": "expired"}.get(state, state)
    assert owner.get("realm-grant", grant_id).context["status"] == now


def test_only_one_sessions_grants(owner: Person, alice: Agent, bob: Agent, charlie: Agent) -> None:
    mine, other = asked(alice, bob), asked(bob, charlie)

    assert ids(owner.get("realm-grants", session=alice.id)) == [mine]
    assert ids(owner.get("realm-grants", session=bob.id.lower())) == [mine, other]
    alice.delete(f"sessions/{alice.id}")
    assert ids(owner.get("realm-grants", session=alice.id, status="history")) == [mine]


def test_a_session_that_is_none_of_the_realm_is_not_found(owner: Person, mallory: Agent) -> None:
    for session in (mallory.id, "sess_01", "", "sess_" + "0" * 26):
        assert owner.get("realm-grants", session=session).status_code == 404, session


@pytest.mark.parametrize(
    "query",
    [
        {"status": "revoked"},
        {"status": "\0"},
        {"status": ""},
        {"after": "x"},
        {"after": "sess_" + "0" * 26},
        {"status": "history", "before": "\0"},
    ],
)
def test_a_malformed_query_is_refused(owner: Person, query: dict[str, str]) -> None:
    assert owner.get("realm-grants", **query).status_code == 400
    assert (
        owner.get("realm-grants", **{name: v for name, v in query.items() if v == "history"}).status_code
        == 200
    )


def test_the_queue_goes_on_on_the_next_page(owner: Person, alice: Agent, bob: Agent) -> None:
    asks = [asked(alice, bob, namespace=f"n{i}") for i in range(52)]

    first = owner.get("realm-grants")

    assert ids(first) == asks[:50]
    assert ids(owner.get("realm-grants", after=first.context["page"].after)) == asks[50:]


def test_what_waits_for_nobody_says_how_to_ask(owner: Person) -> None:
    text = owner.get("realm-grants").content.decode()

    assert "Nothing waits for a decision." in text
    assert "POST /api/v1/grants" in text
    for tab in ("active", "history"):
        assert 'class="empty"' in owner.get("realm-grants", status=tab).content.decode()


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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize("action", DECISIONS)
@pytest.mark.parametrize("state", [state for state in STATES if state != "pending"])
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


def test_an_active_grant_is_revoked_after_a_look(admin: Person, alice: Agent, bob: Agent) -> None:
    written(bob, "project.name")
    grant_id = grant_in("active", alice, bob)
    assert "project.*" in admin.get("realm-grant-revoke", grant_id).content.decode()
    assert alice.get("memory/project.name").status == 200

    assert admin.post("realm-grant-revoke", grant_id).status_code == 302

    assert alice.get("memory/project.name").code == "grant_required"
    logged = AuditEvent.objects.get(action="grant.revoked")
    assert (logged.actor, logged.details["on_behalf_of"]) == (admin.user.email, bob.id)


def test_what_has_ended_is_not_revoked_again(admin: Person, alice: Agent, bob: Agent) -> None:
    grant_id = grant_in("active", alice, bob)
    age(grant_id)
    before = kept()

    assert admin.get("realm-grant-revoke", grant_id).status_code == 409
    assert admin.post("realm-grant-revoke", grant_id).status_code == 409

    assert kept() == before


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


@pytest.mark.parametrize("tab", ["pending", "active", "history"])
def test_a_page_takes_few_queries(
    owner: Person,
    alice: Agent,
    bob: Agent,
    tab: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for i in range(8):
        grant_id = asked(alice, bob, namespace=f"n{i}")
        if tab != "pending":
            bob.post(f"grants/{grant_id}/{'approve' if tab == 'active' else 'deny'}")

    with django_assert_max_num_queries(QUERIES_AT_MOST):
        assert len(ids(owner.get("realm-grants", status=tab))) == 8
