"""Row groups of Parquet files, decoded: what a cone touches is a few of them, and its neighbours touch the same.

Reading a row group's columns once and keeping them makes the next cone about there cost a tenth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from ssap_mirror.core import healpix
from ssap_mirror.core.checksums import Checksums, FilePart
from ssap_mirror.core.schema import HEALPIX_COLUMN

from ssap_query.arrow.arrays import coordinates, taken
from ssap_query.engine.index.file_pool import FilePool
from ssap_query.engine.index.sky_cover import Ranges
from ssap_query.engine.snapshot_cache import Key, SnapshotCache

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["DECODED", "Footer", "Group", "RowGroupReader", "RowSelection", "rows_in", "rows_in_any_order"]

#: Kind of the decoded columns of row groups in the cache.
DECODED = "decoded"
_FOOTER, _CELLS = "footer", "cells of positions"

# A footer in memory takes some five times the bytes it has in the file (measured with 99 columns, pyarrow 25).
_FOOTER_GROWTH = 6
_MAX_IDLE_FILES = 64
_POLE_DEG = 90


@dataclass(frozen=True)
class Group:
    """One row group of a file."""

    path: str
    """The file."""
    number: int
    """Which of the file's row groups, from 0."""
    rows: int
    """Number of rows."""
    first_row: int
    """Number of its first row within the file."""
    cells: tuple[int, int] | None
    """Least and largest ``_healpix_29``; None where it has none."""
    metadata: Any = field(compare=False, repr=False)
    """Footer of its file (pyarrow.parquet.FileMetaData), with which it is opened."""
    dictionaries: tuple[str, ...] = field(compare=False, repr=False)
    """Columns of the file that hold text as dictionaries."""


@dataclass(frozen=True)
class Footer:
    """What the end of a Parquet file says."""

    metadata: Any
    """pyarrow.parquet.FileMetaData."""
    groups: tuple[Group, ...]
    """Row groups in order."""


@dataclass(frozen=True)
class RowSelection:
    """Some rows of a row group."""

    group: Group
    """The row group."""
    rows: NDArray[np.int64]
    """Which of its rows, from 0, ascending; shape (n,)."""
    computed: Mapping[str, pa.Array] = field(default_factory=dict)
    """Columns worked out for them; each of shape (n,)."""


class RowGroupReader:
    """Reads row groups, and keeps what it read in the cache of the snapshot.

    Parameters
    ----------
    cache : SnapshotCache
        What keeps footers, decoded columns and cells.
    checksums : Checksums
        What tells whether a file is as it was written.
    """

    def __init__(self, cache: SnapshotCache, checksums: Checksums) -> None:
        self._cache = cache
        self._checksums = checksums
        self._files = FilePool(_MAX_IDLE_FILES if cache.max_bytes else 0)

    def footer(self, path: str) -> Footer:
        """Row groups of a file."""
        return self.footers([path])[0]

    def footers(self, paths: Iterable[str]) -> list[Footer]:
        """Row groups of files."""

        def load(missing: Sequence[Key]) -> dict[Key, Footer]:
            import pyarrow.parquet as pq

            self._checksums.check_parts(FilePart(str(path), columns=()) for _, path in missing)
            return {key: _footer(str(key[1]), pq.read_metadata(key[1])) for key in missing}

        keys: list[Key] = [(_FOOTER, path) for path in paths]
        found = self._cache.get_all(keys, load, lambda footer: _FOOTER_GROWTH * footer.metadata.serialized_size)
        return [found[key] for key in keys]

    def column_bytes(self, path: str, name: str) -> int:
        """Size of a column of a file when it is decompressed [byte]."""
        metadata = self.footer(path).metadata
        leaves = [i for i in range(metadata.num_columns) if metadata.schema.column(i).path.partition(".")[0] == name]
        groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
        return sum(int(group.column(leaf).total_uncompressed_size) for group in groups for leaf in leaves)

    def touched(self, paths: Iterable[str], ranges: Ranges | None) -> list[Group]:
        """Row groups of the files that can hold rows in some ranges of cells; those without cells always can."""
        groups = [group for footer in self.footers(paths) for group in footer.groups]
        if ranges is None:
            return groups
        ends = np.array(ranges, np.int64).reshape(-1, 2)
        return [group for group in groups if group.cells is None or _meets(ends, *group.cells)]

    def prepare(self, groups: Iterable[Group], names: Sequence[str]) -> None:
        """Have columns of row groups at hand that are about to be decoded: all at once, if they have to be fetched."""
        parts = []
        for group in groups:
            kept = self._cache.parts((DECODED, group.path, group.number))
            if missing := [name for name in names if name not in kept]:
                parts.append(FilePart(group.path, missing, (group.number,)))
        self._checksums.check_parts(parts)

    def arrays(self, group: Group, names: Sequence[str], *, keep: bool = True) -> dict[str, pa.Array]:
        """Decode columns of a row group, or find them decoded.

        Parameters
        ----------
        group : Group
            The row group.
        names : sequence of str
            Names of columns.
        keep : bool
            Whether to keep what had to be decoded.

        Returns
        -------
        dict of str to pyarrow.Array, shape (group.rows,)
            Text that is stored as a dictionary stays one, which saves a third of the time; `take` makes it text.
        """
        key = (DECODED, group.path, group.number)
        kept = self._cache.parts(key)
        known = {name: kept[name] for name in names if name in kept}
        missing = [name for name in names if name not in known]
        if not missing:
            return known
        decoded = self._decode(group, missing)
        if keep:
            self._cache.add_parts(key, decoded, lambda array: array.nbytes)
        return {**known, **decoded}

    def position_cells(self, group: Group, names: Sequence[str]) -> NDArray[np.int64]:
        """Cells of a position of rows that have no cell of their own.

        Parameters
        ----------
        group : Group
            A row group of the unplaced rows.
        names : sequence of str
            Columns of the position: one of pairs, or right ascension and declination.

        Returns
        -------
        numpy.ndarray of int64, shape (group.rows,)
            ``_healpix_29`` of the position; -1 where there is none on the sphere.
        """

        def load() -> NDArray[np.int64]:
            arrays = self.arrays(group, names, keep=False)
            ra, dec = coordinates([arrays[name] for name in names]).T
            known = np.isfinite(ra) & (np.abs(dec) <= _POLE_DEG)
            cells = np.full(group.rows, -1)
            cells[known] = healpix.healpix_29(ra[known], dec[known])
            return cells

        return self._cache.get((_CELLS, group.path, group.number, *names), load, lambda cells: cells.nbytes)

    def _decode(self, group: Group, names: list[str]) -> dict[str, pa.Array]:
        self._checksums.check_parts([FilePart(group.path, names, (group.number,))])
        with self._files.borrow(group.path, group.metadata, group.dictionaries) as file:
            table = file.read_row_group(group.number, columns=names, use_threads=False)
        return {name: _one_chunk(table[name]) for name in names}

    def close(self) -> None:
        """Close the files that nobody reads."""
        self._files.close()

    def take(self, selection: RowSelection, names: Sequence[str], *, keep: bool = True) -> dict[str, pa.Array]:
        """Columns of selected rows; `names` and `keep` as for `arrays`."""
        return taken(self.arrays(selection.group, names, keep=keep), selection.rows)


