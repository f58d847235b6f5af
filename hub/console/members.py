"""Members: who belongs to a realm, who is invited, and how both change."""

from django.conf import settings
from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_ratelimit.core import get_usage

from accounts.addresses import as_compared
from hub.console.forms import ConfirmForm, say
from hub.console.member_forms import InviteForm, RoleForm
from hub.console.pages import show
from realms.ids import INVITATION, parse_id
from realms.members import invitations, mail, rules
from realms.members.models import Invitation, Role
from realms.members.rules import Member, members_of
from realms.person import person_of
from realms.refusal import Refusal

ROOM = "realm-members"
INVITATIONS_PER_HOUR = 50  # of a realm, and of a person in all realms
MAILS_PER_DAY = 5  # to one address, from all realms
HOUR_SECONDS, DAY_SECONDS = 3600, 86_400


def list_members(request: HttpRequest, member: Member) -> HttpResponse:
    """Show everybody, and to admins who is invited."""
    context = {
        "members": members_of(member.realm),
        "invitations": _invitations(member) if member.may(Role.ADMIN) else [],
    }
    return show(request, member, "members.html", context, room=ROOM)


def invite(request: HttpRequest, member: Member) -> HttpResponse:
    """Invite somebody by mail."""
    form = InviteForm(request.POST or None)
    if form.is_valid():
        try:
            address = as_compared(form.cleaned_data["email"])
            _refuse_too_many(request, member, address)
            offer = invitations.invite(
                realm=member.realm,
                email=address,
                role=Role(form.cleaned_data["role"]),
                by=person_of(request),
            )
        except Refusal as refusal:
            say(form, refusal)
        else:
            return _send(request, member, *offer)
    status = 400 if form.errors else 200
    return show(request, member, "member_invite.html", {"form": form}, room=ROOM, status=status)


def invite_again(request: HttpRequest, member: Member, invitation_id: str) -> HttpResponse:
    """Send an invitation again, with a new link."""
    invitation = _invitation_in(member, invitation_id)
    _refuse_too_many(request, member, invitation.email)
    by = person_of(request)
    offer = invitations.invite_again(realm=member.realm, invitation_id=invitation.pk, by=by)
    return _send(request, member, *offer)


def withdraw(request: HttpRequest, member: Member, invitation_id: str) -> HttpResponse:
    """Take an invitation back."""
    invitation = _invitation_in(member, invitation_id)
    invitations.withdraw_invitation(realm=member.realm, invitation_id=invitation.pk, by=person_of(request))
    flash.success(request, f"The invitation of {invitation.email} is withdrawn: its link has ended.")
    return _back(member)


def change_role(request: HttpRequest, member: Member, user_id: str) -> HttpResponse:
    """Give a member another role."""
    whom = _member_in(member, user_id)
    form = RoleForm(request.POST or None, initial={"role": whom.role})
    if form.is_valid():
        role = Role(form.cleaned_data["role"])
        rules.change_role(realm=member.realm, user_id=whom.user.pk, role=role, by=person_of(request))
        flash.success(request, f"{whom.user} is now {'an admin' if role is Role.ADMIN else 'a viewer'}.")
        return _back(member)
    context = {"whom": whom, "form": form}
    return show(request, member, "member_role.html", context, room=ROOM, status=400 if form.errors else 200)


def remove(request: HttpRequest, member: Member, user_id: str) -> HttpResponse:
    """Remove a member, after a look at who it is."""
    whom = _member_in(member, user_id)
    if request.method != "POST":
        return show(request, member, "member_remove.html", {"whom": whom}, room=ROOM)
    rules.remove_member(realm=member.realm, user_id=whom.user.pk, by=person_of(request))
    flash.success(request, f"{whom.user} does not belong to the realm any more.")
    return redirect("home") if whom.user == member.user else _back(member)


