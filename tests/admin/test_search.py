"""Search, filters and addresses: any text is taken, none is a fault."""

import pytest
from django.db import models

from hub.grants.models import Grant
from hub.memory.models import MemoryEntry, MemoryNamespace
from hub.messages.models import Message
from hub.sessions.models import Session
from realms.models import ApiKey, Realm
from tests.admin.pages import ALL, Pages, path_of
from tests.cases import cases
from tests.cast import Agent
from tests.rows import open_stream

ODD = [
    "garbage",
    "sess_01",
    "sess_8ZZZZZZZZZZZZZZZZZZZZZZZZZ",  # its first character is beyond 128 bits
    "a\0b",
    "%00",
    "\"'; DROP TABLE hub_session; --%_\\",
    "ünïcödé 猫 🐈 \u202e",
    "a " * 120,
    "x" * 60_000,
    "999999999999999999999999",
]


@cases("model", ALL)
def test_any_text_can_be_searched_for(operator: Pages, alice: Agent, model: type[models.Model]) -> None:
    for text in ODD:
        assert operator.list(model, q=text).status_code == (400 if "\0" in text else 200), text


@cases("parameter", ["realm__id__exact", "status__exact", "kind", "p", "o"])
def test_any_filter_can_be_typed(operator: Pages, alice: Agent, parameter: str) -> None:
    for text in ODD:
        assert operator.list(Session, **{parameter: text}).status_code in (200, 302, 400), text


def test_any_day_can_be_typed(operator: Pages, alice: Agent) -> None:
    for text in [*ODD, "0001-01-01 00:00:00+14:00"]:
        assert operator.list(Message, sent_at__gte=text).status_code in (200, 302, 400), text


@cases("model", ALL)
def test_an_address_of_nothing_leads_away(operator: Pages, model: type[models.Model]) -> None:
    for text in ODD:
        answer = operator.browser.get(path_of(model, "change", text))
        assert (answer.status_code, answer["Location"]) == (302, "/admin/"), text


@pytest.mark.parametrize(("model", "action"), [(Session, "deregister"), (MemoryEntry, "remove")])
def test_any_selection_can_be_sent(
    operator: Pages, alice: Agent, model: type[models.Model], action: str
) -> None:
    for text in ODD:
        chosen = {"action": action, "_selected_action": [text]}
        answer = operator.browser.post(path_of(model, "changelist"), chosen)
        assert answer.status_code in (200, 302, 400), text
    assert Session.objects.get().status == Session.Status.ACTIVE


@cases(
    ("model", "lookup"),
    [
        (Message, "payload__contains"),
        (Message, "envelope__startswith"),
        (MemoryEntry, "value__contains"),
        (ApiKey, "secrets__digest__startswith"),
        (Realm, "owner__password__startswith"),
        (Session, "realm__owner__password__startswith"),
    ],
)
def test_what_is_not_shown_cannot_be_guessed_at(
    operator: Pages, busy: str, model: type[models.Model], lookup: str
) -> None:
    assert operator.list(model).status_code == 200

    assert operator.list(model, **{lookup: "a"}).status_code == 400


def test_things_are_found_by_their_ids(operator: Pages, busy: str, alice: Agent, bob: Agent) -> None:
    realm, grant, message = Realm.objects.get(), Grant.objects.get(), Message.objects.order_by("pk")[0]

    for typed in (alice.id, alice.id.upper(), f"  {alice.id.lower()} "):
        assert operator.rows(Session, q=typed) == {alice.id}
    assert operator.rows(Message, q=message.pk) == {message.pk}
    assert operator.rows(Grant, q=grant.pk) == {grant.pk}
    assert operator.rows(Realm, q=realm.pk) == {realm.pk}
    assert operator.rows(Grant, q=alice.id) == operator.rows(Grant, q=bob.id) == {grant.pk}
    assert len(operator.rows(Session, q=realm.pk)) == 3
    assert operator.rows(Session, q=f"sess_{'0' * 26}") == set()


def test_things_are_found_by_name(operator: Pages, busy: str, alice: Agent, bob: Agent) -> None:
    assert operator.rows(Session, q="ALI") >= {alice.id}
    assert bob.id not in operator.rows(Session, q="charlie")
    assert operator.rows(Message, q="alice")
    assert not operator.rows(Message, q="nobody")
    assert len(operator.rows(MemoryEntry, q="project.name")) == 1
    assert len(operator.rows(MemoryNamespace, q="bob")) == 1
    assert len(operator.rows(ApiKey, q="alice@example.com")) == 2


def test_filters_keep_what_they_say(operator: Pages, busy: str, alice: Agent, bob: Agent) -> None:
    assert operator.rows(Session, kind="executor") == {bob.id}
    assert len(operator.rows(Session)) == 3
    assert len(operator.rows(Message, category="message")) == 2
    assert len(operator.rows(Grant, status="active")) == 1
    assert operator.rows(Grant, status="expired") == set()
    assert operator.rows(Message, sender__id__exact=bob.id) < operator.rows(Message)


def test_a_session_is_connected_while_a_living_process_holds_its_stream(
    operator: Pages, alice: Agent, bob: Agent, charlie: Agent
) -> None:
    open_stream(alice)
    open_stream(bob, beat_ago_seconds=60)

    assert operator.rows(Session, connected="yes") == {alice.id}
    assert operator.rows(Session, connected="no") == {bob.id, charlie.id}
    listed = operator.list(Session).context["cl"].result_list
    assert {session.pk for session in listed if session.streaming} == {alice.id}


@cases(
    "path",
    [
        "/admin/autocomplete/?app_label=realms&model_name=realm&field_name=owner&term=%00",
        "/admin/accounts/user/?email=%00",
        "/admin/login/?next=%00",
        "/?%00",
    ],
)
def test_nul_in_a_query_is_a_bad_request(operator: Pages, path: str) -> None:
    assert operator.browser.get(path.replace("%00", "a")).status_code < 400
    assert operator.browser.get(path).status_code == 400
