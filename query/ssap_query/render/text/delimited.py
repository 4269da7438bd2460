"""CSV (RFC 4180 with a header line) and the same with tabs.

NULL is an empty field and the empty string is ``""``; NaN is ``NaN``, infinities are ``Infinity`` and ``-Infinity``,
which Python, Java (STILTS, TOPCAT), DuckDB and pandas all read as numbers; arrays are JSON arrays in quotes, and bytes
hexadecimal digits. A structure gives a column for each of its fields.
Truncation cannot be told within these formats: the command line tells it on stderr, the server in a header field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa

from ssap_query.arrow import kernels as pc
from ssap_query.arrow.literals import string, strings
from ssap_query.render.columns.cells import TextStyle, join_rows, joined_with, texts
from ssap_query.render.columns.plain import PlainColumn, plain_columns
from ssap_query.render.renderable import Renderable, pieces

__all__ = ["bare_csv_chunks", "csv_chunks", "lines", "name_line", "quoting", "tsv_chunks"]

_SPECIALS = ("NaN", "Infinity", "-Infinity")


def csv_chunks(result: Renderable) -> Iterator[bytes]:
    """Yield a result as CSV, UTF-8, lines ending in a line feed."""
    return _chunks(result, ",")


def bare_csv_chunks(result: Renderable) -> Iterator[bytes]:
    """Yield a result as CSV without a header line."""
    return _chunks(result, ",", header=False)


def tsv_chunks(result: Renderable) -> Iterator[bytes]:
    """Yield a result as tab-separated values, quoted like CSV."""
    return _chunks(result, "\t")


def _chunks(result: Renderable, delimiter: str, *, header: bool = True) -> Iterator[bytes]:
    columns = plain_columns(result)
    if header:
        yield name_line([column.column.name for column in columns], delimiter)
    quoted = quoting(delimiter)
    style = TextStyle("", _SPECIALS, ("true", "false"), quoted, ("[", ",", "]"), "null", quote_arrays=quoted)
    yield from lines(result, columns, [style] * len(columns), delimiter)


def name_line(names: Sequence[str], delimiter: str) -> bytes:
    """Line of column names."""
    return (delimiter.join(quoting(delimiter)(strings(names)).to_pylist()) + "\n").encode()


def lines(
    result: Renderable, columns: Sequence[PlainColumn], styles: Sequence[TextStyle], delimiter: str
) -> Iterator[bytes]:
    """Yield the rows of a result as lines, each column in a style of its own."""
    for batch in pieces(result):
        cells = [texts(column.values(batch), style) for column, style in zip(columns, styles, strict=True)]
        yield join_rows(cells, "", delimiter, "\n")


def quoting(delimiter: str) -> Callable[[pa.Array], pa.Array]:
    """Give what puts an array of strings in quotes where a line needs them."""
    needs_quotes = f'^$|["\r\n{delimiter}]|^\\s|\\s$'

    def quoted(column: pa.Array) -> pa.Array:
        needed = pc.match_substring_regex(column, needs_quotes)
        if not pc.any(needed).as_py():
            return column
        in_quotes = joined_with("", string('"'), pc.replace_substring(column, '"', '""'), string('"'))
        return pc.if_else(needed, in_quotes, column)

    return quoted
