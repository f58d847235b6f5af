from typing import Any

from django.db import migrations, models
from django.db.models.functions import Now

INBOXES_PER_STEP = 1000  # that nobody can send to meanwhile


def doubt_what_is_unread(apps: Any, schema_editor: Any) -> None:
    """Of what was sent before nobody noted when it expires: perhaps it has."""
    inboxes = apps.get_model("hub", "Inbox").objects
    unknown = inboxes.filter(unread__gt=0, first_expiry=None)
    while ids := list(unknown.values_list("pk", flat=True)[:INBOXES_PER_STEP]):
        inboxes.filter(pk__in=ids).update(first_expiry=Now())


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('hub', '0009_grant_by_both_sides'),
    ]

    operations = [
        migrations.AddField(
            model_name='inbox',
            name='first_expiry',
            field=models.DateTimeField(help_text='No unread message expires before; empty: none does.', null=True),
        ),
        migrations.RunPython(doubt_what_is_unread, migrations.RunPython.noop),
    ]
