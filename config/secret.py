"""Secrets from the environment, or from the files that it names.

A variable is seen by every child and in every crash report; a file is what Docker, systemd and Kubernetes
hand a secret over as. Values are taken as they stand: django-environ would take one that begins with `$` for
another variable's name, and a password may begin with anything.
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def secret(name: str) -> str:
    """Return the variable `name`, or the content of the file that `name` and `_FILE` names; "" if neither.

    One newline at the file's end is not the secret's.

    Raises:
        ImproperlyConfigured: both are set, or the file cannot be read.
    """
    value, path = os.environ.get(name, ""), os.environ.get(f"{name}_FILE", "")
    if value and path:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one of them.")
    if not path:
        return value
    try:
        return Path(path).read_text().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ImproperlyConfigured(f"{name}_FILE is {path}, which cannot be read: {why}.") from None
