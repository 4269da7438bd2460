"""One row in full, with what its codes mean."""

from __future__ import annotations

from typing import Any

from ssap_query.mirror.mirror import Mirror
from ssap_query.server.page.table import PagePlan, table_page

__all__ = ["one_row"]

# Columns of LAMOST -> the macro that says what their values mean.
_DECODED = {
    "fibermask": "fiber_problems(?::INTEGER)",
    "rv_b_flag": "rv_flag_words(?::INTEGER)",
    "rv_r_flag": "rv_flag_words(?::INTEGER)",
    "rv_br_flag": "rv_flag_words(?::INTEGER)",
    "magtype": "magnitude_bands(?::VARCHAR)",
}
_MAGNITUDES, _BANDS = "mag_arr", "magtype"
# What LAMOST writes where there is no magnitude lies outside.
_FAINTEST, _BRIGHTEST = 99, -100


def one_row(plan: PagePlan, mirror: Mirror) -> dict[str, Any]:
    """Give all columns of the first row of a page, and in words those whose values are codes.

    Parameters
    ----------
    plan : PagePlan
        What is asked, with all columns.
    mirror : Mirror
        What decodes.

    Raises
    ------
    ParameterError
        If there is no column to sort by of that name.
    CatalogError
        If the snapshot cannot be read.
    """
    page = table_page(plan, 1)
    row = page["rows"][0] if page["rows"] else []
    values = dict(zip((column["name"] for column in page["columns"]), row, strict=False))
    coded = [name for name in _DECODED if values.get(name) is not None]
    meanings: dict[str, Any] = {}
    if coded:
        text = "SELECT " + ", ".join(_DECODED[name] for name in coded)
        found = mirror.sql(text, [values[name] for name in coded]).to_arrow()
        meanings = {name: found.column(i)[0].as_py() for i, name in enumerate(coded)}
    bands = meanings.pop(_BANDS, None)
    words = {name: _words(meaning) for name, meaning in meanings.items() if meaning is not None}
    if bands and isinstance(values.get(_MAGNITUDES), list):
        words[_MAGNITUDES] = _magnitudes(bands, values[_MAGNITUDES])
    return {**page, "meanings": words}


def _words(meaning: Any) -> str:
    if isinstance(meaning, list):
        return "; ".join(meaning) or "no problem"
    return str(meaning)


def _magnitudes(bands: list[str], values: list[Any]) -> str:
    known = [
        f"{band} = {value:.2f}"
        for band, value in zip(bands, values, strict=False)
        if isinstance(value, float) and _BRIGHTEST < value < _FAINTEST
    ]
    return ", ".join(known) or "none known"
