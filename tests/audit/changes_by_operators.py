"""Changes that people, commands and periodic tasks make, and the events that each has to leave."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import models
from django.utils import timezone

from hub.grants.models import Grant
from hub.grants.rules import approve_on_behalf_of_grantor, deny_on_behalf_of_grantor, expire_grants
from hub.memory.models import MemoryEntry
from hub.memory.namespaces import hand_over_namespace, remove_namespace
from hub.sessions.models import Session
from hub.sessions.rules import sweep_sessions
from realms.audit.actor import Actor
from realms.keys import issue_key
from realms.models import ApiKey, Realm
from tests.admin.pages import path_of
from tests.audit.log import Said
from tests.audit.stage import Change, Prepare, Stage, about
from tests.grants.lives import asked, grant_in
from tests.memory.entries import written
from tests.rows import seen_ago

OWNER = "alice@example.com"


def owner_of(stage: Stage) -> Actor:
    """Return the realm's owner, at the console."""
    return Actor.person(stage.realm.owner, request_id="req-8", address="192.0.2.1")


def by_owner(stage: Stage, event: str, target: str, **details: Any) -> Said:
    """Return the event of a change that `owner_of` made."""
    return Said(event, target, stage.realm.pk, ("user", OWNER), "req-8", "192.0.2.1", details)


def acted(action: str, thing: Callable[[Stage], models.Model], event: str, **details: Any) -> Prepare:
    """Return the change that an action of the admin makes of a thing."""

    def prepare(stage: Stage) -> Change:
        of = thing(stage)
        return Change(
            lambda: stage.operator.act(action, of),
            lambda _: [stage.by_operator(event, str(of.pk), **details)],
        )

    return prepare


def session_deregistered_in_the_admin(stage: Stage) -> Change:
    """The grants that end with the session were ended by whoever ended the session."""
    grant = asked(stage.alice, stage.bob)
    return Change(
        lambda: stage.operator.act("deregister", Session.objects.get(pk=stage.bob.id)),
        lambda _: [
            stage.by_operator("grant.revoked", grant, **about(grant)),
            stage.by_operator("session.deregistered", stage.bob.id, name="bob"),
        ],
    )


def session_expired(stage: Stage) -> Change:
    grant = grant_in("active", stage.alice, stage.bob)
    seen_ago(stage.bob, status=Session.Status.INACTIVE, days=31)
    return Change(
        sweep_sessions,
        lambda _: [
            stage.by_worker("sweep_sessions", "grant.revoked", grant, **about(grant)),
            stage.by_worker("sweep_sessions", "session.expired", stage.bob.id, name="bob"),
        ],
    )


def grants_expired(stage: Stage) -> Change:
    grants = [grant_in(f"overdue {state}", stage.alice, stage.bob) for state in ("active", "pending")]
    return Change(
        expire_grants,
        lambda _: [
            stage.by_worker("expire_grants", "grant.expired", grant, **about(grant)) for grant in grants
        ],
    )


def grant_revoked_in_the_admin(stage: Stage) -> Change:
    grant = grant_in("active", stage.alice, stage.bob)
    return Change(
        lambda: stage.operator.act("revoke", Grant.objects.get(pk=grant)),
        lambda _: [stage.by_operator("grant.revoked", grant, **about(grant), on_behalf_of=stage.bob.id)],
    )


def decided_in_the_console(rule: Callable[..., Grant], event: str) -> Prepare:
    """Return the change that a person makes of a request in the place of the session that was asked."""

    def prepare(stage: Stage) -> Change:
        grant = asked(stage.alice, stage.bob)
        return Change(
            lambda: rule(realm_id=stage.realm.pk, grant_id=grant, by=owner_of(stage)),
            lambda _: [by_owner(stage, event, grant, **about(grant), on_behalf_of=stage.bob.id)],
        )

    return prepare


def namespace_handed_over(stage: Stage) -> Change:
    written(stage.bob, "project.name", "other.name")
    details = {"from": stage.bob.id, "to": stage.alice.id}
    return Change(
        lambda: hand_over_namespace(
            realm_id=stage.realm.pk, name="project", to_session_id=stage.alice.id, by=owner_of(stage)
        ),
        lambda _: [by_owner(stage, "memory.namespace_handed_over", "project", **details)],
    )


def namespace_deleted(stage: Stage) -> Change:
    written(stage.bob, "project.name", "project.stage", "other.name")
    return Change(
        lambda: remove_namespace(realm_id=stage.realm.pk, name="project", by=owner_of(stage)),
        lambda _: [by_owner(stage, "memory.namespace_deleted", "project", owner=stage.bob.id, entries=2)],
    )


def memory_deleted_in_the_admin(stage: Stage) -> Change:
    written(stage.bob, "project.name")
    return Change(
        lambda: stage.operator.act("remove", MemoryEntry.objects.get()),
        lambda _: [stage.by_operator("memory.deleted", "project.name")],
    )


def key_issued_by_command(stage: Stage) -> Change:
    where = ("--realm", "default", "--owner", OWNER)
    options = ("--name", "second", "--scopes", "read", "--expires-in", "30d")
    return Change(
        lambda: call_command("apikey", "issue", *where, *options, stdout=StringIO()),
        lambda _: [
            stage.by_command(
                "apikey issue",
                "key.issued",
                (key := ApiKey.objects.get(name="second")).pk,
                name="second",
                scopes=["read"],
                expires_at=key.expires_at.isoformat() if key.expires_at else "never",
            )
        ],
    )


