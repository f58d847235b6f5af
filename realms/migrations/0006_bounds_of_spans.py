from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('realms', '0005_audit_events_by_target_and_actor'),
    ]

    operations = [
        migrations.AlterField(
            model_name='realm',
            name='retention_days',
            field=models.PositiveIntegerField(default=30, help_text='Messages are kept for this long after they are read.', validators=[MaxValueValidator(3650)]),
        ),
        migrations.AlterField(
            model_name='realm',
            name='session_expiry_days',
            field=models.PositiveIntegerField(default=30, help_text='An inactive session is deregistered after this.', validators=[MinValueValidator(1), MaxValueValidator(3650)]),
        ),
        migrations.AlterField(
            model_name='realm',
            name='session_timeout_seconds',
            field=models.PositiveIntegerField(default=900, help_text='A session not seen for this long is inactive.', validators=[MinValueValidator(10), MaxValueValidator(315360000)]),
        ),
    ]
