"""Secrets from files, as Docker, Kubernetes and systemd hand them to a process."""

from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

SECRETS = (
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "DATABASE_URL",
    "REDIS_URL",
    "EMAIL_URL",
    "HUB_METRICS_TOKEN",
)


def with_secret_files(variables: Mapping[str, str]) -> dict[str, str]:
    """Return `variables` with each secret that is in a file, which `NAME_FILE` is the path of.

    One newline at the end of the file is not part of the secret. A `NAME_FILE` that is empty counts as none.

    Raises:
        ImproperlyConfigured: the file cannot be read or is empty, or `NAME` is set too.
    """
    found = dict(variables)
    for name in SECRETS:
        path = variables.get(f"{name}_FILE")
        if not path:
            continue
        if variables.get(name):
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Set one of them.")
        found[name] = _secret(name, path)
    return found


def _secret(name: str, path: str) -> str:
    """Return what is in the file; messages name the variable and the path, never the content."""
    try:
        value = Path(path).read_text(encoding="utf-8").removesuffix("\n")
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{name}_FILE: {path} is not UTF-8 text.") from None
    if not value:
        # An empty DATABASE_URL would start a hub of its own on SQLite instead of the one that was meant.
        raise ImproperlyConfigured(f"{name}_FILE: {path} is empty.")
    return value
