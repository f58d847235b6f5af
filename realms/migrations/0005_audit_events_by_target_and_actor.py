from django.db import migrations, models

from realms.concurrent_index import AddIndexWhileInUse


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('realms', '0004_members_and_deleted_realms'),
    ]

    operations = [
        AddIndexWhileInUse(
            model_name='auditevent',
            index=models.Index(models.F('realm'), models.F('target'), models.F('number'), name='audit_event_of_target'),
        ),
        AddIndexWhileInUse(
            model_name='auditevent',
            index=models.Index(models.F('realm'), models.F('actor'), models.F('number'), name='audit_event_of_actor'),
        ),
    ]