def leave(request: HttpRequest, member: Member) -> HttpResponse:
    """Leave the realm, after a look at which it is."""
    if request.method != "POST":
        return show(request, member, "member_leave.html", room=ROOM)
    rules.remove_member(realm=member.realm, user_id=member.user.pk, by=person_of(request))
    flash.success(request, f"You have left {member.realm.slug}.")
    return redirect("home")


def hand_over(request: HttpRequest, member: Member, user_id: str) -> HttpResponse:
    """Make a member the owner, after the realm's name was typed."""
    whom = _member_in(member, user_id)
    form = ConfirmForm(request.POST or None, expected=member.realm.slug)
    if form.is_valid():
        try:
            rules.hand_over(realm=member.realm, user_id=whom.user.pk, by=person_of(request))
        except Refusal as refusal:
            say(form, refusal)
        else:
            flash.success(request, f"{whom.user} owns the realm now, and you are an admin.")
            return _back(member)
    context = {"whom": whom, "form": form}
    status = 400 if form.errors else 200
    return show(request, member, "member_hand_over.html", context, room=ROOM, status=status)


def _invitations(member: Member) -> list[tuple[Invitation, bool]]:
    """Return the realm's invitations, each with whether it can still be accepted."""
    found = Invitation.objects.in_realm(member.realm.pk)
    open_ones = set(found.open().values_list("pk", flat=True))
    listed = found.select_related("invited_by").defer("digest").order_by("-pk")
    return [(each, each.pk in open_ones) for each in listed[: 2 * invitations.MEMBERS_AT_MOST]]


def _invitation_in(member: Member, invitation_id: str) -> Invitation:
    canonical = parse_id(INVITATION, invitation_id)
    found = Invitation.objects.in_realm(member.realm.pk).filter(pk=canonical) if canonical else None
    invitation = found.first() if found is not None else None
    if invitation is None:
        raise Refusal("not_found", "There is no such invitation; it was accepted or withdrawn.")
    return invitation


def _member_in(member: Member, user_id: str) -> Member:
    """Return somebody who was given a role in the realm."""
    given = (each for each in members_of(member.realm) if each.role is not Role.OWNER)
    whom = next((each for each in given if str(each.user.pk) == user_id), None)
    if whom is None:
        raise Refusal("not_found", "There is no such member; they left, or were removed.")
    return whom


def _refuse_too_many(request: HttpRequest, member: Member, address: str) -> None:
    """Count what a realm, a person and an address have to do with: a mail goes to whomever somebody names.

    Who withdraws an invitation has sent its mail all the same.
    """
    of_hour, of_day = (INVITATIONS_PER_HOUR, HOUR_SECONDS), (MAILS_PER_DAY, DAY_SECONDS)
    for group, whose, rate, detail in (
        ("invitations", member.realm.pk, of_hour, f"A realm may send {of_hour[0]} invitations an hour."),
        ("inviter", str(member.user.pk), of_hour, f"You may send {of_hour[0]} invitations an hour."),
        ("invited", address, of_day, f"{address} was sent {of_day[0]} invitations today, which is enough."),
    ):
        usage = get_usage(
            request, group=group, key=lambda *_, whose=whose: whose, rate=rate, method="POST", increment=True
        )
        if usage is not None and usage["should_limit"]:
            raise Refusal("rate_limited", detail, headers={"Retry-After": str(usage["time_left"] + 1)})


def _send(request: HttpRequest, member: Member, invitation: Invitation, token: str) -> HttpResponse:
    """Send the mail of an invitation that is committed; who has no mail server sees the link once."""
    was_sent = mail.send_invitation(invitation=invitation, token=token)
    if settings.HUB_EMBEDDED:
        context = {"invitation": invitation, "link": mail.link_of(token)}
        return show(request, member, "member_invited.html", context, room=ROOM)
    if was_sent:
        flash.success(request, f"An invitation is on its way to {invitation.email}.")
    else:
        flash.error(request, f"The mail to {invitation.email} could not be sent. Send it again in a minute.")
    return _back(member)


def _back(member: Member) -> HttpResponse:
    return redirect(ROOM, member.realm.pk)
