"""PostgreSQL lets go of those events alone at whose number the retention has cut the chain off.

No session variable opens the table: neither one of the hub's, which said so before, nor `search_path`, nor
`session_replication_role`. It refuses TRUNCATE too.
"""

from django.db import migrations

GUARD = """
DROP TRIGGER realms_auditevent_is_append_only ON realms_auditevent;
CREATE OR REPLACE FUNCTION realms_auditevent_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    cut bigint;
BEGIN
    IF TG_OP = 'DELETE' THEN
        EXECUTE 'SELECT cut_number FROM ' || quote_ident(TG_TABLE_SCHEMA) || '.realms_audithead '
            || 'WHERE realm_id = $1' INTO cut USING OLD.realm_id;
        IF OLD.number <= cut THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
CREATE TRIGGER realms_auditevent_is_append_only BEFORE UPDATE OR TRUNCATE ON realms_auditevent
FOR EACH STATEMENT EXECUTE FUNCTION realms_auditevent_is_append_only();
CREATE TRIGGER realms_auditevent_is_cut_up_to_its_head BEFORE DELETE ON realms_auditevent
FOR EACH ROW EXECUTE FUNCTION realms_auditevent_is_append_only();
ALTER TABLE realms_auditevent ENABLE ALWAYS TRIGGER realms_auditevent_is_append_only;
ALTER TABLE realms_auditevent ENABLE ALWAYS TRIGGER realms_auditevent_is_cut_up_to_its_head;
"""
BEFORE = """
DROP TRIGGER realms_auditevent_is_cut_up_to_its_head ON realms_auditevent;
DROP TRIGGER realms_auditevent_is_append_only ON realms_auditevent;
CREATE OR REPLACE FUNCTION realms_auditevent_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('aisp_hub.cuts_audit_log', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
CREATE TRIGGER realms_auditevent_is_append_only BEFORE UPDATE OR DELETE ON realms_auditevent
FOR EACH STATEMENT EXECUTE FUNCTION realms_auditevent_is_append_only();
"""


def _execute(statements):
    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(statements)

    return run


class Migration(migrations.Migration):

    dependencies = [
        ("realms", "0009_audit_log_can_be_cut"),
    ]

    operations = [
        migrations.RunPython(_execute(GUARD), _execute(BEFORE)),
    ]
