"""A browser: a Chromium of the machine's, where there is one."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """Return the Chromium on the path."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


def what_is_missing() -> str:
    """Say what a test in a browser lacks on this machine; nothing where it can run."""
    if find_spec("playwright") is None:
        return "playwright is not installed: `pip install playwright`"
    return "" if chromium() else f"there is no browser: none of {', '.join(NAMES)} is on the path"
