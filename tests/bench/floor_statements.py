"""What the floors take from the hub, so that they do the same work: its statements, and whose a key is."""

import os

import django
import msgspec
import psycopg

from tests.bench.stage import Keys

WHOSE = "SELECT realm_id, id FROM realms_apikey ORDER BY id"
INBOX_LIMIT = 1_000_000


def set_up() -> None:
    """Make the hub's modules importable in this process."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()


def given(url: str, keys: Keys) -> str:
    """Return, as JSON, what floor (a) has to know."""
    set_up()
    from hub.messages import statements
    from realms.ids import KEY, REALM, id_of

    with psycopg.connect(url) as connection:
        rows = connection.execute(WHOSE).fetchall()
    ids = [(id_of(REALM, realm), id_of(KEY, key), INBOX_LIMIT) for realm, key in rows]
    credentials = dict(zip((keys.limited, keys.unlimited), ids, strict=True))
    given = {"send": statements.SEND[True, False], "poll": statements.POLL, "credentials": credentials}
    return msgspec.json.encode(given).decode()
