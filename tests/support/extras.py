"""Tests that need an extra are left out where it is not installed, and the summary says so.

scripts/matrix runs tests without extras, and takes such a line for a failure where all of them are installed.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

__all__ = ["missing", "optional"]

# Package -> the extra that has it, where that has another name.
_EXTRAS = {"hats": "lsdb", "matplotlib": "plot", "requests": "pyvo", "specutils": "spectra"}


def _reason(package: str) -> str:
    return f"the extra {_EXTRAS.get(package, package)} is not installed"


def optional(package: str) -> Any:
    """Give a package of an extra; leave out the test, or the module of tests, that asks for one that is missing."""
    return pytest.importorskip(package, reason=_reason(package))


def missing(packages: tuple[str, ...]) -> str | None:
    """Why a test that is marked with these packages is left out; None if it is not."""
    return next((_reason(package) for package in packages if find_spec(package) is None), None)
