"""Parquet files that stay open: opening one takes as long as decoding some columns of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["OpenFiles"]


class OpenFiles:
    """Lends each file to one thread at a time; a second thread gets its own.

    Parameters
    ----------
    most : int
        How many files that nobody reads stay open; those not used for longest are closed first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._idle: OrderedDict[str, pq.ParquetFile] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Count the files that wait."""
        return len(self._idle)

    @contextmanager
    def lent(self, path: str, metadata: Any) -> Iterator[pq.ParquetFile]:
        """Lend a file.

        Parameters
        ----------
        path : str
            The file.
        metadata : pyarrow.parquet.FileMetaData
            Its footer.

        Raises
        ------
        OSError, pyarrow.ArrowException
            If it cannot be read; it is then not kept.
        """
        import pyarrow.parquet as pq

        with self._lock:
            file = self._idle.pop(path, None)
        file = file or pq.ParquetFile(path, metadata=metadata)
        try:
            yield file
        except BaseException:
            file.close()
            raise
        with self._lock:
            surplus = [self._idle.pop(path)] if path in self._idle else []  # another thread's, given back before
            self._idle[path] = file
            while len(self._idle) > self._most:
                surplus.append(self._idle.popitem(last=False)[1])
        for old in surplus:
            old.close()
