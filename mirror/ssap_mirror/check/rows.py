"""The rows of a snapshot: in order, each in its own cell, as near its target as the manifest says, and there once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.build.identity import RowIdentity
from ssap_mirror.build.placement import NOT_PLACED, Placer
from ssap_mirror.core.catalog import Catalog, Partition
from ssap_mirror.core.schema import HEALPIX_COLUMN

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["check_rows"]

# Rounding of a haversine, in whatever order its terms are added.
_SLACK_ARCSEC = 1e-6
_SHOWN = 3


def check_rows(catalog: Catalog, damaged: set[str], progress: Callable[[int], None]) -> list[str]:
    """Check the rows of all files but the damaged ones.

    Parameters
    ----------
    catalog : Catalog
        The snapshot.
    damaged : set of str
        Paths, below the snapshot, of files that are not to be read.
    progress : callable
        Called with the number of rows done.

    Returns
    -------
    list of str
        The problems found.
    """
    roles = (catalog.schema.role(role) for role in ("ra", "dec", "location"))
    wanted = {column.name for column in roles if column is not None}
    placer = Placer(catalog.schema.select(name for name in catalog.schema.names if name in wanted))
    identity = RowIdentity(catalog.schema, "error")
    # Without an identity column, a row's identity is all its values.
    columns = sorted({*wanted, identity.column} if identity.column else catalog.schema.names)
    problems: list[str] = []
    readable: list[Partition] = []
    hashes: list[NDArray[np.uint64]] = []
    done = 0
    for part in catalog.parts:
        name = part.path.relative_to(catalog.path).as_posix()
        if name in damaged:
            continue
        check = _PartCheck(catalog, part, placer)
        try:
            for batch in _batches(part, [HEALPIX_COLUMN, *columns]):
                check.add(batch)
                hashes.append(identity.hashes(_named(batch, identity)))
                done += batch.num_rows
                progress(done)
        except (OSError, ValueError, KeyError) as error:
            problems.append(f"{name}: its rows cannot be read: {error}")
            continue
        readable.append(part)
        problems += [f"{name}: {problem}" for problem in check.problems()]
    return problems + _twice(readable, identity, columns, hashes)


class _PartCheck:
    """Order, cells and offsets of the rows of one file."""

    def __init__(self, catalog: Catalog, part: Partition, placer: Placer) -> None:
        self._cells = part.healpix_29 if part.norder >= 0 else None
        self._largest = catalog.max_offset_arcsec + _SLACK_ARCSEC
        self._placer = placer
        self._previous = NOT_PLACED
        self._wrong: Counter[str] = Counter()

    def add(self, batch: pa.RecordBatch) -> None:
        placed = self._placer.place(batch)
        column = batch.column(HEALPIX_COLUMN)
        if self._cells is None:
            self._wrong["have a cell, in the file of those without"] += len(column) - column.null_count
            self._wrong["have coordinates, in the file of those without"] += int((placed.cells != NOT_PLACED).sum())
            return
        cells = column.fill_null(NOT_PLACED).to_numpy()
        low, high = self._cells
        self._wrong["lie outside the cell of their file"] += int(((cells < low) | (cells > high)).sum())
        self._wrong[f"have a {HEALPIX_COLUMN} that is not that of their position"] += int((cells != placed.cells).sum())
        self._wrong["are out of order"] += int((np.diff(cells, prepend=self._previous) < 0).sum())
        self._previous = int(cells[-1])
        if placed.max_offset_arcsec > self._largest:
            self._wrong["lie further off their target than the manifest says"] += 1

    def problems(self) -> list[str]:
        return [f"{count:,} rows {what}" for what, count in self._wrong.items() if count]


def _batches(part: Partition, columns: list[str]) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(part.path) as file:
        yield from file.iter_batches(columns=columns)


def _named(batch: pa.RecordBatch, identity: RowIdentity) -> pa.RecordBatch:
    """Rows that have an identity of their own, or all where none has."""
    return batch if identity.column is None else batch.filter(batch.column(identity.column).is_valid())


def _twice(
    parts: list[Partition], identity: RowIdentity, columns: list[str], hashes: list[NDArray[np.uint64]]
) -> list[str]:
    """Name the identities that more than one row has."""
    import pyarrow as pa

    ordered = np.sort(np.concatenate([np.empty(0, np.uint64), *hashes]))
    suspects = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(suspects):
        return []
    counts: Counter[Any] = Counter()
    for part in parts:
        for batch in _batches(part, columns):
            rows = _named(batch, identity)
            same = np.isin(identity.hashes(rows), suspects)
            chosen = rows.filter(pa.array(same))
            counts.update(
                chosen.column(identity.column).to_pylist() if identity.column else map(repr, chosen.to_pylist())
            )
    doubled = [value for value, count in counts.items() if count > 1]
    what = f"{identity.column} " if identity.column else "row "
    shown = ", ".join(repr(value) for value in doubled[:_SHOWN]) + (", …" if len(doubled) > _SHOWN else "")
    return [f"{len(doubled):,} identities are there more than once: {what}{shown}"] if doubled else []
