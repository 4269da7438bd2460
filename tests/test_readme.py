"""The README tells the truth: its transcripts are run, and what they print must be what it shows."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

README = ROOT / "README.md"


def _transcript() -> list[tuple[str, str]]:
    """Commands of the ``console`` blocks, each with the output shown under it."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            while command.endswith("\\"):
                more, _, output = output.partition("\n")
                command = f"{command[:-1]} {more.strip().removeprefix('> ')}"
            found.append((command, output))
    return found


@pytest.mark.parametrize(("command", "output"), _transcript(), ids=lambda text: text.split("\n")[0][:50])
def test_command_prints_what_the_readme_shows(command: str, output: str, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "SSAP_MIRROR_HOME"}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "120",
        "TMPDIR": str(tmp_path),
    }
    done = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    shown = [line.rstrip() for line in output.rstrip().splitlines()]
    assert [line.rstrip() for line in done.stdout.rstrip().splitlines()] == shown


def test_there_is_a_transcript() -> None:
    assert len(_transcript()) >= 2


def test_python_of_the_readme_prints_what_it_shows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSAP_MIRROR_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    outcome = doctest.testfile(str(README), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert outcome.attempted >= 3
    assert outcome.failed == 0
