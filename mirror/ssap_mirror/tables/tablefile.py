"""A table in a file: its columns first, then its rows in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import FormatError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TableFile", "arrow_errors"]


@dataclass
class TableFile:
    """A table in a file."""

    kind: str
    """``VOTable``, ``FITS``, ``CSV``, ``ECSV`` or ``Parquet``."""
    columns: Schema
    """What the file says of its columns."""
    types: pa.Schema
    """Arrow types of its columns."""
    batches: Callable[[Sequence[str]], Iterator[pa.RecordBatch]]
    """Rows of some columns, from the first row on."""
    rows: int | None = None
    """Number of rows, where the file says it beforehand."""
    header: bytes = b""
    """VOTable without rows, where the file is one."""
    truncated: bool = False
    """Whether the file says, as far as it was read, that rows are missing."""
    notes: tuple[str, ...] = ()
    """What was unusual, one sentence each."""


@contextmanager
def arrow_errors() -> Iterator[None]:
    """Turn what Arrow finds wrong with a file into a FormatError."""
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        raise FormatError(" ".join(str(error).split())) from error
