"""What holds for the project as a whole."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest

from tests.support.paths import ROOT

_TOP_LEVEL = {
    *("pyproject.toml", "README.md", "mirror", "query", "tests", "scripts", "parquet"),
    *("LICENSE", "CHANGELOG.md", ".gitignore", "uv.lock", ".ci"),
}


def _tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return done.stdout.splitlines()


def test_top_level_is_fixed() -> None:
    assert {path.split("/")[0] for path in _tracked()} <= _TOP_LEVEL


def test_changelog_has_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## \[{re.escape(version)}\]", changelog, flags=re.MULTILINE)


def test_shipped_mirrors_are_small() -> None:
    size = sum((ROOT / path).stat().st_size for path in _tracked() if path.startswith("parquet/"))
    assert 0 < size <= 8_000_000


def test_select_is_assembled_in_one_place() -> None:
    """SQL that is put together from parts is suppressed in as few places as there are assemblers."""
    allowed = {"query/ssap_query/engine/compile.py"}
    found = {
        path
        for path in _tracked()
        if path.startswith("query/") and path.endswith(".py") and "noqa: S608" in (ROOT / path).read_text("utf-8")
    }
    assert found <= allowed
