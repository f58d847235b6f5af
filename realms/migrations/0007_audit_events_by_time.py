from django.db import migrations, models

from realms.concurrent_index import AddIndexWhileInUse


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('realms', '0006_bounds_of_spans'),
    ]

    operations = [
        AddIndexWhileInUse(
            model_name='auditevent',
            index=models.Index(models.F('realm'), models.F('at'), name='audit_event_of_time'),
        ),
    ]
