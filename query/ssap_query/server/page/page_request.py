"""What the page asks: the parameters of SSAP as they are, and beside them which part of the answer it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import ParameterError

from ssap_query.engine.browse.page import PageOrder
from ssap_query.ssap.request import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PageRequest", "read_page_request"]

# No parameter of SSAP begins so.
_SORT, _OFFSET, _ROWS, _COLUMNS, _HISTOGRAMS = "_sort", "_offset", "_rows", "_columns", "_histograms"
_OWN = frozenset({_SORT, _OFFSET, _ROWS, _COLUMNS, _HISTOGRAMS})
_DEFAULT_ROWS = 50


@dataclass(frozen=True)
class PageRequest:
    """A request of the page."""

    parameters: tuple[tuple[str, object], ...]
    """What goes to SSAP."""
    own: Mapping[str, str]
    """What is the page's own."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Names of the columns that are shown; None for those that VERB says."""
        return self._names(_COLUMNS) or None

    def histograms(self, schema: Schema) -> list[Column]:
        """Columns that are drawn.

        Raises
        ------
        ParameterError
            If there is no such column.
        """
        return [_column(_HISTOGRAMS, name, schema) for name in self._names(_HISTOGRAMS)]

    def order(self, schema: Schema, most_rows: int) -> PageOrder:
        """Which rows are shown: ``_sort=-ssa_snr`` is by that column, the largest first.

        Parameters
        ----------
        schema : Schema
            Columns of the answer.
        most_rows : int
            Largest page.

        Raises
        ------
        ParameterError
            If a number is none, or there is no such column.
        """
        name = self.own.get(_SORT, "")
        return PageOrder(
            offset=self._number(_OFFSET, 0),
            rows=min(self._number(_ROWS, _DEFAULT_ROWS), most_rows),
            sort=_column(_SORT, name.removeprefix("-"), schema) if name else None,
            descending=name.startswith("-"),
        )

    def _names(self, name: str) -> tuple[str, ...]:
        return tuple(filter(None, (item.strip() for item in self.own.get(name, "").split(","))))

    def _number(self, name: str, default: int) -> int:
        text = self.own.get(name, "")
        if not text:
            return default
        # No snapshot has as many rows as 18 digits can say.
        if not (text.isascii() and text.isdecimal() and len(text) < 19):
            raise ParameterError(name, text, "is not a number of rows")
        return int(text)


def read_page_request(raw: bytes, dialect: str) -> PageRequest:
    """Read what the page asks.

    Raises
    ------
    ParameterError
        If it cannot be decoded.
    """
    pairs = decode(raw, dialect)
    own = {name.lower(): str(value) for name, value in pairs if name.lower() in _OWN}
    return PageRequest(tuple((name, value) for name, value in pairs if name.lower() not in _OWN), own)


def _column(parameter: str, name: str, schema: Schema) -> Column:
    if name not in schema:
        raise ParameterError(parameter, name, "is not a column of the answer")
    return schema[name]
