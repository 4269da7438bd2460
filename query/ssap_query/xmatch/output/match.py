"""The result of a cross-match: counted, streamed or written without ever being whole in memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.storage import replacing
from ssap_mirror.errors import ParameterError, SourceError

from ssap_query.xmatch.join.pairs import Join, count_rows, make_pairs
from ssap_query.xmatch.output.notes import notes_of
from ssap_query.xmatch.output.rows import Piece, Pieces
from ssap_query.xmatch.session import translate_errors

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa
    from astropy.table import Table as AstropyTable

    from ssap_query.xmatch.output.columns import Columns
    from ssap_query.xmatch.session import Session

__all__ = ["Match"]

_PATH = "path"
_PARQUET_SUFFIXES = (".parquet", ".parq", ".pq")


class Match:
    """Rows of two tables that are at the same place on the sky. Made by `crossmatch`; computed when asked.

    The rows are in the order of the side that each row stands for (the left one, or the right one for ``best-other``),
    partners of one row by separation, then in the order of their own table.
    """

    def __init__(self, session: Session, join: Join, columns: Columns, find: str, notes: tuple[str, ...]) -> None:
        self._session = session
        self._join = join
        self._columns = columns
        self._find = find
        self._table_notes = notes
        self._count: int | None = None
        self._paired = False
        self._lock = RLock()

    @property
    def schema(self) -> pa.Schema:
        """Columns of the result with their units, UCDs and descriptions."""
        return self._columns.schema

    @property
    def find(self) -> str:
        """What was looked for: ``best``, ``all``, ``best-other`` or ``anti``."""
        return self._find

    def __len__(self) -> int:
        """Count the rows, as `count`."""
        return self.count()

    def count(self) -> int:
        """Count the rows; the result itself is not built for it."""
        if self._count is None:
            with translate_errors(), self._lock:
                self._count = self._counted()
        return self._count

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the result should know: rows without a position, missing motions and dates, counted."""
        with translate_errors(), self._lock:
            return (*self._table_notes, *notes_of(self._session, self._join))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Rows of the result in order, some hundred thousand at a time."""
        for table in self._tables():
            yield from table.combine_chunks().to_batches()

    def _tables(self) -> Iterator[pa.Table]:
        """Rows of the result in order, piece by piece."""
        with translate_errors(), ThreadPoolExecutor(max_workers=1) as worker:
            with self._lock:
                self._make_pairs()
                pieces = Pieces(self._session, self._join, self._columns, self._find)
            # While one piece is written the next is joined.
            coming: deque[Future[pa.Table]] = deque()
            for piece in pieces.plan:
                coming.append(worker.submit(self._read, pieces, piece))
                if len(coming) > 1:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()

    def reader(self) -> pa.RecordBatchReader:
        """Rows of the result as an Arrow stream, with their metadata."""
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(self.schema, self.batches())

    def to_arrow(self) -> pa.Table:
        """Whole result in memory."""
        import pyarrow as pa

        return pa.Table.from_batches(list(self.batches()), schema=self.schema)

    def to_pandas(self) -> pandas.DataFrame:
        """Whole result as a pandas DataFrame."""
        return self.to_arrow().to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """Whole result as a polars DataFrame."""
        import polars

        return polars.from_arrow(self.to_arrow())

    def to_astropy(self) -> AstropyTable:
        """Whole result as an astropy Table, with units; NULL is masked."""
        from ssap_query.xmatch.inputs.readers import to_astropy

        return to_astropy(self.to_arrow())

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the result as a Parquet file, piece by piece; what was there is replaced when it is complete.

        Parameters
        ----------
        path : path
            Ends in ``.parquet``, ``.parq`` or ``.pq``. For other formats give `reader` to a writer of them.

        Raises
        ------
        ParameterError
            If the name is not that of a Parquet file.
        SourceError
            If it cannot be written.
        """
        import pyarrow.parquet as pq

        target = Path(path)
        if target.suffix.lower() not in _PARQUET_SUFFIXES:
            raise ParameterError(_PATH, str(target), f"does not end in {', '.join(_PARQUET_SUFFIXES)}")
        try:
            # Columns of a match are numbers and identifiers: dictionaries cost time and save nothing after zstd.
            options: dict[str, Any] = {"compression": "zstd", "use_dictionary": False}
            with replacing(target) as part, pq.ParquetWriter(part, self.schema, **options) as writer:
                for table in self._tables():
                    writer.write_table(table)
        except OSError as error:
            message = f"{target} cannot be written: {error.strerror or error}"
            raise SourceError(message) from error
        return target

    def __repr__(self) -> str:
        counted = "not yet counted" if self._count is None else f"{self._count:,} rows"
        return f"<Match find={self._find!r} radius={self._join.radius_arcsec:g} arcsec, {counted}>"

    def _read(self, pieces: Pieces, piece: Piece) -> pa.Table:
        with self._lock:
            return pieces.read(piece)

    def _counted(self) -> int:
        if self._paired:
            matched = int(self._session.row("SELECT coalesce(sum(n), 0)::BIGINT FROM pairs")[0])
        else:
            matched = count_rows(self._session, self._join)
        return self._join.left.rows - matched if self._find == "anti" else matched

    def _make_pairs(self) -> None:
        if not self._paired:
            self._session.keep_footers()
            make_pairs(self._session, self._join)
            self._paired = True
