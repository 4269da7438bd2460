"""Rows on their way to their partitions: runs on disk, each sorted by cell, of which any range can be read.

A build sees each row twice and holds some hundred megabytes at most, whatever the size of the table: the stream is cut
into runs, each run is sorted and written, and each partition is gathered from its range in every run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.core.schema import HEALPIX_COLUMN

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["CELL", "HASH", "KEYS", "RUN_BYTES", "SEQUENCE", "Piece", "Run", "Scratch"]

#: Columns of a run beside those of the table: the row's cell, a hash of its identity, its place in the input.
CELL, HASH, SEQUENCE = HEALPIX_COLUMN, "_mirror_hash", "_mirror_sequence"

KEYS = (CELL, HASH, SEQUENCE)
_KEY_TYPES = {CELL: np.int64, HASH: np.uint64, SEQUENCE: np.int64}
#: Size of the rows that are sorted at one time [byte].
RUN_BYTES = 160 * 2**20
# A range that begins or ends within a batch costs the reading of the whole batch.
_BATCH_ROWS = 1024
# Rows with long texts: a batch of a run, and what is gathered from all runs at one time, are bounded in bytes as well.
_BATCH_BYTES = 8 * 2**20
_PIECE_BYTES = 128 * 2**20
_MAX_HASH = 2**64 - 1


@dataclass(frozen=True)
class Piece:
    """Rows that are handled at one time: those of a range of cells and of hashes, all bounds inclusive."""

    low: int
    """First cell."""
    high: int
    """Last cell."""
    low_hash: int = 0
    """Least hash, uint64; not 0 only where `low` is `high`."""
    high_hash: int = _MAX_HASH
    """Largest hash, uint64."""

    def halves(self) -> tuple[Piece, Piece] | None:
        """Cut in two, by cells as long as there is more than one, then by hashes; None if it cannot be."""
        if self.low < self.high:
            middle = (self.low + self.high) // 2
            return Piece(self.low, middle), Piece(middle + 1, self.high)
        if self.low_hash < self.high_hash:
            middle = (self.low_hash + self.high_hash) // 2
            low, high = (self.low_hash, middle), (middle + 1, self.high_hash)
            return Piece(self.low, self.high, *low), Piece(self.low, self.high, *high)
        return None


@dataclass(frozen=True)
class Run:
    """One sorted file of rows, and its keys."""

    path: Path
    """Arrow IPC file; its keys lie beside it."""
    batch_rows: int
    """Rows of each of its batches but the last."""

    @cached_property
    def keys(self) -> dict[str, NDArray[Any]]:
        """Keys of the rows in the order of the file, each shape (N,), mapped from disk."""
        return {key: np.memmap(self.path.with_suffix(f".{key}"), kind, "r") for key, kind in _KEY_TYPES.items()}

    def span(self, piece: Piece) -> tuple[int, int]:
        """First row of a piece, and the row behind its last."""
        cells, hashes = self.keys[CELL], self.keys[HASH]
        start, stop = np.searchsorted(cells, piece.low, "left"), np.searchsorted(cells, piece.high, "right")
        if piece.low == piece.high:
            within = hashes[start:stop]
            stop = start + np.searchsorted(within, np.uint64(piece.high_hash), "right")
            start = start + np.searchsorted(within, np.uint64(piece.low_hash), "left")
        return int(start), int(stop)

    def read(self, start: int, stop: int) -> Iterator[pa.RecordBatch]:
        """Rows from `start` to before `stop`."""
        import pyarrow as pa

        if start >= stop:
            return
        with pa.OSFile(str(self.path)) as file, pa.ipc.open_file(file) as reader:
            for number in range(start // self.batch_rows, (stop - 1) // self.batch_rows + 1):
                first = number * self.batch_rows
                begin, end = max(start - first, 0), min(stop - first, self.batch_rows)
                yield reader.get_batch(number).slice(begin, end - begin)

    def take(self, places: NDArray[np.int64], columns: list[str] | None = None) -> pa.RecordBatch:
        """Read some rows, at least one.

        Parameters
        ----------
        places : numpy.ndarray of int64, shape (N,)
            Places in the run, ascending.
        columns : list of str, optional
            Columns to read; all without it.
        """
        import pyarrow as pa

        with pa.OSFile(str(self.path)) as file:
            with pa.ipc.open_file(file) as whole:
                names = whole.schema.names
            fields = [names.index(name) for name in columns or names]
            with pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(included_fields=fields)) as reader:
                found = [
                    reader.get_batch(number).take(
                        pa.array(places[places // self.batch_rows == number] % self.batch_rows)
                    )
                    for number in np.unique(places // self.batch_rows).tolist()
                ]
        return pa.concat_batches(found)


class Scratch:
    """Rows spilled to a folder in sorted runs.

    Parameters
    ----------
    folder : pathlib.Path
        An empty folder of its own.
    run_bytes : int
        Size of the rows that are sorted at one time [byte].
    """

    def __init__(self, folder: Path, run_bytes: int = RUN_BYTES) -> None:
        self.runs: list[Run] = []
        self.rows = 0
        self._folder = folder
        self._run_bytes = run_bytes
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_bytes = 0
        self._bytes = 0

    def add(self, batch: pa.RecordBatch, cells: NDArray[np.int64], hashes: NDArray[np.uint64]) -> None:
        """Take a batch of rows with their cells and hashes, each shape (N,)."""
        import pyarrow as pa

        sequence = np.arange(self.rows, self.rows + batch.num_rows)
        keys = [pa.array(values) for values in (cells, hashes, sequence)]
        whole = pa.RecordBatch.from_arrays([*keys, *batch.columns], names=[*KEYS, *batch.schema.names])
        self._waiting.append(whole)
        self._waiting_bytes += whole.nbytes
        self._bytes += whole.nbytes
        self.rows += batch.num_rows
        if self._waiting_bytes >= self._run_bytes:
            self.finish()

    def finish(self) -> None:
        """Write what still waits."""
        import pyarrow as pa

        if not self._waiting:
            return
        table = pa.Table.from_batches(self._waiting)
        self._waiting, self._waiting_bytes = [], 0
        keys = {key: table.column(key).to_numpy() for key in KEYS}
        order = np.lexsort((keys[HASH], keys[CELL]))
        path = self._folder / f"run-{len(self.runs):05}.arrow"
        for key, values in keys.items():
            path.with_suffix(f".{key}").write_bytes(values[order].tobytes())
        batch = _take(table, order)
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema, options=options) as writer:
            batch_rows = min(_BATCH_ROWS, max(1, _BATCH_BYTES * batch.num_rows // max(batch.nbytes, 1)))
            for start in range(0, batch.num_rows, batch_rows):
                writer.write_batch(batch.slice(start, batch_rows))
        self.runs.append(Run(path, batch_rows))

    def count(self, piece: Piece) -> int:
        """Count the rows of a piece."""
        return sum(stop - start for start, stop in (run.span(piece) for run in self.runs))

    def pieces(self, low: int, high: int, max_rows: int) -> Iterator[Piece]:
        """Cut a range of cells into pieces of at most so many rows, in their order; fewer where rows are large."""
        # A power of two: sizes differ a little with the order in which rows came, and equal rows make equal files.
        fitting = _PIECE_BYTES * self.rows / max(self._bytes, 1)
        if fitting < max_rows:
            max_rows = 2 ** int(math.log2(max(fitting, 1)))
        waiting = [Piece(low, high)]
        while waiting:
            piece = waiting.pop()
            rows = self.count(piece)
            halves = piece.halves() if rows > max_rows else None
            if halves is not None:
                waiting.extend(reversed(halves))
            elif rows:
                yield piece

    def read(self, piece: Piece) -> pa.RecordBatch:
        """Rows of a piece that holds at least one, with their keys, in no order."""
        import pyarrow as pa

        return pa.concat_batches([batch for run in self.runs for batch in run.read(*run.span(piece))])


def _take(table: pa.Table, order: NDArray[np.int64]) -> pa.RecordBatch:
    """Rows in a new order, column by column: the peak is one table and one column more."""
    import pyarrow as pa

    indices = pa.array(order)
    columns = []
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        columns.append((column.chunk(0) if isinstance(column, pa.ChunkedArray) else column).take(indices))
    return pa.RecordBatch.from_arrays(columns, names=table.column_names)
