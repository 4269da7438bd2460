"""The README and the pages of the documentation tell the truth: what they show is run, and printed as they show it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pages import check_command, check_python, transcript
from tests.support.paths import ROOT

README = ROOT / "README.md"
PAGES = sorted((*ROOT.glob("query/docs/**/*.md"), *ROOT.glob("mirror/docs/**/*.md")))
# LSDB and Dask warn of things among themselves.
_WARNED = pytest.mark.filterwarnings("ignore")
_WITH_PYTHON = [
    pytest.param(page, marks=_WARNED if page.stem == "cluster" else (), id=page.stem)
    for page in PAGES
    if ">>> " in page.read_text("utf-8")
]
_COMMANDS = [(page, *shown) for page in PAGES for shown in transcript(page)]


@pytest.mark.parametrize(("command", "output"), transcript(README), ids=lambda text: text.split("\n")[0][:50])
def test_command_prints_what_the_readme_shows(command: str, output: str, tmp_path: Path) -> None:
    check_command(command, output, ROOT, tmp_path)


def test_there_is_a_transcript() -> None:
    assert len(transcript(README)) >= 2
    assert len(_WITH_PYTHON) >= 5
    assert len(_COMMANDS) >= 3


def test_python_of_the_readme_prints_what_it_shows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSAP_MIRROR_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    check_python(README, 3)


@pytest.mark.parametrize("page", _WITH_PYTHON)
def test_python_of_a_page_prints_what_it_shows(page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSAP_MIRROR_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    check_python(page, 4)


@pytest.mark.parametrize(("page", "command", "output"), _COMMANDS, ids=lambda part: str(part)[-40:])
def test_command_of_a_page_prints_what_it_shows(page: Path, command: str, output: str, tmp_path: Path) -> None:
    check_command(command, output, tmp_path, tmp_path)


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the group docs")
    done = subprocess.run(
        [sys.executable, "-m", "scripts.site", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "html" / "query" / "docs" / "tutorials" / "binaries.html").is_file()
