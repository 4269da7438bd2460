"""A table to read: columns side by side, heads with units above, what is missing is blank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from ssap_mirror.core.schema import Column

from ssap_query.arrow.counted import counted
from ssap_query.arrow.literals import number, string
from ssap_query.render.columns.cells import TextStyle, is_text, join_rows, joined_with, texts
from ssap_query.render.columns.importance import importance
from ssap_query.render.columns.plain import plain_columns
from ssap_query.render.renderable import Renderable, pieces

__all__ = ["terminal_text", "text_chunks"]

_BETWEEN = "  "
_LONGEST = 40
_MEASURED_ROWS = 8192


def text_chunks(result: Renderable) -> Iterator[bytes]:
    """Yield a result as text: every row and column, whatever the width.

    Columns are as wide as the first 8,192 rows need them, and become wider below these where others need more.
    """
    columns = plain_columns(result)
    table = _Table([column.column for column in columns])
    parts = ([column.values(batch) for column in columns] for batch in pieces(result))
    first, rows = [], 0
    for arrays in parts:
        table.measure(arrays)
        first.append(arrays)
        rows += len(arrays[0])
        if rows >= _MEASURED_ROWS:
            break
    yield table.head()
    for arrays in first:
        yield table.rows(arrays)
    first.clear()
    for arrays in parts:
        table.measure(arrays)
        yield table.rows(arrays)
    yield f"{_counts(result)}\n".encode()


def terminal_text(result: Renderable, width: int, rows: int) -> str:
    """Show the first rows of a result and the columns that fit, the most important ones first.

    Parameters
    ----------
    result : Renderable
        What to show.
    width : int
        Characters in a line.
    rows : int
        Most rows to show.

    Returns
    -------
    str
        With a line below that says what is not shown.
    """
    columns = plain_columns(result)
    described = [column.column for column in columns]
    pieces_shown = [[column.rounded(batch) for column in columns] for batch in _first(result, rows)]
    shown = [pa.concat_arrays(parts) for parts in zip(*pieces_shown, strict=True)]
    table = _Table(described, longest=_LONGEST)
    table.measure(shown)
    fitting = _fitting(described, table.widths, width, result.schema.roles)
    part = _Table([described[i] for i in fitting], longest=_LONGEST)
    part.measure([shown[i] for i in fitting] if shown else [])
    text = part.head().decode()
    if shown:
        text += part.rows([shown[i] for i in fitting]).decode()
    hidden = []
    more_rows = len(result) - (len(shown[0]) if shown else 0)
    if more_rows:
        hidden.append(counted(more_rows, "more row"))
    if len(fitting) < len(columns):
        hidden.append(counted(len(columns) - len(fitting), "more column"))
    more = f"; {' and '.join(hidden)} not shown (-o FILE writes all)" if hidden else ""
    return f"{text}{_counts(result)}{more}\n"


def _counts(result: Renderable) -> str:
    truncated = "; truncated: more rows match; raise --maxrec" if result.status == "OVERFLOW" else ""
    made_up = "; SYNTHETIC rows" if "synthetic" in result.infos else ""
    return f"{counted(len(result), 'row')}, {counted(len(result.schema), 'column')}{truncated}{made_up}"


def _first(result: Renderable, rows: int) -> Iterator[pa.RecordBatch]:
    left = rows
    for batch in pieces(result):
        yield batch.slice(0, left)
        left -= batch.num_rows
        if left <= 0:
            return


def _fitting(
    columns: Sequence[Column], widths: Sequence[int], width: int, roles: Mapping[str, str]
) -> list[int]:  # fmt: skip
    """Columns that fit side by side, all of them in order or the most important ones first; at least one."""
    if sum(widths) + len(_BETWEEN) * (len(widths) - 1) <= width:
        return list(range(len(columns)))
    chosen: list[int] = []
    used = -len(_BETWEEN)
    for i in sorted(range(len(columns)), key=lambda i: importance(columns[i], roles)):
        needed = widths[i] + len(_BETWEEN)
        if chosen and used + needed > width:
            break
        chosen.append(i)
        used += needed
    return chosen


@dataclass
class _Table:
    """Columns of text of one width each."""

    columns: Sequence[Column]
    """What to show."""
    longest: int | None = None
    """Characters of the widest column; what is longer is cut. None: nothing is cut."""

    def __post_init__(self) -> None:
        self.widths = [max(len(column.name), len(column.unit or "")) for column in self.columns]
        self.right = [False for _ in self.columns]

    def measure(self, arrays: Sequence[pa.Array]) -> None:
        """Widen the columns for some rows."""
        for i, array in enumerate(arrays):
            longest = pc.max(pc.utf8_length(self._texts(array))).as_py()
            self.widths[i] = max(self.widths[i], longest or 0)
            self.right[i] = not (is_text(array.type) or pa.types.is_binary(array.type))

    def head(self) -> bytes:
        """Names, units and a line."""
        names = self._line([column.name for column in self.columns])
        units = self._line([column.unit or "" for column in self.columns])
        return f"{names}{units}{self._line(['─' * width for width in self.widths])}".encode()

    def rows(self, arrays: Sequence[pa.Array]) -> bytes:
        """Give lines for some rows."""
        cells = [
            (pc.utf8_lpad if right else pc.utf8_rpad)(self._texts(array), width)
            for array, width, right in zip(arrays, self.widths, self.right, strict=True)
        ]
        return join_rows(cells, "", _BETWEEN, "\n")

    def _line(self, parts: Sequence[str]) -> str:
        sides = zip(parts, self.widths, self.right, strict=True)
        return _BETWEEN.join(part.rjust(width) if right else part.ljust(width) for part, width, right in sides) + "\n"

    def _texts(self, array: pa.Array) -> pa.Array:
        found = texts(array, _STYLE)
        if self.longest is None:
            return found
        too_long = pc.greater(pc.utf8_length(found), number(self.longest, pa.int32()))
        cut = joined_with("", pc.utf8_slice_codeunits(found, 0, self.longest - 1), string("…"))
        return pc.if_else(too_long, cut, found)


def _one_line(column: pa.Array) -> pa.Array:
    """Keep control characters away from terminals."""
    return pc.replace_substring_regex(column, "[\x00-\x1f\x7f-\x9f]", "\ufffd")


_STYLE = TextStyle("", ("NaN", "Infinity", "-Infinity"), ("true", "false"), _one_line, ("", " ", ""), "NaN")
