"""Where a row belongs on the sky: its target position, its cell, and the tiles that hold about as many rows each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core import healpix
from ssap_mirror.core.points import floats, location_arrays
from ssap_mirror.core.schema import UNLISTED, Column, Schema
from ssap_mirror.core.sphere import separation_arcsec

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["MAX_OFFSET_ARCSEC", "NOT_PLACED", "Placed", "Placer", "split_sky"]

#: A row whose location is further than this from its target is not placed: cones grow by the largest offset.
MAX_OFFSET_ARCSEC = 60.0
#: In place of a cell, for a row that has none.
NOT_PLACED = -1

_DEGREES = (None, "deg")


@dataclass(frozen=True)
class Placed:
    """A batch of rows and their cells."""

    derived: tuple[pa.Array, ...]
    """The columns that `Placer.schema` adds, float64 or pairs of them [deg]."""
    cells: NDArray[np.int64]
    """``_healpix_29`` of each row, or `NOT_PLACED`."""
    max_offset_arcsec: float
    """Largest separation of location and target among the placed rows [arcsec]."""


class Placer:
    """Places the rows of a service by their target position .

    The target position is the double columns of the roles ``ra`` and ``dec``. A service that has none gets ``s_ra`` and
    ``s_dec``, derived from its location, or from single-precision ``ra`` and ``dec`` where it has no location either.
    A service without a location gets ``s_location``, its target position, so that cones can be asked of it.

    Parameters
    ----------
    schema : Schema
        The service's columns.
    """

    schema: Schema
    """The service's columns and those derived."""

    def __init__(self, schema: Schema) -> None:
        self._location = _angle(schema.role("location"), shapes=((2,), (None,)))
        self._ra, self._dec = _angle(schema.role("ra")), _angle(schema.role("dec"))
        self._derives = not all(axis is not None and axis.datatype == "double" for axis in (self._ra, self._dec))
        target = f"{self._ra.name} and {self._dec.name}" if self._ra and self._dec else "nothing: always NULL"
        added: dict[str, Column] = {}
        if self._derives:
            source = self._location.name if self._location else target
            added["ra"] = _derived("s_ra", "pos.eq.ra", "ICRS right ascension", source, schema)
            added["dec"] = _derived("s_dec", "pos.eq.dec", "ICRS declination", source, schema)
        if self._location is None:
            point = _derived("s_location", "pos.eq", "ICRS position of the target", target, schema)
            added["location"] = replace(point, arraysize="2", xtype="point")
        self.schema = schema
        if added:
            roles = schema.overrides | {role: column.name for role, column in added.items()}
            self.schema = replace(schema, columns=(*schema.columns, *added.values()), overrides=roles)

    def place(self, batch: pa.RecordBatch) -> Placed:
        """Place the rows of a batch.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            Rows of the service's own columns.
        """
        import pyarrow as pa

        nowhere = np.full(batch.num_rows, np.nan)
        at = nowhere, nowhere
        if self._location is not None:
            at = location_arrays(batch.column(self._location.name))
        if self._ra is not None and self._dec is not None and (not self._derives or self._location is None):
            ra, dec = floats(batch.column(self._ra.name)), floats(batch.column(self._dec.name))
        else:
            ra, dec = at
        derived: list[pa.Array] = []
        if self._derives:
            derived += (pa.array(values, from_pandas=True) for values in (ra, dec))
        if self._location is None:
            derived.append(_points(ra, dec))
        placed = np.isfinite(ra) & (np.abs(dec) <= 90)
        offset = np.zeros(batch.num_rows)
        known = placed & np.isfinite(at[0]) & np.isfinite(at[1])
        offset[known] = separation_arcsec(ra[known], dec[known], at[0][known], at[1][known])
        placed &= offset <= MAX_OFFSET_ARCSEC
        cells = np.full(batch.num_rows, NOT_PLACED, np.int64)
        cells[placed] = healpix.healpix_29(ra[placed], dec[placed])
        return Placed(tuple(derived), cells, float(offset[placed].max(initial=0.0)))


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


def _angle(column: Column | None, shapes: tuple[tuple[int | None, ...], ...] = ((),)) -> Column | None:
    """Return the column if its values are floating-point degrees of one of these shapes."""
    if column is None or column.datatype not in ("float", "double") or column.shape not in shapes:
        return None
    return column if column.unit in _DEGREES else None


def _derived(name: str, ucd: str, label: str, source: str, schema: Schema) -> Column:
    return Column(
        name=_free_name(name, schema),
        datatype="double",
        unit="deg",
        ucd=ucd,
        description=f"{label}, derived by the mirror from {source}",
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
