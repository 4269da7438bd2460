"""What is known to go wrong with simulated services: each line is a test that has to fail, with what was seen.

A test that passes though it is listed fails: its line has to be taken out of ``known_faults.toml``, by hand or with
``pytest --drop-mended-faults``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

__all__ = ["FILE", "with_known_faults"]

#: A table for each test, and in it a line for each case.
FILE = Path(__file__).with_suffix(".toml")
_FAULTS = tomllib.loads(FILE.read_text(encoding="utf-8"))


def with_known_faults(test: str, cases: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Mark the cases of a test that are known to fail.

    Parameters
    ----------
    test : str
        Its table in the file.
    cases : iterable of tuple
        Parameters; their texts with `` / `` between are the key.
    """
    faults: dict[str, str] = _FAULTS.get(test, {})
    found, keys = [], set()
    for case in cases:
        key = " / ".join(map(str, case))
        keys.add(key)
        marks = [pytest.mark.xfail(strict=True, reason=faults[key])] if key in faults else []
        found.append(pytest.param(*case, id=key, marks=marks))
    if stale := sorted(set(faults) - keys):
        message = f"known_faults.toml lists what is no case of {test!r}: {stale}"
        raise ValueError(message)
    return found
