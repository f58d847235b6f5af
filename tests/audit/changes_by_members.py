"""Changes that a realm's own people make, and the events that each has to leave."""

from collections.abc import Callable
from typing import Any

from accounts.models import User
from hub.realm_export import export_realm
from realms.audit.actor import Actor
from realms.members.invitations import accept_invitation, invite, withdraw_invitation
from realms.members.models import Role
from realms.members.rules import change_role, hand_over, remove_member
from realms.owners import change_settings, delete_realm
from tests.audit.log import Said
from tests.audit.stage import Change, Prepare, Stage
from tests.members.people import Invited, invited, joined, proven

REQUEST, ADDRESS = "req-8", "192.0.2.8"


def acting(user: User) -> Actor:
    """Return somebody at a page of the console."""
    return Actor.person(user, request_id=REQUEST, address=ADDRESS)


def said(stage: Stage, by: User, action: str, target: str, **details: Any) -> list[Said]:
    """Return the event of a change that somebody made."""
    return [Said(action, target, stage.realm.pk, ("user", by.email), REQUEST, ADDRESS, details)]


def by_owner(
    make: Callable[[Stage, Actor], object],
    action: str,
    target: Callable[[Stage], str] = lambda stage: stage.realm.pk,
    **details: Any,
) -> Prepare:
    """Return a change that the owner makes."""

    def prepare(stage: Stage) -> Change:
        owner = stage.realm.owner
        return Change(
            lambda: make(stage, acting(owner)), lambda _: said(stage, owner, action, target(stage), **details)
        )

    return prepare


def member_invited(stage: Stage) -> Change:
    owner, address = stage.realm.owner, "nora@example.com"
    return Change(
        lambda: invite(realm=stage.realm, email=address, role=Role.ADMIN, by=acting(owner)),
        lambda _: said(stage, owner, "member.invited", address, role="admin"),
    )


def _with_offer(change: Callable[[Stage, Invited], Change]) -> Prepare:
    return lambda stage: change(stage, invited(stage.realm, "nora", Role.ADMIN))


def member_joined(stage: Stage, offer: Invited) -> Change:
    nora = proven("nora")
    return Change(
        lambda: accept_invitation(token=offer.token, user=nora, by=acting(nora)),
        lambda _: said(stage, nora, "member.joined", nora.email, role="admin"),
    )


def invitation_withdrawn(stage: Stage, offer: Invited) -> Change:
    owner = stage.realm.owner
    return Change(
        lambda: withdraw_invitation(realm=stage.realm, invitation_id=offer.invitation.pk, by=acting(owner)),
        lambda _: said(stage, owner, "member.invitation_withdrawn", "nora@example.com"),
    )


def _with_vera(change: Callable[[Stage, User], Change]) -> Prepare:
    return lambda stage: change(stage, joined(stage.realm, "vera", Role.VIEWER))


def role_changed(stage: Stage, vera: User) -> Change:
    owner = stage.realm.owner
    return Change(
        lambda: change_role(realm=stage.realm, user_id=vera.pk, role=Role.ADMIN, by=acting(owner)),
        lambda _: said(stage, owner, "member.role_changed", vera.email, role=["viewer", "admin"]),
    )


def member_removed(stage: Stage, vera: User) -> Change:
    owner = stage.realm.owner
    return Change(
        lambda: remove_member(realm=stage.realm, user_id=vera.pk, by=acting(owner)),
        lambda _: said(stage, owner, "member.removed", vera.email),
    )


def member_left(stage: Stage, vera: User) -> Change:
    return Change(
        lambda: remove_member(realm=stage.realm, user_id=vera.pk, by=acting(vera)),
        lambda _: said(stage, vera, "member.left", vera.email),
    )


def realm_handed_over(stage: Stage, vera: User) -> Change:
    owner = stage.realm.owner
    details = {"from": owner.email, "to": vera.email}
    return Change(
        lambda: hand_over(realm=stage.realm, user_id=vera.pk, by=acting(owner)),
        lambda _: said(stage, owner, "realm.handed_over", stage.realm.pk, **details),
    )


def _retain(stage: Stage, by: Actor) -> None:
    stage.realm.retention_days = 7
    change_settings(realm=stage.realm, names=["retention_days"], by=by)


CHANGES: dict[str, Prepare] = {
    "member.invited": member_invited,
    "member.joined": _with_offer(member_joined),
    "member.invitation_withdrawn": _with_offer(invitation_withdrawn),
    "member.role_changed": _with_vera(role_changed),
    "member.removed": _with_vera(member_removed),
    "member.left": _with_vera(member_left),
    "realm.handed_over": _with_vera(realm_handed_over),
    "realm.settings_changed by its owner": by_owner(
        _retain, "realm.settings_changed", retention_days=["30", "7"]
    ),
    "realm.exported": by_owner(lambda stage, by: export_realm(realm=stage.realm, by=by), "realm.exported"),
    "realm.deleted": by_owner(
        lambda stage, by: delete_realm(realm=stage.realm, by=by), "realm.deleted", slug="default"
    ),
}
