"""Namespaces of memory in the console: hand one to another session, or delete it with all that is in it."""

from dataclasses import dataclass

from django import forms
from django.contrib import messages as flash
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from hub.console.forms import ConfirmForm, say
from hub.console.memory import ROOM, below, namespace_in
from hub.console.pages import show
from hub.grants.models import Grant
from hub.grants.patterns import EVERYTHING, MEMORY_CAPABILITIES, first_segment
from hub.memory.models import MemoryNamespace
from hub.memory.namespaces import hand_over_namespace, remove_namespace
from hub.memory.tree import held_by
from hub.sessions.models import Session
from realms.ids import SESSION, parse_id
from realms.members.rules import Member
from realms.person import person_of
from realms.refusal import Refusal

SUGGESTED_SESSIONS = 200
SESSIONS_LIST = "live-sessions"  # the id of the element that holds the suggestions


class HandOverForm(forms.Form):
    """Who gets a namespace."""

    to = forms.CharField(
        label="To the session",
        max_length=64,
        help_text="The name or the id of a session that is not deregistered.",
        widget=forms.TextInput(attrs={"list": SESSIONS_LIST, "autocomplete": "off"}),
    )

    def __init__(self, *args: object, sessions: QuerySet[Session], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self._sessions = sessions

    def clean_to(self) -> str:
        """Return the id of the session."""
        said: str = self.cleaned_data["to"]
        session_id = parse_id(SESSION, said)
        named = {"pk": session_id} if session_id else {"name__iexact": said}
        found = self._sessions.filter(**named).values_list("pk", flat=True).first()
        if found is None:
            raise forms.ValidationError("The realm has no such session, or it was deregistered.")
        return found


@dataclass(frozen=True, slots=True)
class Covering:
    """Grants that cover a namespace, as they are now.

    Attributes:
        named: those that name it or a part of it.
        everything: those of `*`, which cover all that their grantor owns.
    """

    named: int
    everything: int


def grants_covering(namespace: MemoryNamespace) -> Covering:
    """Count the owner's active grants that cover a namespace or a part of it."""
    given = Grant.objects.in_realm(namespace.realm_id).active().filter(grantor=namespace.owner_id)
    patterns = given.filter(capability__in=MEMORY_CAPABILITIES).values_list("namespace", flat=True)
    named = [pattern for pattern in patterns if first_segment(pattern) == namespace.name]
    return Covering(len(named), sum(pattern == EVERYTHING for pattern in patterns))


def hand_over(request: HttpRequest, member: Member, name: str) -> HttpResponse:
    """Make another session the owner of a namespace."""
    namespace = namespace_in(member, name)
    sessions = Session.objects.in_realm(member.realm.pk).exclude(pk=namespace.owner_id)
    form = HandOverForm(request.POST or None, sessions=Session.objects.in_realm(member.realm.pk))
    if form.is_valid():
        try:
            hand_over_namespace(
                realm_id=member.realm.pk,
                name=name,
                to_session_id=form.cleaned_data["to"],
                by=person_of(request),
            )
        except Refusal as refusal:
            if refusal.code == "not_found":
                raise
            say(form, refusal)
        else:
            flash.success(request, f"The namespace {name} has a new owner.")
            return redirect(below(member, name))
    context = {
        "form": form,
        "namespace": namespace,
        "covering": grants_covering(namespace),
        "sessions_list": SESSIONS_LIST,
        "sessions": sessions.order_by("-last_seen").values_list("name", flat=True)[:SUGGESTED_SESSIONS],
    }
    status = 400 if form.errors else 200
    return show(request, member, "namespace_hand_over.html", context, room=ROOM, status=status)


def delete(request: HttpRequest, member: Member, name: str) -> HttpResponse:
    """Delete a namespace, after a look at what goes with it and its name typed."""
    namespace = namespace_in(member, name)
    form = ConfirmForm(request.POST or None, expected=name)
    if form.is_valid():
        entries = remove_namespace(realm_id=member.realm.pk, name=name, by=person_of(request))
        went = "1 entry" if entries == 1 else f"{entries} entries"
        flash.success(request, f"The namespace {name} is deleted, with {went}.")
        return redirect(ROOM, member.realm.pk)
    context = {"form": form, "namespace": namespace, "held": held_by(namespace)}
    status = 400 if form.errors else 200
    return show(request, member, "namespace_delete.html", context, room=ROOM, status=status)
