"""Forms about grants."""

from datetime import UTC, datetime

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone

from hub.grants.models import Grant
from hub.grants.patterns import NAMESPACE_PATTERN
from hub.wire import strict

# What a browser's `datetime-local` takes and gives, to the second.
LOCAL_TIME = "%Y-%m-%dT%H:%M:%S"


class NarrowForm(forms.Form):
    """What is left of a request: at most what was asked for."""

    namespace = forms.CharField(
        max_length=257,
        validators=[
            RegexValidator(
                strict(NAMESPACE_PATTERN),
                "A namespace is a key such as a.b, or all below one such as a.*.",
            )
        ],
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "mono"}),
    )
    expires_at = forms.DateTimeField(
        label="Until",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1}, format=LOCAL_TIME),
    )

    def __init__(self, *args: object, grant: Grant, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        # Microseconds are cut off, so that the time that is offered is never later than what was asked.
        self._offered = grant.expires_at.astimezone(UTC).replace(microsecond=0)
        until = self.fields["expires_at"]
        until.initial = self._offered
        until.help_text = "In UTC, at most as long as was asked."
        until.widget.attrs |= {
            "min": f"{timezone.now().astimezone(UTC):{LOCAL_TIME}}",
            "max": f"{self._offered:{LOCAL_TIME}}",
        }
        if grant.namespace:
            self.fields["namespace"].initial = grant.namespace
            self.fields["namespace"].help_text = "It has to lie within what was asked."
        else:
            del self.fields["namespace"]

    def pattern(self) -> str | None:
        """Return the namespace that was left; None where the grant takes none."""
        return self.cleaned_data.get("namespace")

    def expiry(self) -> datetime | None:
        """Return until when; None where it stays as asked."""
        said: datetime = self.cleaned_data["expires_at"]
        return None if said == self._offered else said
