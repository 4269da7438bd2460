"""Parquet files that stay open: opening one takes as long as decoding some columns of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["FilePool"]

_DEFAULT_POOL = Lock()


class FilePool:
    """Lends each file to one thread at a time; a second thread gets its own.

    Parameters
    ----------
    max_idle : int
        How many files that nobody reads stay open; those not used for longest are closed first.
    """

    def __init__(self, max_idle: int) -> None:
        self._max_idle = max_idle
        self._idle: OrderedDict[str, pq.ParquetFile] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """Count the files that wait."""
        with self._lock:
            return len(self._idle)

    def close(self) -> None:
        """Close the files that wait, and from now on every file that is given back."""
        with self._lock:
            self._max_idle = 0
            surplus = list(self._idle.values())
            self._idle.clear()
        for file in surplus:
            file.close()

    @contextmanager
    def borrow(self, path: str, metadata: Any, dictionaries: Sequence[str] = ()) -> Iterator[pq.ParquetFile]:
        """Lend a file.

        Parameters
        ----------
        path : str
            The file.
        metadata : pyarrow.parquet.FileMetaData
            Its footer.
        dictionaries : sequence of str
            Columns to read as dictionaries, where the file is not open yet.

        Raises
        ------
        OSError, pyarrow.ArrowException
            If it cannot be read; it is then not kept.
        """
        with self._lock:
            file = self._idle.pop(path, None)
        file = file or _open(path, metadata, dictionaries)
        try:
            yield file
        except BaseException:
            file.close()
            raise
        with self._lock:
            surplus = [self._idle.pop(path)] if path in self._idle else []  # another thread's, given back before
            self._idle[path] = file
            while len(self._idle) > self._max_idle:
                surplus.append(self._idle.popitem(last=False)[1])
        for old in surplus:
            old.close()


def _open(path: str, metadata: Any, dictionaries: Sequence[str]) -> pq.ParquetFile:
    """Open a file whose columns are decoded into the C library's memory.

    Arrow's own allocator gives memory back and asks for it again, in pages that are zeroed each time. A reader has no
    argument for the allocator, but remembers what was the default when it was made; other threads may allocate from
    either meanwhile.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _DEFAULT_POOL:
        usual = pa.default_memory_pool()
        # This saves a cone that was not asked before 8 % of its CPU time (scripts/bench, section cone).
        pa.set_memory_pool(pa.system_memory_pool())
        try:
            # Reading ahead is for disks far away; here it is one more copy.
            return pq.ParquetFile(
                path,
                metadata=metadata,
                read_dictionary=list(dictionaries),
                pre_buffer=False,
                page_checksum_verification=True,
            )
        finally:
            pa.set_memory_pool(usual)
