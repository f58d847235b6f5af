"""Addresses are compared in one form: lower case, with the domain in ASCII. Those that are not yet become so."""

import contextlib

from django.core.exceptions import ValidationError
from django.db import IntegrityError, migrations, transaction

from accounts.addresses import canonical_address


def make_canonical(apps, schema_editor):
    for app, model in (("accounts", "User"), ("account", "EmailAddress")):
        rows = apps.get_model(app, model).objects.using(schema_editor.connection.alias)
        for pk, email in list(rows.values_list("pk", "email")):
            # One that is no address, or that another account has in this form, stays for an operator.
            with contextlib.suppress(ValidationError, IntegrityError), transaction.atomic():
                if (canonical := canonical_address(email)) != email:
                    rows.filter(pk=pk).update(email=canonical)


class Migration(migrations.Migration):
    dependencies = [
        ("account", "0009_emailaddress_unique_primary_email"),
        ("accounts", "0003_vouch_for_first_people"),
    ]

    operations = [migrations.RunPython(make_canonical, migrations.RunPython.noop)]
