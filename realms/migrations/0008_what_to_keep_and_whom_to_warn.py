import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('realms', '0007_audit_events_by_time'),
    ]

    operations = [
        migrations.AddField(
            model_name='apikey',
            name='warned_days',
            field=models.PositiveSmallIntegerField(editable=False, help_text="How many days before its end its realm's people were told last.", null=True),
        ),
        migrations.AddField(
            model_name='audithead',
            name='cut_digest',
            field=models.BinaryField(help_text='Its SHA-256.', max_length=32, null=True),
        ),
        migrations.AddField(
            model_name='audithead',
            name='cut_number',
            field=models.BigIntegerField(db_default=0, default=0, help_text='The last event that was cut off, as old as the realm keeps them.'),
        ),
        migrations.AddField(
            model_name='realm',
            name='audit_retention_days',
            field=models.PositiveIntegerField(blank=True, help_text='Events of the audit log are cut off after this. Empty: never.', null=True, validators=[django.core.validators.MinValueValidator(30), django.core.validators.MaxValueValidator(3650)]),
        ),
    ]
