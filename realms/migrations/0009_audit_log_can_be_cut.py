"""The retention of a realm may cut its audit log off, in a transaction that says so; nothing else may."""

from django.db import migrations

CUTS = """
CREATE OR REPLACE FUNCTION realms_auditevent_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('aisp_hub.cuts_audit_log', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
"""
NEVER = """
CREATE OR REPLACE FUNCTION realms_auditevent_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
"""


def _execute(statements):
    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(statements)

    return run


class Migration(migrations.Migration):

    dependencies = [
        ("realms", "0008_what_to_keep_and_whom_to_warn"),
    ]

    operations = [
        migrations.RunPython(_execute(CUTS), _execute(NEVER)),
    ]