def key_issued_by_its_owner(stage: Stage) -> Change:
    by = Actor.person(stage.realm.owner, request_id="req-7", address="192.0.2.1")

    def events(issued: tuple[ApiKey, str]) -> list[Said]:
        details = {"name": "third", "scopes": ["read", "write"], "expires_at": None}
        actor = ("user", OWNER)
        return [Said("key.issued", issued[0].pk, stage.realm.pk, actor, "req-7", "192.0.2.1", details)]

    return Change(lambda: issue_key(realm=stage.realm, name="third", by=by), events)


def key_by_command(verb: str, event: str, *options: str, **details: Any) -> Prepare:
    """Return the change that `manage.py apikey` makes of the stage's key; a second one is left alone."""

    def prepare(stage: Stage) -> Change:
        issue_key(realm=stage.realm, name="other", by=Actor.command("test"))
        if verb == "enable":
            ApiKey.objects.filter(pk=stage.key.pk).update(status=ApiKey.Status.DISABLED)
        return Change(
            lambda: call_command("apikey", verb, stage.key.pk, *options, stdout=StringIO()),
            lambda _: [stage.by_command(f"apikey {verb}", event, stage.key.pk, **details)],
        )

    return prepare


def key_rotated_with_force(stage: Stage) -> Change:
    until = timezone.now() + timedelta(hours=1)
    stage.key.secrets.create(digest=b"\1" * 32, last_four="0000", expires_at=until)
    forced = key_by_command(
        "rotate", "key.rotated", "--grace", "none", "--force", grace_seconds=0, forced=True
    )
    return forced(stage)


def realm_created_by_command(stage: Stage) -> Change:
    def events(_: object) -> list[Said]:
        made = Realm.objects.get(slug="second").pk
        return [Said("realm.created", made, made, ("command", "realm create"), details={"slug": "second"})]

    return Change(
        lambda: call_command("realm", "create", "second", "--owner", OWNER, stdout=StringIO()), events
    )


def realm_created_in_the_admin(stage: Stage) -> Change:
    wish = {"owner": stage.realm.owner_id, "slug": "second"}

    def events(_: object) -> list[Said]:
        made = Realm.objects.get(slug="second").pk
        said = stage.by_operator("realm.created", made, slug="second")
        return [Said(**{**vars(said), "realm_id": made})]

    return Change(lambda: stage.operator.browser.post(path_of(Realm, "add"), wish), events)


def settings_changed_in_the_admin(stage: Stage) -> Change:
    """Only what changed is said, from what to what."""
    sent = stage.operator.realm_form(stage.realm)
    changed = {**sent, "inbox_limit": 5, "reads_per_minute": 70, "require_signatures": "on"}
    details = {
        "inbox_limit": ["10000", "5"],
        "reads_per_minute": ["None", "70"],
        "require_signatures": ["False", "True"],
    }
    return Change(
        lambda: stage.operator.browser.post(path_of(Realm, "change", stage.realm.pk), changed),
        lambda _: [stage.by_operator("realm.settings_changed", stage.realm.pk, **details)],
    )


def disabled_key(stage: Stage) -> ApiKey:
    ApiKey.objects.filter(pk=stage.key.pk).update(status=ApiKey.Status.DISABLED)
    return stage.key


def suspended_realm(stage: Stage) -> Realm:
    Realm.objects.filter(pk=stage.realm.pk).update(status=Realm.Status.SUSPENDED)
    return stage.realm


CHANGES: dict[str, Prepare] = {
    "session.deregistered in the admin": session_deregistered_in_the_admin,
    "session.expired": session_expired,
    "grant.expired by the clock": grants_expired,
    "grant.revoked in the admin": grant_revoked_in_the_admin,
    "grant.approved in the console": decided_in_the_console(approve_on_behalf_of_grantor, "grant.approved"),
    "grant.denied in the console": decided_in_the_console(deny_on_behalf_of_grantor, "grant.denied"),
    "memory.namespace_handed_over": namespace_handed_over,
    "memory.namespace_deleted": namespace_deleted,
    "memory.deleted in the admin": memory_deleted_in_the_admin,
    "key.issued by command": key_issued_by_command,
    "key.issued by its owner": key_issued_by_its_owner,
    "key.rotated by command": key_by_command(
        "rotate", "key.rotated", "--grace", "1h", grace_seconds=3600, forced=False
    ),
    "key.rotated with force": key_rotated_with_force,
    "key.disabled by command": key_by_command("disable", "key.disabled"),
    "key.enabled by command": key_by_command("enable", "key.enabled"),
    "key.revoked by command": key_by_command("revoke", "key.revoked"),
    "key.disabled in the admin": acted("disable", lambda stage: stage.key, "key.disabled"),
    "key.enabled in the admin": acted("enable", disabled_key, "key.enabled"),
    "key.revoked in the admin": acted("revoke", lambda stage: stage.key, "key.revoked"),
    "realm.created by command": realm_created_by_command,
    "realm.created in the admin": realm_created_in_the_admin,
    "realm.settings_changed": settings_changed_in_the_admin,
    "realm.suspended": acted("suspend", lambda stage: stage.realm, "realm.suspended"),
    "realm.resumed": acted("resume", suspended_realm, "realm.resumed"),
}
