"""Which SQL was run, and which words of it are not the package's own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import ssap_query
from ssap_mirror.core import sphere
from ssap_mirror.core.schema import Schema

__all__ = ["StatementLog"]

# Where statements are made; the other rooms have prose, whose words would hide a request's.
_ROOMS = ("engine", "ssap/params")
_MODULES = ("ssap/predicate.py",)

_connect = duckdb.connect


class StatementLog:
    """Every statement that is given to DuckDB while `watching`, and the words that may occur in one.

    Parameters
    ----------
    schema : Schema
        Whose column names may occur.
    """

    def __init__(self, schema: Schema) -> None:
        self.texts: dict[str, None] = {}
        self.bound: list[Any] = []
        self._words = _literal_words() | {word for name in schema.names for word in _tokens(name)}
        self._checked: set[str] = set()

    def connect(self, *arguments: Any, **options: Any) -> Any:
        """Stand in for `duckdb.connect`."""
        return _Watched(_connect(*arguments, **options), self)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch every database that is opened inside."""
        duckdb.connect = self.connect
        try:
            yield
        finally:
            duckdb.connect = _connect

    def start_anew(self) -> None:
        """Forget what one request has run."""
        self.texts.clear()
        self.bound.clear()

    def foreign(self) -> set[str]:
        """Give the words of the statements that stand neither in the package's own literals nor in the schema."""
        found: set[str] = set()
        for text in self.texts:
            if text not in self._checked:
                strange = _tokens(text) - self._words
                found |= strange
                if not strange:
                    self._checked.add(text)
        return found

    @property
    def different(self) -> int:
        """How many different statements have been found to be our own."""
        return len(self._checked)


class _Watched:
    """A connection that writes down each text it is given, whichever method it is given to."""

    def __init__(self, connection: Any, log: StatementLog) -> None:
        self._connection, self._log = connection, log

    def cursor(self) -> _Watched:
        return _Watched(self._connection.cursor(), self._log)

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._connection, name)
        if not callable(member):
            return member

        def call(*arguments: Any, **options: Any) -> Any:
            if arguments and isinstance(arguments[0], str):
                self._log.texts.setdefault(arguments[0])
            self._log.bound += [*arguments[1:], *options.values()]
            return member(*arguments, **options)

        return call


def _tokens(text: str) -> set[str]:
    return set(re.findall(r"\w+|[^\w\s]", text))


def _literal_words() -> set[str]:
    """Words of the string literals in the modules that make statements; docstrings are left out."""
    package = Path(ssap_query.__file__).parent
    paths = [package / name for name in _MODULES]
    paths.append(Path(sphere.__file__))
    paths += [path for room in _ROOMS for path in sorted((package / room).rglob("*.py"))]
    words: set[str] = set()
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                words |= _tokens(node.value)
    # Sizes of arrays, and names of what is worked out for a scan.
    return words | {str(size) for size in range(1, 10)} | {"file_index", "file_row_number"}
