"""The form of a realm's settings."""

from typing import Any

from django import forms
from django.conf import settings

from realms.models import AUDIT_DAYS_AT_LEAST, Realm
from realms.owners import INBOX_LIMIT_AT_MOST, OWN_SETTINGS

LABELS = {
    "retention_days": "Keep read messages for (days)",
    "audit_retention_days": "Keep the audit log for (days)",
    "session_timeout_seconds": "A session is inactive after (seconds)",
    "session_expiry_days": "An inactive session is deregistered after (days)",
    "grant_max_days": "A grant lasts at most (days)",
    "inbox_limit": "Unread messages an inbox holds",
    "require_signatures": "Refuse messages without a signature",
    "reads_per_minute": "Reads a minute of each key",
    "writes_per_minute": "Writes a minute of each key",
}
HELP = {
    "retention_days": "Then they are dropped, and clients cannot go back to them.",
    "audit_retention_days": f"Empty: for ever. At least {AUDIT_DAYS_AT_LEAST}; older events are gone.",
    "session_timeout_seconds": "Counted from its last request; an open stream keeps it active.",
    "session_expiry_days": "Its unread messages are dropped and its grants end.",
    "grant_max_days": "Grants that were given before last as long as they were given for.",
    "inbox_limit": f"More are refused until the recipient reads. At most {INBOX_LIMIT_AT_MOST:,}.",
    "require_signatures": "Sessions then need a public key, and sign what they send.",
}


class SettingsForm(forms.ModelForm[Realm]):
    """What a realm's own people set; what the operator sets is shown beside it."""

    class Meta:
        model = Realm
        fields = OWN_SETTINGS
        labels = LABELS
        help_texts = HELP

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            # What somebody else saved since this page was opened is not taken back by it.
            field.show_hidden_initial = True
        defaults = {
            "reads_per_minute": (settings.HUB_READS_PER_MINUTE, settings.HUB_MOST_READS_PER_MINUTE),
            "writes_per_minute": (settings.HUB_WRITES_PER_MINUTE, settings.HUB_MOST_WRITES_PER_MINUTE),
        }
        for name, (default, most) in defaults.items():
            bounds = f"At most {most:,}." if most else "0: no limit."
            self.fields[
                name
            ].help_text = f"Of keys without a limit of their own. Empty: {default:,}. {bounds}"
