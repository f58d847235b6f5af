"""Which events of a realm's audit log somebody asks for."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.validators import RegexValidator

from realms.audit.actor import Kind
from realms.audit.models import AuditEvent, AuditEventQuerySet

TO_THE_MINUTE = "%Y-%m-%dT%H:%M"


def _moment(label: str) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=TO_THE_MINUTE)
    return forms.DateTimeField(label=label, required=False, widget=widget)


class AuditFilters(forms.Form):
    """What a page or an export of the log is narrowed to."""

    action = forms.CharField(
        label="Action begins with",
        required=False,
        max_length=40,
        validators=[RegexValidator(r"\A[a-z_.]*\Z", "An action is a word such as “grant.revoked”.")],
        widget=forms.TextInput(attrs={"placeholder": "grant."}),
    )
    actor_kind = forms.ChoiceField(
        label="Actor", required=False, choices=[("", "Anybody"), *((kind.value, kind.value) for kind in Kind)]
    )
    actor = forms.CharField(label="Actor's exact name", required=False, max_length=254)
    target = forms.CharField(label="Exact target", required=False, max_length=255)
    since = _moment("From (UTC)")
    until = _moment("To (UTC)")

    def clean_since(self) -> datetime | None:
        """Take any offset."""
        return _in_utc(self.cleaned_data["since"])

    def clean_until(self) -> datetime | None:
        """Take any offset."""
        return _in_utc(self.cleaned_data["until"])

    def matching(self, realm_id: str) -> AuditEventQuerySet:
        """Return the events of a realm that match, in the order of its chain."""
        said = self.cleaned_data
        events = AuditEvent.objects.in_realm(realm_id)
        exact: dict[str, Any] = {name: said[name] for name in ("actor_kind", "actor", "target") if said[name]}
        if said["action"]:
            exact["action__startswith"] = said["action"]
        found = events.filter(**exact)
        # A time becomes a place in the chain, so that a far one is not looked for from the newest on.
        if said["since"]:
            first = events.filter(at__gte=said["since"]).order_by("at", "number").first()
            found = found.filter(number__gte=first.number) if first else found.none()
        if said["until"]:
            last = events.filter(at__lte=said["until"]).order_by("-at", "-number").first()
            found = found.filter(number__lte=last.number) if last else found.none()
        return found


def _in_utc(moment: datetime | None) -> datetime | None:
    try:
        return moment and moment.astimezone(UTC)
    except OverflowError:
        raise forms.ValidationError("That is no time in the years 1 to 9999.") from None