def rows_in(cells: NDArray[np.int64], ranges: Ranges) -> NDArray[np.int64]:
    """Rows whose cell is in one of the ranges.

    Parameters
    ----------
    cells : numpy.ndarray of int64, shape (N,)
        Sorted ``_healpix_29``.
    ranges : Ranges
        Where to look.

    Returns
    -------
    numpy.ndarray of int64, shape (n,)
        Row numbers, ascending.
    """
    ends = np.array(ranges, np.int64).reshape(-1, 2)
    first = np.searchsorted(cells, ends[:, 0], side="left")
    after = np.searchsorted(cells, ends[:, 1], side="right")
    parts = [np.arange(low, high) for low, high in zip(first, after, strict=True) if high > low]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def rows_in_any_order(cells: NDArray[np.int64], ranges: Ranges) -> NDArray[np.int64]:
    """Rows whose cell is in one of the ranges, of cells that are not sorted; else as `rows_in`."""
    ends = np.array(ranges, np.int64).reshape(-1, 2)
    if not len(ends):
        return np.empty(0, np.int64)
    following = np.minimum(np.searchsorted(ends[:, 1], cells), len(ends) - 1)
    return np.flatnonzero((ends[following, 0] <= cells) & (cells <= ends[following, 1]))


def _meets(ends: NDArray[np.int64], low: int, high: int) -> bool:
    first = int(np.searchsorted(ends[:, 1], low))
    return first < len(ends) and bool(ends[first, 0] <= high)


def _footer(path: str, metadata: Any) -> Footer:
    index = next(i for i in range(metadata.num_columns) if metadata.schema.column(i).path == HEALPIX_COLUMN)
    dictionaries = tuple(_dictionaries(metadata.row_group(0))) if metadata.num_row_groups else ()
    groups: list[Group] = []
    for number in range(metadata.num_row_groups):
        row_group = metadata.row_group(number)
        statistics = row_group.column(index).statistics
        known = statistics is not None and statistics.has_min_max
        first = groups[-1].first_row + groups[-1].rows if groups else 0
        cells = (int(statistics.min), int(statistics.max)) if known else None
        groups.append(Group(path, number, row_group.num_rows, first, cells, metadata, dictionaries))
    return Footer(metadata, tuple(groups))


def _dictionaries(row_group: Any) -> Iterator[str]:
    for number in range(row_group.num_columns):
        column = row_group.column(number)
        if column.has_dictionary_page and column.physical_type == "BYTE_ARRAY" and "." not in column.path_in_schema:
            yield column.path_in_schema


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    chunks = column.chunks
    return chunks[0] if len(chunks) == 1 else column.combine_chunks()
