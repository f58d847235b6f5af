import django.db.models.deletion
from django.db import migrations, models

from realms.concurrent_index import AddIndexWhileInUse


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('hub', '0004_inbox_of_realm'),
    ]

    operations = [
        AddIndexWhileInUse(
            model_name='message',
            index=models.Index(models.F('realm'), models.F('category'), models.F('sent_at'), name='message_of_category'),
        ),
        AddIndexWhileInUse(
            model_name='message',
            index=models.Index(models.F('sender'), models.F('sent_at'), name='message_of_sender'),
        ),
        # The index of the sender alone goes, now that one begins with it.
        migrations.AlterField(
            model_name='message',
            name='sender',
            field=models.ForeignKey(db_index=False, help_text='Empty: the hub itself.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sent', to='hub.session'),
        ),
    ]
