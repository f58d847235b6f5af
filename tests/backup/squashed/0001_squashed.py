from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    replaces = [("hub", "0001_initial"), ("hub", "0002_tokens_and_idempotency")]
    dependencies = []
    operations = []
