"""An action that hurts is asked about first, on a page that says what would come of it for what."""

from django.db import models

from hub.grants.models import Grant
from hub.memory.models import MemoryEntry
from hub.sessions.models import Session
from realms.models import ApiKey, AuditEvent, Realm
from tests.admin.pages import Pages, path_of
from tests.cases import cases
from tests.cast import Agent

ASKED: list[tuple[type[models.Model], str, str]] = [
    (Realm, "suspend", "Nothing is lost"),
    (ApiKey, "revoke", "No key comes back from it"),
    (Session, "deregister", "This cannot be undone"),
    (Grant, "revoke", "both sides are told"),
    (MemoryEntry, "remove", "gone for good"),
]


@cases(("model", "action", "means"), ASKED)
def test_nothing_is_done_before_it_is_confirmed(
    operator: Pages, busy: str, model: type[models.Model], action: str, means: str
) -> None:
    thing = model._default_manager.order_by("pk")[0]
    before, events = list(model._default_manager.order_by("pk").values()), AuditEvent.objects.count()

    page = operator.choose(action, thing).content.decode()

    assert means in page
    assert f">{thing}</a>" in page and "alice@example.com" in page
    assert list(model._default_manager.order_by("pk").values()) == before
    assert AuditEvent.objects.count() == events

    operator.choose(action, thing, confirmed="yes")

    assert AuditEvent.objects.count() > events


def test_what_can_be_taken_back_is_done_at_once(operator: Pages, caller: Agent) -> None:
    key = ApiKey.objects.get()

    for action, status in (("disable", "disabled"), ("enable", "active")):
        operator.choose(action, key)
        assert ApiKey.objects.get().status == status


def test_what_left_the_list_meanwhile_is_not_changed(operator: Pages, caller: Agent) -> None:
    key = ApiKey.objects.get()
    operator.act("disable", key)
    chosen = {"action": "revoke", "_selected_action": [key.pk], "confirmed": "yes"}

    shown = operator.browser.post(f"{path_of(ApiKey, 'changelist')}?status=active", chosen, follow=True)

    assert "not in this list any more" in shown.content.decode()
    assert ApiKey.objects.get().status == "disabled"


def test_rows_of_one_name_are_told_apart(operator: Pages, realm: Realm, mallory: Agent) -> None:
    page = operator.choose("suspend", *Realm.objects.all()).content.decode()

    assert "Suspend 2 realms?" in page
    assert "of alice@example.com" in page and "of mallory@example.com" in page
