"""How Django reaches the database: SQLite on a laptop, PostgreSQL when hosted."""

from typing import Any

import environ

from config import env


def database(url: str) -> dict[str, Any]:
    """Return Django's settings of the database at `url`, SQLite in the data directory if it is empty."""
    if not url:
        return {
            "ENGINE": "hub.sqlite",
            "NAME": env.DATA_DIR / "hub.sqlite3",
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                # Writers queue at BEGIN instead of failing half-way when they turn from reader to writer.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
        }
    named = environ.Env.db_url_config(url)
    options = named.get("OPTIONS", {})  # such as ?sslmode=verify-full&sslrootcert=/etc/ssl/db.pem
    if options.get("prepare_threshold") == "None":  # numbers come as such, this as text
        options = {**options, "prepare_threshold": None}
    return {
        **named,
        "ENGINE": "hub.postgresql",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "server_side_binding": True,
            # Prepared when it comes a second time: Django's migrations send two commands as one, once.
            "prepare_threshold": 1,
            # Seconds, the least that libpq takes; and milliseconds until a host that went away is noticed.
            "connect_timeout": 2,
            "tcp_user_timeout": 5000,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            **options,
        },
    }
