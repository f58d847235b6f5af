"""Forms that find sessions."""

from django import forms
from django.core.validators import RegexValidator

from hub.sessions.models import Session, SessionQuerySet
from realms.ids import SESSION, parse_id
from realms.members.rules import Member
from realms.refusal import Refusal

Status = Session.Status
LIVE, ALL = "", "all"
STATUSES = {
    LIVE: "Active or inactive",
    Status.ACTIVE.value: "Active",
    Status.INACTIVE.value: "Inactive",
    Status.DEREGISTERED.value: "Deregistered",
    ALL: "All",
}


class SearchForm(forms.Form):
    """Which sessions of a realm."""

    q = forms.CharField(label="Name or id", required=False, max_length=64)
    kind = forms.CharField(
        required=False,
        max_length=32,
        validators=[RegexValidator(r"\A[a-z][a-z0-9_-]*\Z", "A kind is small letters, digits, - and _.")],
        widget=forms.TextInput(attrs={"list": "kinds"}),
    )
    capability = forms.CharField(
        required=False,
        max_length=128,
        validators=[RegexValidator(r"\A[a-z0-9_.-]*\Z", "A capability is a name such as memory.read.")],
    )
    status = forms.ChoiceField(required=False, choices=[*STATUSES.items()])

    def matching(self, sessions: SessionQuerySet) -> SessionQuerySet:
        """Keep what matches; a whole id in the place of a name is one session."""
        said = self.cleaned_data
        if said["status"] == LIVE:
            sessions = sessions.filter(status__in=[Status.ACTIVE, Status.INACTIVE])
        elif said["status"] != ALL:
            sessions = sessions.filter(status=said["status"])
        if said["kind"]:
            sessions = sessions.filter(kind=said["kind"])
        if said["capability"]:
            sessions = sessions.filter(capabilities__declares=said["capability"])
        if whole := parse_id(SESSION, said["q"]):
            return sessions.filter(pk=whole)
        return sessions.filter(name__icontains=said["q"]) if said["q"] else sessions


def session_in(member: Member, session_id: str) -> Session:
    """Return a session of the realm, a deregistered one too.

    Raises:
        Refusal: `not_found`.
    """
    canonical = parse_id(SESSION, session_id)
    sessions = Session.objects.ever_in_realm(member.realm.pk).select_related("key", "inbox")
    session = sessions.filter(pk=canonical).first() if canonical else None
    if session is None:
        raise Refusal("not_found", "The realm has no such session.")
    return session
