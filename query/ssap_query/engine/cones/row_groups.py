"""Row groups of Parquet files, decoded: what a cone touches is a few of them, and its neighbours touch the same.

Reading a row group's columns once and keeping them makes the next cone about there cost a tenth. What is kept is
bounded in bytes; what was not used for longest goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from ssap_mirror.core import healpix
from ssap_mirror.core.schema import HEALPIX_COLUMN

from ssap_query.arrow.arrays import coordinates, taken
from ssap_query.engine.cones.file_pool import OpenFiles
from ssap_query.engine.cones.sky_cover import Ranges

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["DEFAULT_CACHE_BYTES", "Footer", "Group", "RowGroups", "RowSelection", "rows_in", "rows_in_any_order"]

#: What is kept of decoded columns unless said otherwise: some twenty row groups of a hundred columns.
DEFAULT_CACHE_BYTES = 256 << 20

_MAX_FOOTERS = 512
_MAX_OPEN_FILES = 64
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


@dataclass(frozen=True)
class Footer:
    """What the end of a Parquet file says."""

    metadata: Any
    """pyarrow.parquet.FileMetaData."""
    groups: tuple[Group, ...]
    """Row groups in order."""
    dictionaries: tuple[str, ...]
    """Columns of text that is stored as dictionaries."""


@dataclass(frozen=True)
class RowSelection:
    """Some rows of a row group."""

    group: Group
    """The row group."""
    rows: NDArray[np.int64]
    """Which of its rows, from 0, ascending; shape (n,)."""
    computed: Mapping[str, pa.Array] = field(default_factory=dict)
    """Columns worked out for them; each of shape (n,)."""


@dataclass
class _Block:
    arrays: dict[str, pa.Array] = field(default_factory=dict)
    size: int = 0


class RowGroups:
    """Reads row groups and keeps what it read.

    Parameters
    ----------
    max_bytes : int
        Most that is kept of decoded columns [byte]; 0 keeps nothing.
    """

    def __init__(self, max_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        self.max_bytes = max_bytes
        self._blocks: OrderedDict[tuple[str, int], _Block] = OrderedDict()
        self._footers: OrderedDict[str, Footer] = OrderedDict()
        self._size = 0
        self._cells: dict[tuple[str, int, tuple[str, ...]], NDArray[np.int64]] = {}
        self._files = OpenFiles(_MAX_OPEN_FILES if max_bytes else 0)
        self._lock = Lock()

    @property
    def size(self) -> int:
        """What is kept of decoded columns [byte]."""
        return self._size

    def footer(self, path: str) -> Footer:
        """Row groups of a file."""
        with self._lock:
            if path in self._footers:
                self._footers.move_to_end(path)
                return self._footers[path]
        import pyarrow.parquet as pq

        footer = _footer(path, pq.read_metadata(path))
        with self._lock:
            self._footers[path] = footer
            if len(self._footers) > _MAX_FOOTERS:
                self._footers.popitem(last=False)
        return footer

    def column_bytes(self, path: str, name: str) -> int:
        """Size of a column of a file when it is decompressed [byte]."""
        metadata = self.footer(path).metadata
        leaves = [i for i in range(metadata.num_columns) if metadata.schema.column(i).path.partition(".")[0] == name]
        groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
        return sum(int(group.column(leaf).total_uncompressed_size) for group in groups for leaf in leaves)

    def touched(self, paths: Iterable[str], ranges: Ranges | None) -> list[Group]:
        """Row groups of the files that can hold rows in some ranges of cells; those without cells always can."""
        groups = [group for path in paths for group in self.footer(path).groups]
        if ranges is None:
            return groups
        ends = np.array(ranges, np.int64).reshape(-1, 2)
        return [group for group in groups if group.cells is None or _meets(ends, *group.cells)]

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
        key = group.path, group.number
        with self._lock:
            block = self._blocks.get(key)
            known = {name: block.arrays[name] for name in names if name in block.arrays} if block else {}
            if block:
                self._blocks.move_to_end(key)
        missing = [name for name in names if name not in known]
        if not missing:
            return known
        decoded = self._decode(group, missing)
        if keep and self.max_bytes:
            self._keep(key, decoded)
        return {**known, **decoded}

    def position_cells(self, group: Group, names: Sequence[str]) -> NDArray[np.int64]:
        """Cells of a position of rows that have no cell of their own.

        Parameters
        ----------
        group : Group
            A row group of the unplaced rows. What is found is kept: these rows are few.
        names : sequence of str
            Columns of the position: one of pairs, or right ascension and declination.

        Returns
        -------
        numpy.ndarray of int64, shape (group.rows,)
            ``_healpix_29`` of the position; -1 where there is none on the sphere.
        """
        key = group.path, group.number, tuple(names)
        if key not in self._cells:
            arrays = self.arrays(group, names, keep=False)
            ra, dec = coordinates([arrays[name] for name in names]).T
            known = np.isfinite(ra) & (np.abs(dec) <= _POLE_DEG)
            cells = np.full(group.rows, -1)
            cells[known] = healpix.healpix_29(ra[known], dec[known])
            self._cells[key] = cells
        return self._cells[key]

    def _decode(self, group: Group, names: list[str]) -> dict[str, pa.Array]:
        footer = self.footer(group.path)
        with self._files.lent(group.path, footer.metadata, footer.dictionaries) as file:
            table = file.read_row_group(group.number, columns=names, use_threads=False)
        return {name: _one_chunk(table[name]) for name in names}

    def _keep(self, key: tuple[str, int], decoded: dict[str, pa.Array]) -> None:
        with self._lock:
            block = self._blocks.setdefault(key, _Block())
            new = {name: array for name, array in decoded.items() if name not in block.arrays}
            size = sum(array.nbytes for array in new.values())
            block.arrays.update(new)
            block.size += size
            self._size += size
            self._blocks.move_to_end(key)
            while self._size > self.max_bytes:
                _, oldest = self._blocks.popitem(last=False)
                self._size -= oldest.size

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
    groups: list[Group] = []
    for number in range(metadata.num_row_groups):
        row_group = metadata.row_group(number)
        statistics = row_group.column(index).statistics
        known = statistics is not None and statistics.has_min_max
        first = groups[-1].first_row + groups[-1].rows if groups else 0
        cells = (int(statistics.min), int(statistics.max)) if known else None
        groups.append(Group(path, number, row_group.num_rows, first, cells))
    return Footer(metadata, tuple(groups), tuple(_dictionaries(metadata.row_group(0))) if groups else ())


def _dictionaries(row_group: Any) -> Iterator[str]:
    for number in range(row_group.num_columns):
        column = row_group.column(number)
        if column.has_dictionary_page and column.physical_type == "BYTE_ARRAY" and "." not in column.path_in_schema:
            yield column.path_in_schema


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    chunks = column.chunks
    return chunks[0] if len(chunks) == 1 else column.combine_chunks()
