"""What this process's settings say about what there is to back up."""

from pathlib import Path

from django.conf import settings
from django.db import connection

from accounts.sealing import can_unseal
from hub.backup.archive import SECRET_KEY
from hub.backup.data_folder import DataFolder
from hub.tokens.models import SigningKey


def key_file() -> Path | None:
    """Return where the hub has its secret key from; None if that is the environment."""
    path: Path | None = settings.HUB_KEY_FILE
    return path


def data_folder_here() -> DataFolder:
    """Return the data directory that this process would use."""
    database = Path(connection.settings_dict["NAME"]).absolute()
    return DataFolder(database, key_file() or database.with_name(SECRET_KEY))


def has_its_secret_key() -> bool:
    """Tell whether what the database's hub sealed can be read with the secret key that is here now.

    The key file is read anew: a restore may just have brought another. True where nothing was sealed yet.
    """
    if SigningKey._meta.db_table not in connection.introspection.table_names():
        return True
    sealed = SigningKey.objects.filter(signs=True).values_list("sealed_private_key", flat=True).first()
    path = key_file()
    key = path.read_text().strip() if path else settings.SECRET_KEY
    return sealed is None or can_unseal(sealed, [key, *settings.SECRET_KEY_FALLBACKS])
