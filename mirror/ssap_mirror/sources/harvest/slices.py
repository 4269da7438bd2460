"""Slices of a table, each what one request can ask for: ranges of a parameter, discs on the sky, and both at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.core.times import datetime_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "COLLECTION",
    "DATES_MJD",
    "ENDS",
    "WHOLE",
    "Cell",
    "Range",
    "Slice",
    "TextRange",
    "cells_of",
    "cover_positions",
    "iso_of_mjd",
    "order_of_discs",
    "plan_ranges",
]

#: Between the names of two parameters that together select a range: one for its lower end, one for its upper.
ENDS = "|"
#: Parameter that some services want in each request.
COLLECTION = "COLLECTION"

_DATES = ("TIME", "MTIME")
# Where an open end is cut in two when nothing is known of the values: 1950 to 2050 [MJD].
_ERA_MJD = (33282.0, 69807.0)
#: Dates beyond 1600 or 2400 are no observations, and clients and servers differ on what they can write [MJD].
DATES_MJD = (-94553.0, 197642.0)
_FINEST_ORDER = 14
# A rim of 3.6 arcsec: the edge of a cell lies inside the disc whatever the rounding.
_RIM_DEG = 1e-3
_EDGE_POINTS = 16
# The disc around a cell is so much larger than it.
_DISC_PER_CELL = 1.7


def iso_of_mjd(mjd: float) -> str:
    """Write a date as SSA 1.1 wants it, to the microsecond.

    Parameters
    ----------
    mjd : float
        Modified Julian Date [d], in the time scale of the request.

    Examples
    --------
    >>> iso_of_mjd(58100.5)
    '2017-12-13T12:00:00'
    """
    return datetime_of(mjd).isoformat()


@dataclass(frozen=True)
class Range:
    """A range of a parameter's values; both ends belong to it, and None is an open end."""

    parameter: str
    """``TIME``, ``SNR``, ``BAND``, ..., or two with `ENDS` between."""
    start: float | None = None
    """Lower end: MJD [d] for dates, else in the parameter's own unit."""
    stop: float | None = None
    """Upper end."""

    def params(self, size_is_radius: bool) -> list[tuple[str, str]]:  # noqa: FBT001  (as `Cell.params`)
        """Parameters of a request."""
        if self.start is None and self.stop is None:
            message = f"{self.parameter}=/ is an error for some servers and everything for others"
            raise ValueError(message)
        if ENDS in self.parameter:
            ends = zip(self.parameter.split(ENDS), (self.start, self.stop), strict=True)
            return [(name, self._text(value)) for name, value in ends if value is not None]
        return [(self.parameter, f"{self._text(self.start)}/{self._text(self.stop)}")]

    def _text(self, value: float | None) -> str:
        if value is None:
            return ""
        return iso_of_mjd(value) if self.parameter in _DATES else repr(value)

    def halves(self, known: NDArray[np.float64] | None = None) -> tuple[Range, Range] | None:
        """Cut in two at the median of the known values, or in the middle of the range.

        Parameters
        ----------
        known : numpy.ndarray of float64, optional
            Values of rows of the table.

        Returns
        -------
        tuple of Range, or None
            None if there is nothing between the ends.
        """
        middle = None if known is None else self._between(known[self.holds(known)])
        if middle is None:
            middle = self._middle()
        if self.parameter in _DATES and not DATES_MJD[0] <= middle <= DATES_MJD[1]:
            return None
        low, high = -math.inf if self.start is None else self.start, math.inf if self.stop is None else self.stop
        # Two dates closer than a microsecond are one date on the wire.
        if not low < middle < high or self._text(middle) in (self._text(self.start), self._text(self.stop)):
            return None
        return Range(self.parameter, self.start, middle), Range(self.parameter, middle, self.stop)

    def holds(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which values lie in it."""
        low, high = -math.inf if self.start is None else self.start, math.inf if self.stop is None else self.stop
        return (values >= low) & (values <= high)

    def _between(self, values: NDArray[np.float64]) -> float | None:
        distinct = np.unique(values)
        if len(distinct) < 2:
            return None
        at = int(np.searchsorted(distinct, np.median(values)))
        at = min(max(at, 1), len(distinct) - 1)
        return _round_between(float(distinct[at - 1]), float(distinct[at]), self.parameter in _DATES)

    def _middle(self) -> float:
        low, high = self.start, self.stop
        if self.parameter in _DATES:
            early, late = _ERA_MJD
            low = low if low is not None else min(early, (high if high is not None else late) - 36525.0)
            high = high if high is not None else max(late, low + 36525.0)
            middle = (low + high) / 2
            # Dates travel with microseconds, and the request must say what this number says.
            return _round_between(low, high, True) if high - low < 1.0 else float(round(middle))
        low = low if low is not None else min(-1.0, 2 * (high or 0.0) - 1.0)
        high = high if high is not None else max(1.0, 2 * abs(low) + 1.0)
        return (low + high) / 2


@dataclass(frozen=True)
class Cell:
    """A HEALPix cell, asked for by the disc around it."""

    order: int
    """HEALPix order."""
    pixel: int
    """NESTED pixel."""

    def disc(self) -> tuple[float, float, float]:
        """Centre and radius of a disc that holds the cell: ICRS right ascension, declination, radius [deg]."""
        import hpgeom

        nside = 2**self.order
        ra, dec = hpgeom.pixel_to_angle(nside, self.pixel, nest=True, lonlat=True, degrees=True)
        edge_ra, edge_dec = hpgeom.boundaries(
            nside, self.pixel, step=_EDGE_POINTS, nest=True, lonlat=True, degrees=True
        )
        from ssap_mirror.core.sphere import separation_arcsec

        # Between two of the edge's points the edge bulges outwards by far less than this.
        radius = float(separation_arcsec(ra, dec, edge_ra, edge_dec).max()) / 3600 * 1.001 + _RIM_DEG
        return float(ra), float(dec), radius

    def params(self, size_is_radius: bool) -> list[tuple[str, str]]:  # noqa: FBT001  (one fact of the service)
        """Parameters of a request; SIZE is the diameter (SSA 1.1) unless the service is known to take a radius."""
        ra, dec, radius = self.disc()
        size = radius if size_is_radius else 2 * radius
        return [("POS", f"{ra!r},{dec!r}"), ("SIZE", repr(round(size, 9)))]

    def children(self) -> tuple[Cell, ...] | None:
        """Its four quarters, or None if it is too small to be cut."""
        if self.order >= _FINEST_ORDER:
            return None
        return tuple(Cell(self.order + 1, 4 * self.pixel + i) for i in range(4))


@dataclass(frozen=True)
class TextRange:
    """A range of a column of text in the server's own order; half-open, and None is an open end."""

    column: str
    """Name of the column."""
    start: str | None = None
    """Lower end, which belongs to it."""
    stop: str | None = None
    """Upper end, which does not."""


@dataclass(frozen=True)
class Slice:
    """What one request asks for: all rows that lie in a range and in a cell, where given."""

    range: Range | None = None
    """Range of one parameter."""
    cell: Cell | None = None
    """Cell of the sky."""
    null: str | None = None
    """Column that has no value; only TAP can ask for that."""
    text: TextRange | None = None
    """Range of a column of text; only TAP can ask for that."""
    collection: str | None = None
    """Value of COLLECTION, of an SSAP service that gives nothing without one."""

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole table, or a whole collection of it."""
        return self.range is None and self.cell is None and self.null is None and self.text is None

    def params(self, *, size_is_radius: bool) -> list[tuple[str, str]]:
        """Parameters of the request; none for the whole table."""
        constraints = [constraint for constraint in (self.range, self.cell) if constraint is not None]
        pairs = [pair for constraint in constraints for pair in constraint.params(size_is_radius)]
        return pairs if self.collection is None else [(COLLECTION, self.collection), *pairs]

    @property
    def key(self) -> str:
        """A short text that no other slice has."""
        within = "" if self.range is None else f"{self.range.parameter}={self.range.start!r}/{self.range.stop!r}"
        cell = "" if self.cell is None else f"cell={self.cell.order}/{self.cell.pixel}"
        null = "" if self.null is None else f"{self.null} is null"
        text = "" if self.text is None else f"{self.text.column}={self.text.start!r}/{self.text.stop!r}"
        collection = "" if self.collection is None else f"{COLLECTION}={self.collection!r}"
        return " ".join(part for part in (within, cell, null, text, collection) if part) or "all"

    def cut(self, known: NDArray[np.float64] | None = None) -> tuple[Slice, ...] | None:
        """Smaller slices that cover this one, or None if it cannot be cut.

        A range is cut before a cell; a range that cannot be cut any more has to be divided by the sky by whoever knows
        that its rows have positions.
        """
        if self.range is not None and (halves := self.range.halves(known)) is not None:
            return tuple(replace(self, range=half) for half in halves)
        if self.cell is not None and (children := self.cell.children()) is not None:
            return tuple(replace(self, cell=child) for child in children)
        return None

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON document."""
        found: dict[str, Any] = {}
        if self.range is not None:
            found["range"] = [self.range.parameter, self.range.start, self.range.stop]
        if self.cell is not None:
            found["cell"] = [self.cell.order, self.cell.pixel]
        if self.null is not None:
            found["null"] = self.null
        if self.text is not None:
            found["text"] = [self.text.column, self.text.start, self.text.stop]
        if self.collection is not None:
            found["collection"] = self.collection
        return found

    @classmethod
    def from_json(cls, item: dict[str, Any]) -> Slice:
        """Inverse of `to_json`."""
        within, cell, text = item.get("range"), item.get("cell"), item.get("text")
        return cls(
            None if within is None else Range(*within),
            None if cell is None else Cell(*cell),
            item.get("null"),
            None if text is None else TextRange(*text),
            item.get("collection"),
        )


#: The whole table, without a constraint.
WHOLE = Slice()


def cells_of(order: int, pixels: Iterable[int] | None = None) -> list[Slice]:
    """Slices of some cells of an order, or of all: together they cover the sphere."""
    chosen = range(12 << 2 * order) if pixels is None else pixels
    return [Slice(cell=Cell(order, int(pixel))) for pixel in chosen]


def order_of_discs(size_deg: float) -> int:
    """Lowest order whose cells fit into discs of a diameter [deg]; the finest there is, if none does."""
    for order in range(_FINEST_ORDER):
        step = 4 ** max(order - 3, 0)
        largest = max(Cell(order, pixel).disc()[2] for pixel in range(0, 12 << 2 * order, step))
        # Where not every cell was looked at, one may have a slightly larger disc.
        largest *= 1.0 if step == 1 else 1.01
        if 2 * largest <= size_deg:
            return order
    return _FINEST_ORDER


def plan_ranges(parameter: str, known: NDArray[np.float64], rows: int) -> list[Slice]:
    """Ranges of a parameter that hold about as many rows each, open at both outer ends.

    Cuts lie between two values that occur, so that a row on a cut is rare whatever the server thinks of closed ends.

    Parameters
    ----------
    parameter : str
        ``TIME``, ``SNR``, ...
    known : numpy.ndarray of float64, shape (N,)
        Values of the table's rows, one for each; dates as MJD [d].
    rows : int
        Rows for one range to hold.

    Returns
    -------
    list of Slice
        In order, each beginning where the one before ends.
    """
    values, counts = np.unique(known[np.isfinite(known)], return_counts=True)
    cuts: list[float] = []
    if len(values):
        total = int(counts.sum())
        wanted = max(1, math.ceil(total / rows))
        ends = np.searchsorted(np.cumsum(counts), np.arange(1, wanted) * total / wanted, side="left") + 1
        for at in np.unique(ends):
            if at < len(values):
                cut = _round_between(float(values[at - 1]), float(values[at]), parameter in _DATES)
                if not cuts or cut > cuts[-1]:
                    cuts.append(cut)
    if not cuts:
        # One range with two open ends cannot be written.
        both = Range(parameter).halves(values)
        cuts = [both[0].stop] if both is not None and both[0].stop is not None else [0.0]
    edges = [None, *cuts, None]
    return [Slice(Range(parameter, low, high)) for low, high in itertools.pairwise(edges)]


def _round_between(low: float, high: float, is_date: bool) -> float:  # noqa: FBT001
    """Pick a value between two others with few digits, so that requests read well and survive printing."""
    if not is_date:
        return (low + high) / 2
    for per_day in (1, 24, 1440, 86400, 86400_000):
        middle = round((low + high) / 2 * per_day) / per_day
        if low < middle < high:
            return middle
    return (low + high) / 2


def cover_positions(
    ra: NDArray[np.float64],
    dec: NDArray[np.float64],
    all_ra: NDArray[np.float64],
    all_dec: NDArray[np.float64],
    request_cost_rows: int,
    most_rows: int,
) -> list[Slice]:
    """Cells that hold some positions, small where there are few and large where there are many: what costs least.

    Small cells mean many requests, large ones many rows that are not wanted.

    Parameters
    ----------
    ra, dec : numpy.ndarray of float64, shape (N,)
        Positions to cover, ICRS [deg].
    all_ra, all_dec : numpy.ndarray of float64, shape (M,)
        Positions of the table's rows, as often as there are rows.
    request_cost_rows : int
        Rows that cost as much to send as one more request.
    most_rows : int
        A cell that seems to hold more rows is cut, since its answer would be.

    Returns
    -------
    list of Slice
        One for each cell; no two overlap.
    """
    from ssap_mirror.core.healpix import cell_of, healpix_29

    wanted, everything = healpix_29(ra, dec), np.sort(healpix_29(all_ra, all_dec))
    # From the finest cells up: whether the parts of a cell cost less than the cell.
    levels: list[tuple[int, NDArray[np.int64], NDArray[np.bool_]]] = []
    costs = np.zeros(0)
    for order in range(_FINEST_ORDER, 0, -1):
        cells = np.unique(cell_of(wanted, order))
        first, end = np.searchsorted(cell_of(everything, order), [cells, cells + 1])
        in_disc = _DISC_PER_CELL * (end - first)
        costs_whole, costs_cut = request_cost_rows + in_disc, np.full(len(cells), np.inf)
        if levels:
            costs_cut = np.bincount(np.searchsorted(cells, levels[-1][1] >> 2), costs, len(cells))
            costs_whole[in_disc > most_rows] = np.inf
        levels.append((order, cells, costs_cut < costs_whole))
        costs = np.minimum(costs_cut, costs_whole)
    slices: list[Slice] = []
    cut = np.arange(12)
    for order, cells, is_cut in reversed(levels):
        here = np.isin(cells >> 2, cut)
        slices += cells_of(order, cells[here & ~is_cut].tolist())
        cut = cells[here & is_cut]
    return slices
