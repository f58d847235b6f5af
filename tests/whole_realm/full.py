"""A realm with something of everything in it, and what the database holds of a realm."""

import uuid
from typing import Any

from django.apps import apps
from django.db import models
from django.utils import timezone

from hub.activity.models import Tally
from hub.messages.models import Message, Ping
from realms.members.models import Role
from realms.models import AuditEvent, AuditHead, Realm
from tests.cast import Agent, new_agent, new_key, new_realm
from tests.grants.lives import asked, grant_in
from tests.members.people import invited, joined
from tests.memory.entries import written
from tests.rows import open_stream

# What a deleted realm keeps.
KEPT: set[type[models.Model]] = {Realm, AuditEvent, AuditHead}


def ways_to_realm(model: type[models.Model]) -> list[str]:
    """Return the lookups by which a row of `model` belongs to a realm, nearest first."""
    if model is Realm:
        return ["pk"]
    seen: set[type[models.Model]] = {model}
    ways: list[tuple[str, type[models.Model]]] = [("", model)]
    while ways:
        found, further = [], []
        for way, at in ways:
            for field in at._meta.get_fields():
                target = field.related_model
                if not (isinstance(field, models.ForeignKey) and isinstance(target, type)):
                    continue
                if target is Realm:
                    found.append(f"{way}{field.name}")
                elif target not in seen and target._meta.app_label in ("hub", "realms"):
                    seen.add(target)
                    further.append((f"{way}{field.name}__", target))
        if found:
            return found
        ways = further
    return []


def models_of_realms() -> dict[type[models.Model], str]:
    """Return every model whose rows belong to realms, and the lookup that tells to which."""
    rooms = [model for room in ("realms", "hub") for model in apps.get_app_config(room).get_models()]
    return {model: ways[0] for model in rooms if (ways := ways_to_realm(model))}


def held(realm: Realm) -> dict[str, int]:
    """Return how many rows of each kind the database holds of a realm."""
    counts = {
        model.__name__: model._default_manager.filter(**{way: realm.pk}).count()
        for model, way in models_of_realms().items()
    }
    return {name: count for name, count in counts.items() if count}


def full_realm(owner: str) -> tuple[Realm, str, Agent, Agent]:
    """Return a realm of `owner` in which every table has a row, a key of it, and two of its agents."""
    realm = new_realm(owner)
    key = new_key(realm)[1]
    one, other = (new_agent(key, name, capabilities=["delegate.receive"]) for name in ("one", "other"))
    for agent, to in ((one, other), (other, one)):
        agent.send(to)
        agent.send(to, reply_to=one.send(other).json["message_id"])
    one.send([one, other], payload={"text": "ä\u2028", "big": "x" * 2000})
    one.post("grants", {"to": other.id, "capability": "delegate.receive"}, headers={"Idempotency-Key": "a"})
    written(one, "project.name", "project.stage", "solo")
    grant_in("active", other, one)
    asked(one, other, capability="memory.write", namespace="notes.*")
    open_stream(one)
    member = joined(realm, f"{owner}s-friend", Role.ADMIN)
    invited(realm, f"{owner}s-guest", by=member)
    Tally.objects.create(realm=realm, grain="hour", measure="requests", begins_at=timezone.now(), count=3)
    ping = Message.objects.create(
        realm=realm, sender=None, recipients=[one.id], category="ping", payload="{}"
    )
    Ping.objects.create(message=ping, target_id=one.id, nonce=uuid.uuid4().hex, expires_at=timezone.now())
    return realm, key, one, other


def names_of(models_: Any) -> set[str]:
    """Return the names of models."""
    return {model.__name__ for model in models_}
