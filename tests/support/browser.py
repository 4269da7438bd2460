"""A real browser for the tests of the page: Chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["chromium", "missing_browser"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_VARIABLE = "SSAP_MIRROR_CHROMIUM"


@cache
def _path() -> str | None:
    given = os.environ.get(_VARIABLE)
    return given or next(filter(None, map(shutil.which, _NAMES)), None)


def missing_browser() -> str | None:
    """Say why no browser can be driven; None if one can."""
    if find_spec("playwright") is None or find_spec("axe_playwright_python") is None:
        return "playwright and axe-playwright-python are not installed"
    return None if _path() else f"no Chromium is installed ({_VARIABLE} may name one)"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser of this machine; it can reach this machine alone."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        # Every name but that of this machine leads nowhere, so a page that needs the network fails here.
        words = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"]
        browser = driver.chromium.launch(executable_path=_path(), args=words)
        try:
            yield browser
        finally:
            browser.close()
