"""On PostgreSQL the audit log refuses UPDATE and DELETE, whoever asks."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION realms_auditevent_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
CREATE TRIGGER realms_auditevent_is_append_only BEFORE UPDATE OR DELETE ON realms_auditevent
FOR EACH STATEMENT EXECUTE FUNCTION realms_auditevent_is_append_only();
"""
ALLOW = """
DROP TRIGGER realms_auditevent_is_append_only ON realms_auditevent;
DROP FUNCTION realms_auditevent_is_append_only();
"""


def _execute(statements):
    def run(apps, schema_editor):
        # SQLite has no roles to keep apart: whoever can write to the file can drop a trigger of it.
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(statements)

    return run


class Migration(migrations.Migration):

    dependencies = [
        ("realms", "0002_audit_log_and_quotas"),
    ]

    operations = [
        migrations.RunPython(_execute(REFUSE), _execute(ALLOW)),
    ]
