"""No row doubled: rows of one identity are found wherever they lie, compared value by value, and counted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ssap_mirror.build.equality import unequal
from ssap_mirror.build.external_sort import CELL, HASH, SEQUENCE, Run
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import CatalogError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["OnConflict", "RowIdentity", "Unique"]

#: What becomes of two rows with one identity and different values: an error, or the later one stays.
OnConflict = Literal["error", "last"]

# Hashes that are compared with each other at one time.
_GROUP_ROWS = 2_000_000


@dataclass(frozen=True)
class Unique:
    """Rows of a piece with each identity once."""

    rows: pa.RecordBatch
    """Sorted by cell, then by identity."""
    duplicates: int
    """Rows left out because an equal one stays."""
    replaced: int
    """Rows left out because a later one with the same identity stays."""


class RowIdentity:
    """What makes two rows of a service the same row.

    It is the column of the role ``identity``; a row that has none there is the same only as one equal in every value.
    A row's score (``Query.Score`` in SSA 1.1) belongs to the question and not to the row, so it is never compared.

    Parameters
    ----------
    schema : Schema
        Columns of the rows.
    on_conflict : {"error", "last"}
        What becomes of rows with one identity and different values.
    """

    def __init__(self, schema: Schema, on_conflict: OnConflict) -> None:
        import duckdb

        column = schema.role("identity")
        self.column = None if column is None or column.shape else column.name
        self._compared = [name for name in schema.names if name not in schema.uncompared]
        self._on_conflict = on_conflict
        # One thread: rows keep their order, and the hashes of a batch are a matter of milliseconds.
        self._duckdb = duckdb.connect(config={"threads": 1})

    def hashes(self, batch: pa.RecordBatch) -> NDArray[np.uint64]:
        """Hash of each row's identity, or of all its values where it has none; shape (N,)."""
        import pyarrow as pa

        if self.column is None:
            return self._row_hashes(batch)
        identity = batch.column(self.column)
        relation = self._duckdb.from_arrow(pa.table({"identity": identity})).project("hash(identity) AS hash")
        hashes: NDArray[np.uint64] = relation.to_arrow_table().column("hash").to_numpy()
        if identity.null_count:
            missing = identity.is_null().to_numpy(zero_copy_only=False)
            hashes = hashes.copy()
            hashes[missing] = self._row_hashes(batch.filter(pa.array(missing)))
        return hashes

    def _row_hashes(self, batch: pa.RecordBatch) -> NDArray[np.uint64]:
        import pyarrow as pa

        table = pa.Table.from_batches([batch.select(self._compared)])
        relation = self._duckdb.from_arrow(table).project("hash(*COLUMNS(*)) AS hash")
        hashes: NDArray[np.uint64] = relation.to_arrow_table().column("hash").to_numpy()
        return hashes

    def replaced_elsewhere(self, runs: list[Run]) -> NDArray[np.int64]:
        """Rows to leave out because a later row of the same identity lies in another cell.

        Parameters
        ----------
        runs : list of Run
            All rows.

        Returns
        -------
        numpy.ndarray of int64
            Places in the input, sorted.

        Raises
        ------
        CatalogError
            If there is such a row and conflicts are errors.
        """
        left_out: list[int] = []
        if self.column is None:
            return np.array(left_out, np.int64)
        for suspects in _in_several_cells(runs):
            places = [(run, np.flatnonzero(np.isin(run.keys[HASH], suspects))) for run in runs]
            rows: dict[Any, list[tuple[int, int, Run, int]]] = {}
            for run, at in places:
                identities = run.take(at, [self.column]).column(0).to_pylist() if len(at) else []
                for identity, row in zip(identities, at.tolist(), strict=True):
                    found = int(run.keys[SEQUENCE][row]), int(run.keys[CELL][row]), run, row
                    rows.setdefault(identity, []).append(found)
            rows.pop(None, None)
            for identity, same in rows.items():
                same.sort(key=lambda row: row[0])
                elsewhere = [row for row in same if row[1] != same[-1][1]]
                if elsewhere and self._on_conflict == "error":
                    pair = [run.take(np.array([row])) for _, _, run, row in (elsewhere[0], same[-1])]
                    raise self._conflict(identity, *pair)
                left_out.extend(sequence for sequence, _, _, _ in elsewhere)
        return np.array(sorted(left_out), np.int64)

    def unique(self, batch: pa.RecordBatch, left_out: NDArray[np.int64]) -> Unique:
        """Sort the rows of a piece and keep each identity once.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            Rows with the keys of `ssap_mirror.build.external_sort`.
        left_out : numpy.ndarray of int64
            What `replaced_elsewhere` found.

        Raises
        ------
        CatalogError
            If two rows of one identity differ and conflicts are errors.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = batch.num_rows
        if len(left_out):
            batch = batch.filter(pa.array(~np.isin(batch.column(SEQUENCE).to_numpy(), left_out)))
        replaced = rows - batch.num_rows
        keys = [CELL, *([self.column] if self.column else []), HASH, SEQUENCE]
        batch = batch.take(pc.sort_indices(batch, [(key, "ascending") for key in keys]))
        earlier, last = self._earlier_and_last(batch)
        if not len(earlier):
            return Unique(batch, 0, replaced)
        differs = self._differ(batch, earlier, last)
        named = self._named(batch).to_numpy(zero_copy_only=False)[earlier]
        conflicts = np.flatnonzero(differs & named)
        if len(conflicts) and self._on_conflict == "error":
            pair = [batch.slice(int(at[conflicts[0]]), 1) for at in (earlier, last)]
            raise self._conflict(pair[0].column(self.column)[0].as_py(), *pair)
        stays = np.ones(batch.num_rows, np.bool_)
        stays[earlier[~differs | named]] = False
        return Unique(batch.filter(pa.array(stays)), int((~differs).sum()), replaced + len(conflicts))

    def _named(self, batch: pa.RecordBatch) -> pa.Array:
        """Which rows have an identity of their own."""
        import pyarrow as pa

        if self.column is None:
            return pa.array(np.zeros(batch.num_rows, np.bool_))
        return batch.column(self.column).is_valid()

    def _earlier_and_last(self, batch: pa.RecordBatch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of a sorted batch that have a later one of the same identity, and the last such one of each."""
        import pyarrow.compute as pc

        count = batch.num_rows
        same = np.ones(max(count - 1, 0), np.bool_)
        for key in (CELL, HASH):
            values = batch.column(key).to_numpy()
            same &= values[1:] == values[:-1]
        if self.column is not None and same.any():
            identity = batch.column(self.column)
            equal = pc.equal(identity[1:], identity[:-1])
            # Two rows without an identity are equal here if the hashes of all their values are.
            both_missing = pc.and_(identity[1:].is_null(), identity[:-1].is_null())
            same &= pc.fill_null(pc.or_kleene(equal, both_missing), fill_value=False).to_numpy(zero_copy_only=False)
        earlier = np.flatnonzero(same)
        lasts = np.append(np.flatnonzero(~same), count - 1)
        return earlier, lasts[np.searchsorted(lasts, earlier)]

    def _differ(self, batch: pa.RecordBatch, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether rows of a batch differ in a value that counts."""
        import pyarrow as pa

        differs = np.zeros(len(one), np.bool_)
        for name in self._compared:
            column = batch.column(name)
            differs |= unequal(column.take(pa.array(one)), column.take(pa.array(other)))
        return differs

    def _conflict(self, identity: object, one: pa.RecordBatch, other: pa.RecordBatch) -> CatalogError:
        pairs = {name: (one.column(name)[0].as_py(), other.column(name)[0].as_py()) for name in self._compared}
        differing = [name for name in self._compared if unequal(one.column(name), other.column(name)).any()]
        left, right = pairs[differing[0]]
        more = f" (and {len(differing) - 1} more columns differ)" if len(differing) > 1 else ""
        message = (
            f"the source gave two different rows for {self.column} {identity!r}: "
            f"{differing[0]} is {left!r} in one and {right!r} in the other{more}"
        )
        return CatalogError(message)


def _in_several_cells(runs: list[Run]) -> Iterator[NDArray[np.uint64]]:
    """Hashes that rows of different cells share, a bounded number of rows at a time."""
    rows = sum(len(run.keys[HASH]) for run in runs)
    groups = max(1, math.ceil(rows / _GROUP_ROWS))
    for group in range(groups):
        chosen = [run.keys[HASH] % np.uint64(groups) == group for run in runs]
        hashes = np.concatenate([run.keys[HASH][mask] for run, mask in zip(runs, chosen, strict=True)])
        cells = np.concatenate([run.keys[CELL][mask] for run, mask in zip(runs, chosen, strict=True)])
        order = np.lexsort((cells, hashes))
        hashes, cells = hashes[order], cells[order]
        crossing = (hashes[1:] == hashes[:-1]) & (cells[1:] != cells[:-1])
        if crossing.any():
            yield np.unique(hashes[1:][crossing])
