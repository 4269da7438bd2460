"""Rows of a statement that was run once: in memory up to a limit, then in a file that goes when they do."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.core.storage import forget_scratch, note_scratch
from ssap_mirror.errors import MirrorError

from ssap_query.engine.rows import MemoryLimit, read_up_to

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SpooledRows", "spool"]


@dataclass(frozen=True)
class SpooledRows:
    """Rows in a temporary file of Arrow's stream format."""

    path: Path
    """The file; removed when this object is."""
    rows: int
    """How many there are."""
    schema: pa.Schema = field(repr=False)
    """Their columns; those of the file may be of other types, which are converted."""

    def __post_init__(self) -> None:
        weakref.finalize(self, _remove, self.path)

    def __len__(self) -> int:
        return self.rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, piece by piece."""
        import pyarrow as pa

        with pa.OSFile(str(self.path)) as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                yield batch if batch.schema.equals(self.schema) else batch.cast(self.schema)


def spool(batches: Iterable[pa.RecordBatch], schema: pa.Schema, limit: MemoryLimit) -> pa.Table | tuple[Path, int]:
    """Read a stream to its end.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        The stream.
    schema : pyarrow.Schema
        Its columns.
    limit : MemoryLimit
        What is held in memory.

    Returns
    -------
    pyarrow.Table or tuple of pathlib.Path and int
        The rows; or, if they are more, the path of a file with all of them and their number.

    Raises
    ------
    MirrorError
        If the file cannot be written.
    """
    import pyarrow as pa

    stream = iter(batches)
    held, is_all = read_up_to(stream, limit)
    if is_all:
        return pa.Table.from_batches(held, schema)
    rows = sum(batch.num_rows for batch in held)
    handle, name = tempfile.mkstemp(prefix="ssap-sql-", suffix=".arrows")
    path = Path(name)
    note_scratch(path)
    try:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with os.fdopen(handle, "wb") as file, pa.ipc.new_stream(file, schema, options=options) as writer:
            for batch in held:
                writer.write_batch(batch)
            held.clear()
            for batch in stream:
                writer.write_batch(batch)
                rows += batch.num_rows
    except OSError as error:
        _remove(path)
        message = f"the rows of the result cannot be kept in {path}: {error.strerror or error}"
        raise MirrorError(message) from error
    except BaseException:
        _remove(path)
        raise
    return path, rows


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    forget_scratch(path)
