"""Forms about API keys."""

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone

from realms.keys import GRACES, SCOPES

LIFETIMES = {"": "Never", "30": "In 30 days", "90": "In 90 days", "365": "In a year"}
GRACE_WORDS = {
    "24h": "for 24 hours",
    "7d": "for 7 days",
    "1h": "for 1 hour",
    "15m": "for 15 minutes",
    "none": "not at all: it ends now",
}
LIMIT_DIGITS = 1_000_000  # a limit above this limits nothing


class IssueForm(forms.Form):
    """A new key."""

    name = forms.CharField(max_length=64, help_text="What will use it, such as “research agents”.")
    scopes = forms.MultipleChoiceField(
        choices=[("read", "Read: GET requests"), ("write", "Write: everything else")],
        initial=SCOPES,
        widget=forms.CheckboxSelectMultiple,
    )
    lifetime = forms.ChoiceField(
        label="Expires",
        choices=[*LIFETIMES.items()],
        required=False,
        help_text="A key that expires leaks less.",
    )
    reads_per_minute = forms.IntegerField(
        required=False, min_value=0, max_value=LIMIT_DIGITS, help_text="Empty: the realm's limit."
    )
    writes_per_minute = forms.IntegerField(
        required=False, min_value=0, max_value=LIMIT_DIGITS, help_text="Empty: the realm's limit."
    )

    def expires_at(self) -> datetime | None:
        """Return when the key ends; None for never."""
        days = self.cleaned_data["lifetime"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class RotateForm(forms.Form):
    """A new secret for a key."""

    grace = forms.ChoiceField(
        label="The old secret goes on working", choices=[*GRACE_WORDS.items()], initial="24h"
    )
    force = forms.BooleanField(
        required=False,
        label="End the secret of the rotation before",
        help_text="Needed while its grace is not over.",
    )

    def span(self) -> timedelta:
        """Return the chosen grace."""
        return GRACES[self.cleaned_data["grace"]]
