"""A result as a notebook shows it: the first rows, their units, and what is to be said of them; a record."""

from __future__ import annotations

from html import escape
from itertools import chain
from typing import TYPE_CHECKING

from ssap_query.arrow.counted import counted
from ssap_query.render.renderable import Renderable
from ssap_query.render.text.html import html_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ssap_mirror.core.schema import Column

__all__ = ["COLUMNS", "ROWS", "notebook_html", "record_html"]

#: So many rows are shown, and so many columns.
ROWS, COLUMNS = 10, 12
# A long address does not push the other columns away.
_CELL = "white-space: nowrap; text-align: left; max-width: 24em; overflow: hidden; text-overflow: ellipsis"
_FACTS = ("mirror", "selection", "synthetic")


def notebook_html(result: Renderable, first: Renderable) -> str:
    """Write a result as a fragment of HTML.

    Parameters
    ----------
    result : Renderable
        What is described.
    first : Renderable
        Its first rows and most important columns, which are shown.
    """
    size = f"{counted(len(result), 'row')} × {counted(len(result.schema), 'column')}"
    status = "" if result.status == "OK" else f", {result.status}: more rows match"
    parts = [
        counted(len(part), what)
        for part, whole, what in ((first, result, "row"), (first.schema, result.schema, "column"))
        if len(part) < len(whole)
    ]
    shown = f" (shown: {' and '.join(parts)})" if parts else ""
    facts = [f"{name}: {result.infos[name]}" for name in _FACTS if name in result.infos]
    notes = "".join(f"<br>{escape(text)}" for text in chain(facts, result.notes))
    rows = b"".join(html_table(first, _CELL, rounded=True)).decode()
    scrolling = '<div style="max-width: 100%; overflow-x: auto">'
    return f"{scrolling}{rows}</div><p><b>{size}{status}</b>{shown}<small>{notes}</small></p>"


def record_html(columns: Iterable[Column], values: Iterable[object]) -> str:
    """Write a record as a fragment of HTML: a line for each column.

    Parameters
    ----------
    columns : iterable of Column
        What is known of the columns.
    values : iterable of object
        Their values, in the same order.
    """
    lines = "".join(
        f'<tr title="{escape(column.description or "", quote=True)}"><th style="{_CELL}">{escape(column.name)}</th>'
        f'<td style="{_CELL}">{escape(str(value))}</td><td style="{_CELL}">{escape(column.unit or "")}</td></tr>'
        for column, value in zip(columns, values, strict=True)
    )
    return f'<div style="max-height: 30em; overflow: auto"><table>{lines}</table></div>'
