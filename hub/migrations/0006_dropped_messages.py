from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('hub', '0005_messages_by_category_and_sender'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='is_dropped',
            field=models.BooleanField(db_default=False, default=False, help_text='It expired, and was taken out of the inboxes.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='delivered_at',
            field=models.DateTimeField(help_text='When a stream of the recipient, or a poll, had it first.', null=True),
        ),
    ]
