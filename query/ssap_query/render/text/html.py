"""A plain HTML page with the rows, for people; the server's own page does more."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import pyarrow as pa
import pyarrow.compute as pc

from ssap_query.render.columns.cells import TextStyle, join_rows, texts
from ssap_query.render.columns.plain import plain_columns
from ssap_query.render.renderable import Renderable, pieces

__all__ = ["STYLE", "html_chunks", "html_table"]

#: What stands in the element ``style``, for the digest by which a server lets a browser take it.
STYLE = """
body { font-family: sans-serif }
table { border-collapse: collapse; font-size: small }
td, th { border: 1px solid #ccc; padding: 2px 6px; white-space: nowrap }
"""
_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>{style}</style>
</head><body><h1>{title}</h1>
"""


def html_chunks(result: Renderable) -> Iterator[bytes]:
    """Yield a result as an HTML page."""
    title = f"{len(result):,} rows, {result.status}"
    facts = "".join(f"<li>{escape(name)}: {escape(value)}</li>\n" for name, value in result.infos.items())
    notes = "".join(f"<li>{escape(note)}</li>\n" for note in result.notes)
    yield f"{_HEAD.format(title=title, style=STYLE)}<ul>\n{facts}{notes}</ul>\n".encode()
    yield from html_table(result)
    yield b"</body></html>\n"


def html_table(result: Renderable, cell_style: str = "", *, rounded: bool = False) -> Iterator[bytes]:
    """Yield the rows of a result as a TABLE of HTML, with the units in its head.

    Parameters
    ----------
    result : Renderable
        The rows.
    cell_style : str
        CSS of each cell, where the style of the page around it cannot be told.
    rounded : bool
        Whether angles have no more digits than a person reads.
    """
    told = f' style="{cell_style}"' if cell_style else ""
    columns = plain_columns(result)
    heads = "".join(
        f'<th{told} title="{escape(column.description or "", quote=True)}">{escape(column.name)}'
        f"{f' [{escape(column.unit)}]' if column.unit else ''}</th>"
        for column in (shown.column for shown in columns)
    )
    yield f"<table><thead><tr>{heads}</tr></thead><tbody>\n".encode()
    style = TextStyle("", ("NaN", "Infinity", "-Infinity"), ("true", "false"), _escaped, ("", " ", ""), "")
    for batch in pieces(result):
        yield join_rows(
            [texts(column.rounded(batch) if rounded else column.values(batch), style) for column in columns],
            f"<tr><td{told}>",
            f"</td><td{told}>",
            "</td></tr>\n",
        )
    yield b"</tbody></table>"


def _escaped(column: pa.Array) -> pa.Array:
    for character, spelled in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        column = pc.replace_substring(column, character, spelled)
    return column
