import django.db.models.deletion
from django.db import migrations, models

from realms.concurrent_index import AddIndexWhileInUse


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('hub', '0007_messages_and_deliveries_to_drop'),
        ('realms', '0009_audit_log_can_be_cut'),
    ]

    operations = [
        AddIndexWhileInUse(
            model_name='openstream',
            index=models.Index(models.F('realm'), models.F('session'), name='stream_of_session'),
        ),
        migrations.AlterField(
            model_name='openstream',
            name='realm',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='realms.realm'),
        ),
    ]
