"""What an operator may set, read once from the environment."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from config.secret_files import with_secret_files

PACKAGE = Path(__file__).resolve().parent
# A wheel holds `templates` and `static` in this package; in a checkout they stand beside it.
IS_INSTALLED = (PACKAGE / "templates").is_dir()
BASE_DIR = PACKAGE if IS_INSTALLED else PACKAGE.parent
KEY_FILE = "secret_key"

env = environ.Env()
# django-environ takes a value that begins with `$` for the name of another variable, which makes nothing of
# one in fifty of the secret keys that Django generates. Escaped, every value is what it says.
env.escape_proxy = True
env.ENVIRON = {name: value.replace("$", r"\$") for name, value in with_secret_files(os.environ).items()}

DEBUG: bool = env.bool("DEBUG", default=False)
HOST: str = env.str("HOST", default="127.0.0.1")
PORT: int = env.int("PORT", default=8000)
# An installed hub keeps its data where it is started, not among the packages.
DATA_DIR = Path(env.str("HUB_DATA_DIR", default="var" if IS_INSTALLED else str(BASE_DIR / "var"))).resolve()
DATABASE_URL: str = env.str("DATABASE_URL", default="")
REDIS_URL: str = env.str("REDIS_URL", default="")
# One process on a laptop, with SQLite and wake-ups in process; anything else is the hosted service.
EMBEDDED: bool = not DATABASE_URL and not REDIS_URL
if EMBEDDED:
    # What the hub writes on a laptop is for its user alone: the database, the secret key, a backup.
    os.umask(0o077)

REQUEST_THREADS: int = env.int("HUB_REQUEST_THREADS", default=8)
LOG_LEVEL: str = env.str("LOG_LEVEL", default="INFO").upper()
LOG_FORMAT: str = env.str("LOG_FORMAT", default="text")
LOG_REQUESTS: str = env.str("HUB_LOG_REQUESTS", default="all")  # which requests have a line in the log
# Proxies whose X-Forwarded-For and X-Forwarded-Proto count. uvicorn reads the variable itself.
TRUSTED_PROXIES: list[str] = [
    part for part in map(str.strip, env.str("FORWARDED_ALLOW_IPS", default="127.0.0.1").split(",")) if part
]
# What Prometheus has to present at /metrics; without it only this machine is answered there.
METRICS_TOKEN: str = env.str("HUB_METRICS_TOKEN", default="")
# Where a worker answers /livez, /readyz and /metrics; 0 for nowhere.
WORKER_PORT: int = env.int("HUB_WORKER_PORT", default=0)
# Of a key whose realm and which itself set no limit; 0 for none. Refusals are those of one address.
READS_PER_MINUTE: int = env.int("HUB_READS_PER_MINUTE", default=1000)
WRITES_PER_MINUTE: int = env.int("HUB_WRITES_PER_MINUTE", default=200)
REFUSALS_PER_MINUTE: int = env.int("HUB_REFUSALS_PER_MINUTE", default=100)
# What a realm's owner may set at most; 0 for no ceiling.
MOST_READS_PER_MINUTE: int = env.int("HUB_MOST_READS_PER_MINUTE", default=0 if EMBEDDED else 10_000)
MOST_WRITES_PER_MINUTE: int = env.int("HUB_MOST_WRITES_PER_MINUTE", default=0 if EMBEDDED else 2_000)
# Of all keys of a realm together; 0 for none.
REALM_REQUESTS_PER_MINUTE: int = env.int("HUB_REALM_REQUESTS_PER_MINUTE", default=0 if EMBEDDED else 20_000)
# How many working keys a realm may have, and how many realms a person may own; 0 for as many as they like.
MOST_KEYS: int = env.int("HUB_MOST_KEYS", default=100)
MOST_REALMS: int = env.int("HUB_MOST_REALMS", default=10)
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", default=[])

# smtp+tls://user:password@host:587, as django-environ reads it.
MAIL: dict[str, Any] = env.email_url("EMAIL_URL", default="consolemail://")
MAIL_FROM: str = env.str("HUB_MAIL_FROM", default="AISP Hub <hub@localhost>")

# How long a request waits for one statement of PostgreSQL before it is answered with 503.
STATEMENT_SECONDS: float = env.float("HUB_STATEMENT_SECONDS", default=5.0)

# Whether anybody may make an account, or only who was invited.
OPEN_SIGN_UP: bool = env.bool("HUB_OPEN_SIGN_UP", default=not EMBEDDED)

# After SIGTERM the process takes requests for so long, while /readyz tells the balancer to go elsewhere.
DRAIN_SECONDS: float = env.float("HUB_DRAIN_SECONDS", default=0.0 if EMBEDDED else 3.0)

# Browsers keep no passkeys for an IP address, so that of this machine goes by its name. So do all addresses
# at once, which nobody can open.
NAME = "localhost" if HOST in ("127.0.0.1", "::1", "0.0.0.0", "::") else HOST  # noqa: S104 - names them only
ORIGIN: str = env.str("HUB_ORIGIN", default=f"http://{NAME}:{PORT}" if EMBEDDED or DEBUG else "").rstrip("/")
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", HOST] if EMBEDDED or DEBUG else []
)


def key_file() -> Path | None:
    """Return where the secret key is kept, if the hub keeps it; None if the environment gives it."""
    return None if env.str("SECRET_KEY", default="") else DATA_DIR / KEY_FILE


def secret_key() -> str:
    """Return the key that signs cursors, cookies and tokens of the web pages.

    In the embedded mode it is made on the first start and kept in the data directory.

    Raises:
        ImproperlyConfigured: the hub is hosted and `SECRET_KEY` is not set.
    """
    key: str = env.str("SECRET_KEY", default="")
    if key:
        return key
    if not (EMBEDDED or DEBUG):
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. A hub with DATABASE_URL or REDIS_URL needs its own; make one with\n"
            "  python -c 'import secrets; print(secrets.token_urlsafe(50))'\n"
            "and set it in the environment of every process, or in a file that SECRET_KEY_FILE names."
        )
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = DATA_DIR / KEY_FILE
    if not path.exists():
        # Written whole and then linked: of two processes that start at once, one gives the key its name
        # and both use it, and neither reads an empty file.
        descriptor, draft = tempfile.mkstemp(dir=DATA_DIR, prefix=KEY_FILE)  # mode 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        with suppress(FileExistsError):
            os.link(draft, path)
        Path(draft).unlink()
    return path.read_text().strip()
