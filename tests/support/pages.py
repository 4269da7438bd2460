"""Pages of the documentation: taken apart into their blocks, and run block by block as a reader would.

A block is run, in the order of the page and in one folder, unless a comment before it says why not::

    <!-- not run: reason -->

What goes on until it is stopped, a server, is said to with ``<!-- in the background -->``.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssap_mirror.core.layout import HOME_VARIABLE
from ssap_mirror.pipeline.known_services import services

from tests.support.paths import ROOT

__all__ = ["LANGUAGES", "Block", "Reader", "blocks_of", "transcript"]

#: Languages of blocks that are run.
LANGUAGES = ("console", "python", "sh", "toml", "{code-cell}")

_BLOCK = re.compile(
    r"^(?:<!-- (?:not run: (?P<reason>[^\n]+?)|(?P<background>in the background)) -->\n)?"
    r"```(?P<language>[^\s`]*)[^\n]*\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_OF_THE_CHECKOUT = ".venv/bin/"
# A harvest of a few rows takes some seconds of CPU, and many more where a machine has other things to do.
_TIMEOUT_S = 900


@dataclass(frozen=True)
class Block:
    """A block of a page that is fenced by backticks."""

    line: int
    """Of its first one in the page."""
    language: str
    """What stands behind the backticks."""
    text: str
    """What is between them."""
    reason: str | None = None
    """Why it is not run."""
    background: bool = False
    """Whether it goes on while the page does."""


def blocks_of(page: Path) -> list[Block]:
    """Blocks of a page, in its order."""
    text = page.read_text("utf-8")
    return [
        Block(
            text.count("\n", 0, found.start("text")),
            found["language"],
            found["text"],
            found["reason"],
            found["background"] is not None,
        )
        for found in _BLOCK.finditer(text)
    ]


def transcript(text: str) -> list[tuple[str, str]]:
    """Commands of a ``console`` block, each with the output shown under it."""
    found: list[tuple[str, str]] = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        while command.endswith("\\"):
            more, _, output = output.partition("\n")
            command = f"{command[:-1]} {more.strip().removeprefix('> ')}"
        found.append((command, output))
    return found


class Reader:
    """Does what a page says, block by block, in the folder and with the environment of this process.

    Parameters
    ----------
    stand_ins : mapping of str to str
        What a page calls something that is far away -> what stands in for it here.
    """

    def __init__(self, stand_ins: Mapping[str, str]) -> None:
        self._stand_ins = stand_ins
        self._names: dict[str, Any] = {}
        self._running = ExitStack()

    def close(self) -> None:
        """Stop what is running."""
        self._running.close()

    def run(self, block: Block) -> None:
        """Do what a block says; what it shows as printed must be printed."""
        text = block.text
        for far, near in self._stand_ins.items():
            text = text.replace(far, near)
        if block.background:
            self._running.enter_context(_background(text))
        elif block.language == "console":
            for command, output in transcript(text):
                _check(command, output)
        elif block.language == "sh":
            _call(f"set -e\n{text}")
        elif block.language == "toml":
            _configure(text)
        elif ">>> " in text:
            self._check_doctest(text, block)
        else:
            lines = [line for line in text.splitlines() if not line.startswith(":tags:")]
            # Empty lines before it: a traceback names the line of the page.
            exec(compile("\n" * block.line + "\n".join(lines), "page", "exec"), self._names)

    def _check_doctest(self, text: str, block: Block) -> None:
        test = doctest.DocTestParser().get_doctest(text, self._names, "page", None, block.line)
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        runner.run(test, clear_globs=False)
        # It works on a copy of the names.
        self._names.update(test.globs)
        assert runner.failures == 0, f"line {block.line}"


def _call(command: str) -> str:
    folder, environment = Path.cwd(), dict(os.environ)
    if command.startswith(_OF_THE_CHECKOUT):
        # Said to somebody in a checkout, who has no folder of mirrors beside it.
        folder = ROOT
        del environment[HOME_VARIABLE]
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=_TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def _check(command: str, output: str) -> None:
    printed = [line.rstrip() for line in _call(command).rstrip().splitlines()]
    assert printed == [line.rstrip() for line in output.rstrip().splitlines()], command


def _configure(text: str) -> None:
    """Write services into the reader's own file, which must be able to hold them."""
    home = Path(os.environ[HOME_VARIABLE])
    with (home / "services.toml").open("a") as file:
        file.write(f"\n{text}")
    assert set(tomllib.loads(text)) <= {service.name for service in services(home)}


@contextmanager
def _background(text: str) -> Iterator[None]:
    server = subprocess.Popen(["sh", "-c", f"exec {text}"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        told = server.stderr.readline()
        assert told.startswith("http://"), told + server.stderr.read()
        yield
    finally:
        server.terminate()
        server.communicate(timeout=60)
