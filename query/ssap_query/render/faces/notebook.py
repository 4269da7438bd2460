"""A result as a notebook shows it: the first rows, their units, and what is to be said of them."""

from __future__ import annotations

from html import escape
from itertools import chain

from ssap_query.arrow.counted import counted
from ssap_query.render.renderable import Renderable
from ssap_query.render.text.html import html_table

__all__ = ["COLUMNS", "ROWS", "notebook_html"]

#: So many rows are shown, and so many columns.
ROWS, COLUMNS = 10, 12
_CELL = "white-space: nowrap; text-align: left"
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
