"""What the workers give, on its way to whoever asked: in order, piece by piece, and what may go wrong there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import CatalogError, MirrorError

from ssap_query.cluster.files import SnapshotFiles
from ssap_query.engine.rows import InMemoryRows, MemoryLimit, Rows
from ssap_query.sql.spooled import SpooledRows, spool

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["gather", "partitions_in_order", "translate_errors"]


def partitions_in_order(client: Any, catalog: Any) -> Iterator[Any]:
    """Compute a catalogue on the workers, and bring its partitions here one by one.

    Parameters
    ----------
    client : distributed.Client
        The workers.
    catalog : lsdb.Catalog
        What to compute; if not all of it is fetched, the rest is not computed.

    Yields
    ------
    nested_pandas.NestedFrame
        A partition; they come in the order of the sky.
    """
    from distributed import futures_of

    if not len(catalog.get_healpix_pixels()):
        return
    # A key is a name and the number of the partition; Dask may give the collection other names than the futures.
    futures = deque(sorted(futures_of(client.persist(catalog.to_dask_dataframe())), key=lambda future: future.key[1]))
    try:
        while futures:
            yield futures.popleft().result()
    finally:
        client.cancel(list(futures))


def gather(
    batches: Iterable[pa.RecordBatch], arrow: pa.Schema, limit: int | None, memory: MemoryLimit
) -> tuple[Rows, bool]:
    """Hold rows: in memory if they are few, else in a temporary file.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        All rows; they are not read to the end if there are more than the limit.
    arrow : pyarrow.Schema
        Their columns.
    limit : int or None
        Most rows of the result.
    memory : MemoryLimit
        What is held in memory.

    Returns
    -------
    rows : Rows
        At most as many as the limit lets through.
    truncated : bool
        Whether there are more.
    """
    import pyarrow as pa

    truncated = False

    def shown() -> Iterator[pa.RecordBatch]:
        nonlocal truncated
        left = limit
        for batch in batches:
            rows = batch.num_rows if left is None else min(left, batch.num_rows)
            if rows:
                yield batch.slice(0, rows)
            if rows < batch.num_rows:
                truncated = True
                return
            left = None if left is None else left - rows

    held = spool(shown(), arrow, memory)
    rows: Rows = InMemoryRows(held) if isinstance(held, pa.Table) else SpooledRows(held[0], held[1], arrow)
    return rows, truncated


@contextmanager
def translate_errors(files: SnapshotFiles) -> Iterator[None]:
    """Turn what goes wrong on the workers into one sentence.

    Parameters
    ----------
    files : SnapshotFiles
        What they read.

    Raises
    ------
    MirrorError
        In place of the errors of Dask, LSDB, fsspec and Arrow.
    """
    try:
        yield
    except MirrorError:
        raise
    except Exception as error:
        from distributed import KilledWorker

        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if isinstance(error, KilledWorker):
            message = f"workers of the cluster ended while they searched, perhaps for want of memory: {reason}"
            raise MirrorError(message) from error
        if isinstance(error, ModuleNotFoundError):
            message = f"the workers of the cluster need ssap-mirror with its extra cluster as well: {reason}"
            raise MirrorError(message) from error
        message = f"the workers of the cluster cannot search {files.snapshot}: {reason}"
        raise CatalogError(message) from error
