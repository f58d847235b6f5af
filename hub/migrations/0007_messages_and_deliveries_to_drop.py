from django.db import migrations, models

from realms.concurrent_index import AddIndexWhileInUse, RemoveIndexWhileInUse


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('hub', '0006_dropped_messages'),
    ]

    operations = [
        AddIndexWhileInUse(
            model_name='message',
            index=models.Index(models.F('expires_at'), condition=models.Q(('expires_at__isnull', False), ('is_dropped', False)), name='message_to_expire'),
        ),
        RemoveIndexWhileInUse(
            model_name='message',
            name='message_expiring',
        ),
        AddIndexWhileInUse(
            model_name='delivery',
            index=models.Index(models.F('recipient'), models.F('read_at'), condition=models.Q(('read_at__isnull', False)), name='delivery_read'),
        ),
    ]
