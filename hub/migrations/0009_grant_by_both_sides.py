from django.db import migrations, models

from realms.concurrent_index import AddIndexWhileInUse, RemoveIndexWhileInUse


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('hub', '0008_stream_of_session'),
    ]

    operations = [
        AddIndexWhileInUse(
            model_name='grant',
            index=models.Index(
                models.F('requester'), models.F('capability'), models.F('grantor'),
                condition=models.Q(('status', 'active')),
                name='grant_active_between',
            ),
        ),
        RemoveIndexWhileInUse(
            model_name='grant',
            name='grant_active',
        ),
    ]
