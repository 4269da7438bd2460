"""Where a row belongs on the sky: its target position, its cell, and the tiles that hold about as many rows each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core import healpix
from ssap_mirror.core.quantities.find import candidates
from ssap_mirror.core.quantities.reading import Reading
from ssap_mirror.core.schema import UNLISTED, Column, Schema
from ssap_mirror.core.sphere import separation_arcsec

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["MAX_OFFSET_ARCSEC", "NOT_PLACED", "Placed", "Placer", "has_position", "split_sky"]

#: A row whose location is further than this from its target is not placed: cones grow by the largest offset.
MAX_OFFSET_ARCSEC = 60.0
#: In place of a cell, for a row that has none.
NOT_PLACED = -1


@dataclass(frozen=True)
class Placed:
    """A batch of rows and their cells."""

    derived: tuple[pa.Array, ...]
    """The columns that `Placer.schema` adds, float64 or pairs of them [deg]."""
    cells: NDArray[np.int64]
    """``_healpix_29`` of each row, or `NOT_PLACED`."""
    max_offset_arcsec: float
    """Largest separation of location and target among the placed rows [arcsec]."""


@dataclass(frozen=True)
class FirstKnown:
    """The first of several ways to read a position that gives one, row by row."""

    readings: tuple[Reading, ...]
    """Best first."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those of all of them."""
        return tuple(column for reading in self.readings for column in reading.columns)

    @property
    def as_is(self) -> Mapping[str, str]:
        """Nothing: no column has what it gives."""
        return {}

    @property
    def words(self) -> str:
        """What each of them reads."""
        return ", or ".join(reading.words for reading in self.readings)

    def values(self, rows: pa.RecordBatch) -> Mapping[str, NDArray[np.float64]]:
        """Right ascension and declination [deg]."""
        found = dict(self.readings[0].values(rows))
        for reading in self.readings[1:]:
            missing = np.isnan(found["ra"])
            if not missing.any():
                break
            found = {axis: np.where(missing, other, found[axis]) for axis, other in reading.values(rows).items()}
        return found


class Placer:
    """Places the rows of a service by their target position.

    The target position is two double columns of the service. A service that has none gets ``s_ra`` and ``s_dec``,
    worked out of what it has: its location, text, hours, or single precision. A service whose positions are not pairs
    of degrees gets ``s_location``, so that cones can be asked of it.

    Parameters
    ----------
    schema : Schema
        The service's columns.
    sample : pyarrow.RecordBatch, optional
        Some rows. Where the best columns for a position are empty in all of them, the others count too.
    """

    schema: Schema
    """The service's columns and those derived."""

    def __init__(self, schema: Schema, sample: pa.RecordBatch | None = None) -> None:
        found = {quantity: candidates(schema, quantity) for quantity in ("target", "location")}
        self._target, self._location = (_chosen(found[quantity].readings, sample) for quantity in found)
        self._derives_target = self._target is None or "ra" not in self._target.as_is
        self._derives_location = self._location is None or "location" not in self._location.as_is
        roles: dict[str, str] = {}
        added: list[Column] = []
        if self._derives_target:
            added += (
                _derived("s_ra", "pos.eq.ra", "ICRS right ascension", self._target, schema),
                _derived("s_dec", "pos.eq.dec", "ICRS declination", self._target, schema),
            )
            roles |= zip(("ra", "dec"), (column.name for column in added), strict=True)
        elif self._target is not None:
            roles |= self._target.as_is
        if self._derives_location:
            point = _derived("s_location", "pos.eq", "ICRS position", self._location, schema)
            added.append(replace(point, arraysize="2", xtype="point"))
            # Where nothing tells of a position, a cone is refused, and not answered with no row.
            roles["location"] = "" if self._location is None else added[-1].name
        elif self._location is not None:
            roles |= self._location.as_is
        refused = found["location"].refusals if self._location is None else ()
        self.schema = schema.with_roles(roles, added, {"location": "; ".join(refused)} if refused else {})

    def place(self, batch: pa.RecordBatch) -> Placed:
        """Place the rows of a batch.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            Rows of the service's own columns.
        """
        import pyarrow as pa

        nowhere = np.full(batch.num_rows, np.nan)
        (ra, dec), at = (
            (nowhere, nowhere) if reading is None else tuple(reading.values(batch).values())
            for reading in (self._target, self._location)
        )
        derived: list[pa.Array] = []
        if self._derives_target:
            derived += (pa.array(values, from_pandas=True) for values in (ra, dec))
        if self._derives_location:
            derived.append(_points(*at))
        placed = np.isfinite(ra) & (np.abs(dec) <= 90)
        offset = np.zeros(batch.num_rows)
        known = placed & np.isfinite(at[0]) & np.isfinite(at[1])
        offset[known] = separation_arcsec(ra[known], dec[known], at[0][known], at[1][known])
        placed &= offset <= MAX_OFFSET_ARCSEC
        cells = np.full(batch.num_rows, NOT_PLACED, np.int64)
        cells[placed] = healpix.healpix_29(ra[placed], dec[placed])
        return Placed(tuple(derived), cells, float(offset[placed].max(initial=0.0)))


def has_position(schema: Schema, rows: pa.RecordBatch) -> bool:
    """Whether any row has a position in any of the columns that may tell of one."""
    readings = candidates(schema, "target").readings
    return any(_holds(reading, rows) for reading in readings)


def _holds(reading: Reading, rows: pa.RecordBatch) -> bool:
    return bool(np.isfinite(reading.values(rows)["ra"]).any())


def _chosen(readings: Sequence[Reading], sample: pa.RecordBatch | None) -> Reading | None:
    if not readings:
        return None
    alone = len(readings) == 1 or sample is None or _holds(readings[0], sample)
    return readings[0] if alone else FirstKnown(tuple(readings))


def split_sky(count: Callable[[int, int], int], max_rows: int) -> Iterator[tuple[int, int]]:
    """Cells of mixed order that hold at most so many rows each, in the order of the sky.

    Parameters
    ----------
    count : callable
        Number of rows with ``_healpix_29`` in an inclusive range.
    max_rows : int
        A cell with more rows than this is split into its four children, down to order 29.

    Yields
    ------
    (int, int)
        Order and NESTED pixel of each cell that holds a row.
    """
    cells = [(0, npix) for npix in reversed(range(healpix.cells_in_order(0)))]
    while cells:
        order, npix = cells.pop()
        rows = count(*healpix.cell_range(order, npix))
        if rows > max_rows and order < healpix.ORDER:
            cells.extend((order + 1, 4 * npix + child) for child in (3, 2, 1, 0))
        elif rows:
            yield order, npix


def _derived(name: str, ucd: str, label: str, source: Reading | None, schema: Schema) -> Column:
    words = "nothing: always NULL" if source is None else source.words
    return Column(
        name=_free_name(name, schema),
        datatype="double",
        unit="deg",
        ucd=ucd,
        description=f"{label}, derived by the mirror from {words}",
        verbosity=UNLISTED,
    )


def _points(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> pa.Array:
    import pyarrow as pa

    nowhere = ~(np.isfinite(ra) & np.isfinite(dec))
    pairs = pa.array(np.column_stack([ra, dec]).ravel())
    return pa.FixedSizeListArray.from_arrays(pairs, 2, mask=pa.array(nowhere))


def _free_name(name: str, schema: Schema) -> str:
    taken = {known.lower() for known in schema.names}
    while name in taken:
        name += "_target"
    return name
