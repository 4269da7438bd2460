"""CSV (RFC 4180 with a header line) and the same with tabs.

NULL is an empty field and the empty string is ``""``; NaN is ``NaN``, infinities are ``Infinity`` and ``-Infinity``,
which Python, Java (STILTS, TOPCAT), DuckDB and pandas all read as numbers; arrays are JSON arrays in quotes.
Truncation cannot be told within these formats: the command line tells it on stderr, the server in a header field.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from ssap_query.arrow import kernels as pc
from ssap_query.arrow.literals import string, strings
from ssap_query.render.answer import Answer, pieces
from ssap_query.render.cells import TextStyle, join_rows, joined_with, texts

__all__ = ["bare_csv_chunks", "csv_chunks", "tsv_chunks"]


def csv_chunks(answer: Answer) -> Iterator[bytes]:
    """Yield an answer as CSV, UTF-8, lines ending in a line feed."""
    return _chunks(answer, ",")


def bare_csv_chunks(answer: Answer) -> Iterator[bytes]:
    """Yield an answer as CSV without a header line."""
    return _chunks(answer, ",", header=False)


def tsv_chunks(answer: Answer) -> Iterator[bytes]:
    """Yield an answer as tab-separated values, quoted like CSV."""
    return _chunks(answer, "\t")


def _chunks(answer: Answer, delimiter: str, *, header: bool = True) -> Iterator[bytes]:
    def quoted(column: pa.Array) -> pa.Array:
        needed = pc.match_substring_regex(column, f'^$|["\r\n{delimiter}]|^\\s|\\s$')
        if not pc.any(needed).as_py():
            return column
        in_quotes = joined_with("", string('"'), pc.replace_substring(column, '"', '""'), string('"'))
        return pc.if_else(needed, in_quotes, column)

    specials = ("NaN", "Infinity", "-Infinity")
    style = TextStyle("", specials, ("true", "false"), quoted, ("[", ",", "]"), "null", quote_arrays=quoted)
    if header:
        names = quoted(strings(answer.schema.names))
        yield (delimiter.join(names.to_pylist()) + "\n").encode()
    for batch in pieces(answer):
        yield join_rows([texts(column, style) for column in batch.columns], "", delimiter, "\n")
