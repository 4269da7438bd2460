"""The house stays one that a newcomer reads in a minute: small folders, small modules."""

from __future__ import annotations

from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_PACKAGES = (_ROOT / "mirror/ssap_mirror", _ROOT / "query/ssap_query")
# Data lie beside the code, typing asks for the marker, and every package has an __init__.
_NO_ROOMS = {"__pycache__", "data", "py.typed", "__init__.py"}
_MOST_ENTRIES, _MOST_LINES = 13, 400


def _folders() -> list[Path]:
    inside = [folder for package in _PACKAGES for folder in package.rglob("*") if folder.is_dir()]
    shown = [folder for folder in (*_PACKAGES, *inside) if not _NO_ROOMS & {*folder.parts}]
    return [folder for folder in shown if _entries(folder)]  # a renamed folder leaves its byte code behind


def _entries(folder: Path) -> list[str]:
    return sorted({entry.name for entry in folder.iterdir()} - _NO_ROOMS)


@pytest.mark.parametrize("folder", _folders(), ids=lambda folder: str(folder.relative_to(_ROOT)))
def test_a_folder_shows_few_entries(folder: Path) -> None:
    assert len(_entries(folder)) <= _MOST_ENTRIES, _entries(folder)


def test_no_module_is_long() -> None:
    modules = [module for package in _PACKAGES for module in package.rglob("*.py")]
    assert len(modules) > 100
    lengths = {str(module.relative_to(_ROOT)): len(module.read_text().splitlines()) for module in modules}
    assert {name: lines for name, lines in lengths.items() if lines > _MOST_LINES} == {}
