"""A session's page: what it says of itself, and everything that belongs to it."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pytest_django import DjangoAssertNumQueries

from hub.console.sessions import EVENTS_SHOWN, NAMESPACES_SHOWN
from realms.ids import SESSION, new_id
from tests.cases import cases
from tests.cast import Agent, new_agent
from tests.console.people import Person, words_of
from tests.grants.lives import asked
from tests.memory.entries import written
from tests.messages.test_signature import SPKI, text_of
from tests.rows import open_stream


def test_it_shows_what_the_session_says_of_itself(viewer: Person, key: str) -> None:
    said = '{"model":"large","note":"<script>alert(1)</script>"}'
    agent = new_agent(key, "dora", capabilities=["memory.read"], manifest=said)

    shown = words_of(viewer.get("realm-session", agent.id))

    assert '<span class="s2">&quot;large&quot;</span>' in shown
    assert "memory.read" in shown
    assert "<script>alert" not in shown and "&lt;script&gt;alert(1)" in shown


@pytest.mark.parametrize("form", ["SPKI", "raw"])
def test_it_shows_the_keys_fingerprint(viewer: Person, key: str, form: str) -> None:
    agent = new_agent(key, "dora", public_key=text_of(SPKI if form == "SPKI" else SPKI[-32:]))

    shown = words_of(viewer.get("realm-session", agent.id))

    digest = base64.b64encode(hashlib.sha256(SPKI).digest()).decode().rstrip("=")
    assert f"SHA256:{digest}" in shown
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    another = new_agent(key, "dave", public_key=text_of(other))
    assert digest not in words_of(viewer.get("realm-session", another.id))


def test_it_shows_inbox_streams_grants_and_namespaces(
    viewer: Person, alice: Agent, bob: Agent, charlie: Agent
) -> None:
    written(alice, "project.name")
    alice.grant(bob, "memory.read", "project.*")
    pending = asked(alice, bob)
    bob.send(alice)
    open_stream(alice)
    charlie.send(bob)

    answer = viewer.get("realm-session", alice.id)

    shown = words_of(answer)
    assert "unread of at most 10000" in shown
    assert "1 open, since" in shown
    assert pending in {grant.pk for grant in answer.context["grants"]}
    assert {grant.status for grant in answer.context["grants"]} == {"pending", "active"}
    assert viewer.path("realm-memory", prefix="project") in shown
    assert viewer.path("realm-grants", session=alice.id) in shown
    assert viewer.path("realm-session", charlie.id) not in shown


def test_it_says_how_many_namespaces_there_are_where_it_shows_not_all(viewer: Person, alice: Agent) -> None:
    names = [f"n{number:02}" for number in range(NAMESPACES_SHOWN + 1)]
    written(alice, *names[1:])
    assert f"It owns {NAMESPACES_SHOWN} namespaces:" in words_of(viewer.get("realm-session", alice.id))

    written(alice, names[0])

    shown = words_of(viewer.get("realm-session", alice.id))
    assert f"It owns {NAMESPACES_SHOWN + 1} namespaces, of which these are the first:" in shown
    assert names[0] in shown and names[-1] not in shown


def test_it_leads_to_all_of_its_events(viewer: Person, alice: Agent, bob: Agent) -> None:
    asked(alice, bob)

    shown = words_of(viewer.get("realm-session", alice.id))

    for query, actions in (
        ({"actor_kind": "session", "actor": alice.id}, {"grant.requested"}),
        ({"target": alice.id}, {"session.registered"}),
    ):
        path = viewer.path("realm-audit", **query)
        assert path.replace("&", "&amp;") in shown
        assert {event.action for event in viewer.browser.get(path).context["page"].rows} == actions


def test_it_shows_the_last_events_that_it_was_target_or_actor_of(
    viewer: Person, alice: Agent, bob: Agent
) -> None:
    grant = asked(alice, bob)
    assert bob.post(f"grants/{grant}/deny").status == 200

    said = [(event.action, event.target) for event in viewer.get("realm-session", bob.id).context["events"]]

    assert ("session.registered", bob.id) in said
    assert {action for action, target in said if target == grant} <= {"grant.requested", "grant.denied"}
    assert len(said) == 2
    assert len(said) <= EVENTS_SHOWN


def test_a_deregistered_session_has_a_page_without_buttons(owner: Person, alice: Agent, bob: Agent) -> None:
    alive = words_of(owner.get("realm-session", bob.id))
    assert bob.delete(f"sessions/{bob.id}").status == 200

    answer = owner.get("realm-session", bob.id)

    assert answer.status_code == 200
    shown = words_of(answer)
    for path in (owner.path("realm-session-ping", bob.id), owner.path("realm-session-deregister", bob.id)):
        assert path in alive and path not in shown
    assert "was deregistered" in shown


def test_a_viewer_sees_no_buttons(viewer: Person, admin: Person, alice: Agent) -> None:
    path = viewer.path("realm-session-deregister", alice.id)

    assert path in words_of(admin.get("realm-session", alice.id))
    assert path not in words_of(viewer.get("realm-session", alice.id))


@cases(
    ("method", "page"),
    [
        ("get", "realm-session"),
        ("post", "realm-session-ping"),
        ("get", "realm-session-deregister"),
        ("post", "realm-session-deregister"),
    ],
)
def test_another_realms_session_is_as_one_that_is_none(
    owner: Person, alice: Agent, mallory: Agent, method: str, page: str
) -> None:
    ask = getattr(owner, method)
    answers = [ask(page, each) for each in (mallory.id, new_id(SESSION), "sess_x", alice.id[5:])]

    assert {answer.status_code for answer in answers} == {404}
    assert len({words_of(answer) for answer in answers}) == 1
    assert ask(page, alice.id.lower()).status_code in (200, 302, 400)


def test_a_page_asks_a_bounded_number_of_queries(
    viewer: Person, alice: Agent, bob: Agent, key: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        written(alice, f"space{number}.name")
        alice.grant(new_agent(key, f"agent-{number}"), "memory.read", f"space{number}.*")

    with django_assert_max_num_queries(14):
        viewer.get("realm-session", alice.id)
