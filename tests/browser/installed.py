"""The browser that the tests use: one that is installed. Playwright's own would have to be downloaded."""

import shutil

# The shell is the same engine without a window, which saves a quarter of the browser's CPU time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Return the path of Chromium; None if none is installed (Debian: `chromium-headless-shell`)."""
    return next(filter(None, map(shutil.which, NAMES)), None)
