"""Every list and every page of one thing."""

from typing import Any

from django.contrib.admin.utils import quote
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from hub.grants.models import Grant
from hub.memory.models import MemoryEntry
from hub.messages.models import Message
from realms.audit.actor import Actor
from realms.key_format import digest_of
from realms.members.invitations import invite
from realms.members.models import Invitation, Role
from realms.models import ApiKeySecret, Realm
from tests.admin.pages import ALL, READ_ONLY, Pages, path_of
from tests.cases import cases
from tests.cast import Agent, new_agent, new_owner
from tests.client import Client

LIST_QUERIES = 9  # cookie, user, count, rows, prefetches: as many for two rows as for fifty


@cases("model", ALL)
def test_an_operator_sees_lists_and_details(operator: Pages, busy: str, model: type[models.Model]) -> None:
    assert operator.list(model).status_code == 200
    for thing in model._default_manager.all():
        assert operator.one(thing).status_code == 200
        assert operator.one(thing, "history").status_code == 200


@cases("model", ALL)
def test_others_are_sent_to_the_login(client: Client, busy: str, model: type[models.Model]) -> None:
    client.force_login(new_owner("oscar"))
    thing = model._default_manager.all()[:1].get()

    for path in (path_of(model, "changelist"), path_of(model, "change", quote(str(thing.pk)))):
        answer: Any = client.get(path)
        assert (answer.status_code, answer.url.split("?")[0]) == (302, "/admin/login/")


@cases("model", READ_ONLY)
def test_nobody_adds_edits_or_deletes(operator: Pages, busy: str, model: type[models.Model]) -> None:
    thing = model._default_manager.all()[:1].get()
    before = list(model._default_manager.order_by("pk").values())
    one = quote(str(thing.pk))

    assert operator.browser.post(path_of(model, "add"), {"name": "x"}).status_code == 403
    assert operator.browser.post(path_of(model, "change", one), {"name": "x"}).status_code == 403
    assert operator.browser.post(path_of(model, "delete", one), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in operator.list(model).content.decode()
    operator.act("delete_selected", thing)
    assert list(model._default_manager.order_by("pk").values()) == before


def test_no_page_shows_a_secret_a_payload_or_a_value(operator: Pages, busy: str, key: str) -> None:
    digest = digest_of(key)
    secret = ApiKeySecret.objects.get(digest=digest)
    realm = Realm.objects.get()
    _, token = invite(realm=realm, email="ida@example.com", role=Role.VIEWER, by=Actor.person(realm.owner))
    link = bytes(Invitation.objects.get(email="ida@example.com").digest)
    hidden = [busy, key, key[5:-6], digest.hex(), str(digest), repr(digest), token, link.hex(), repr(link)]
    pages = [operator.browser.get("/admin/")]
    for model in ALL:
        pages.append(operator.list(model))
        for thing in model._default_manager.all():
            pages += [operator.one(thing), operator.one(thing, "history")]

    for page in pages:
        shown = page.content.decode()
        assert not [text for text in hidden if text in shown], page.request["PATH_INFO"]
    assert f"aisp_…{secret.last_four}" in operator.one(secret.key).content.decode()


def test_no_query_reads_a_payload_or_a_value(operator: Pages, busy: str) -> None:
    things = [*Message.objects.all(), *MemoryEntry.objects.all()]

    with CaptureQueriesContext(connection) as captured:
        for thing in things:
            operator.list(type(thing))
            operator.one(thing)

    asked = " ".join(query["sql"] for query in captured)
    assert '"hub_message"."category"' in asked and '"hub_memoryentry"."size"' in asked
    for hidden in ("payload", "envelope", '"hub_memoryentry"."value"'):
        assert hidden not in asked


@cases("model", ALL)
def test_a_list_asks_no_query_per_row(
    operator: Pages,
    busy: str,
    alice: Agent,
    bob: Agent,
    key: str,
    model: type[models.Model],
    django_assert_max_num_queries: Any,
) -> None:
    for i in range(5):
        new = new_agent(key, f"agent-{i}")
        alice.send([bob, new])
        new.post("memory", {"entries": [{"key": f"space{i}.a", "value": i}]})
        new.grant(alice, "memory.read", f"space{i}.*")

    with django_assert_max_num_queries(LIST_QUERIES):
        assert operator.list(model).status_code == 200


def test_a_messages_page_shows_each_recipients_state(
    operator: Pages, alice: Agent, bob: Agent, charlie: Agent
) -> None:
    alice.send([bob, charlie])
    bob.inbox()
    message = Message.objects.get()

    shown = operator.one(message).content.decode()

    assert "bob" in shown and "charlie" in shown
    assert "read" in shown and "queued" in shown
    assert "1 queued, 1 read" in operator.list(Message).content.decode()


def test_a_list_names_the_first_two_recipients_and_counts_the_others(
    operator: Pages, key: str, alice: Agent, bob: Agent, charlie: Agent
) -> None:
    alice.send([bob, charlie])
    assert "bob, charlie" in operator.list(Message).content.decode()
    assert "more" not in _recipients_in(operator)

    alice.send([bob, charlie, alice, new_agent(key, "dora")])
    assert "bob, charlie and 2 more" in _recipients_in(operator)


def _recipients_in(operator: Pages) -> str:
    """Return what the list of messages shows of their recipients."""
    page = operator.list(Message).context["cl"]
    return "\n".join(page.model_admin.recipient_names(message) for message in page.result_list)


def test_what_agents_say_is_escaped(operator: Pages, alice: Agent, bob: Agent) -> None:
    markup = "<script>alert(1)</script>"
    wish = {"to": bob.id, "capability": "memory.read", "namespace": "a.*", "reason": markup}
    assert alice.post("grants", wish).status == 200

    shown = operator.one(Grant.objects.get()).content.decode()

    assert markup not in shown
    assert "&lt;script&gt;alert(1)" in shown
