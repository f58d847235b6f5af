"""The browser that the tests use: one that is installed. Playwright's own would have to be downloaded."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Return the path of Chromium; None if none is installed (Debian's package is `chromium`)."""
    return next(filter(None, map(shutil.which, NAMES)), None)
