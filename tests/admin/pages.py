"""The admin's pages, as an operator's browser asks for them."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import quote
from django.db import models
from django.urls import reverse

from hub.grants.models import Grant
from hub.memory.models import MemoryEntry, MemoryNamespace
from hub.messages.models import Message
from hub.sessions.models import Session
from realms.models import ApiKey, AuditEvent, Invitation, Membership, Realm
from tests.client import Client

READ_ONLY: list[type[models.Model]] = [
    AuditEvent,
    ApiKey,
    Membership,
    Invitation,
    Session,
    Message,
    MemoryEntry,
    MemoryNamespace,
    Grant,
]
ALL: list[type[models.Model]] = [Realm, *READ_ONLY]


def path_of(model: type[models.Model], page: str, *ids: str) -> str:
    """Return the path of a model's `page`: changelist, add, change, delete or history."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=ids)


@dataclass
class Pages:
    """What a browser with the operator's cookie does."""

    browser: Client

    def list(self, model: type[models.Model], **query: Any) -> Any:
        """Open a list."""
        return self.browser.get(path_of(model, "changelist"), query)

    def rows(self, model: type[models.Model], **query: Any) -> set[str]:
        """Return the keys of a list's rows."""
        answer = self.list(model, **query)
        assert answer.status_code == 200, answer
        return {str(row.pk) for row in answer.context["cl"].result_list}

    def one(self, thing: models.Model, page: str = "change") -> Any:
        """Open a page of one thing."""
        return self.browser.get(path_of(type(thing), page, quote(str(thing.pk))))

    def realm_form(self, realm: Realm) -> dict[str, Any]:
        """Return what the page of a realm sends if nothing in it is edited."""
        form: Any = self.one(realm).context["adminform"].form
        return {name: form[name].value() for name in form.fields if form[name].value() not in (False, None)}

    def act(self, action: str, *things: models.Model) -> str:
        """Run an action on things, confirm it if that is asked, and return the page with its flashes."""
        answer = self.choose(action, *things)
        if "asked" in answer.context:
            answer = self.choose(action, *things, confirmed="yes")
        return str(answer.content.decode())

    def choose(self, action: str, *things: models.Model, **said: str) -> Any:
        """Choose things in their list and an action."""
        chosen = {"action": action, "_selected_action": [str(thing.pk) for thing in things], **said}
        answer = self.browser.post(path_of(type(things[0]), "changelist"), chosen, follow=True)
        assert answer.status_code == 200, answer
        return answer
