"""Pages that show what commands and Python print: taken apart, and held against what is really printed."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["check_command", "check_python", "transcript"]


def transcript(page: Path) -> list[tuple[str, str]]:
    """Commands of the ``console`` blocks, each with the output shown under it."""
    found: list[tuple[str, str]] = []
    for block in re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            while command.endswith("\\"):
                more, _, output = output.partition("\n")
                command = f"{command[:-1]} {more.strip().removeprefix('> ')}"
            found.append((command, output))
    return found


def check_command(command: str, output: str, folder: Path, scratch: Path) -> None:
    """Run a command in a folder; it must print what is shown."""
    environment = {k: v for k, v in os.environ.items() if k != "SSAP_MIRROR_HOME"}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "120",
        "TMPDIR": str(scratch),
    }
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    shown = [line.rstrip() for line in output.rstrip().splitlines()]
    assert [line.rstrip() for line in done.stdout.rstrip().splitlines()] == shown


def check_python(page: Path, least: int) -> None:
    """Run the Python of a page in the current folder; it must print what is shown, and there must be so much of it."""
    # The end of a block is no output.
    text = re.sub(r"^```.*$", "", page.read_text("utf-8"), flags=re.MULTILINE)
    test = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test)
    assert runner.tries >= least
    assert runner.failures == 0
