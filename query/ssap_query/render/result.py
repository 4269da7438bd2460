"""What every result can do, of a search, of SQL, or of a match: rows as tables of other libraries, and as files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import IO, TYPE_CHECKING

from ssap_mirror.core.schema import Schema

from ssap_query.render.renderable import Input

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from astropy.table import Table

__all__ = ["Result"]


class Result(ABC):
    """Rows, and what their columns mean.

    ``len()`` is the number of rows. polars, pandas, DuckDB and pyarrow take a result as it is, without a copy (it has
    ``__arrow_c_stream__``).
    """

    inputs: Sequence[Input] = ()
    """The request parameters, in a metadata result; empty in any other."""
    service_xml: bytes = b""
    """VOTable header of the service as harvested."""
    protocol: str = "SSAP"
    """``SSAP`` or ``TAP``: of which protocol it is a response. TAP tells OVERFLOW behind the rows."""

    if TYPE_CHECKING:  # fields of a dataclass in one subclass, properties in another

        @property
        def schema(self) -> Schema:
            """Columns in order, with units, UCDs and descriptions."""

        @property
        def infos(self) -> Mapping[str, str]:
            """Facts that go with the rows."""

        @property
        def notes(self) -> tuple[str, ...]:
            """What a person should know of the rows, a sentence each."""

    @property
    def status(self) -> str:
        """``OK``, or ``OVERFLOW`` if more rows match than the limit allows (DALI 1.1 §4.4.1)."""
        return "OK"

    @property
    @abstractmethod
    def arrow_schema(self) -> pa.Schema:
        """Arrow types of the columns, each with unit, UCD and description as metadata."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, piece by piece; each call begins anew.

        Yields
        ------
        pyarrow.RecordBatch
            With the columns of `arrow_schema`.

        Raises
        ------
        CatalogError
            If the snapshot cannot be read.
        """

    def reader(self) -> pa.RecordBatchReader:
        """All rows as a stream of Arrow, never whole in memory."""
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(self.arrow_schema, self.batches())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Rows for any library that knows Arrow's C stream (the Arrow PyCapsule interface)."""
        import pyarrow as pa

        from ssap_query.render.dataframes import compact

        batches = (compact(batch) for batch in self.batches())
        return pa.RecordBatchReader.from_batches(self.arrow_schema, batches).__arrow_c_stream__(requested_schema)

    def to_arrow(self) -> pa.Table:
        """All rows as an Arrow table; each field carries unit, UCD and description as metadata.

        Raises
        ------
        CatalogError
            If the snapshot cannot be read.
        """
        import pyarrow as pa

        return pa.Table.from_batches(self.batches(), self.arrow_schema)

    def to_pandas(self) -> pd.DataFrame:
        """All rows as a pandas data frame.

        Integers and booleans with NULL among them have pandas' own types for that (``Int64``, ``boolean``), in which
        64-bit integers stay exact; numpy has none, and would make floats of them.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        from ssap_query.render.dataframes import to_pandas

        return to_pandas(self.to_arrow())

    def to_polars(self) -> pl.DataFrame:
        """All rows as a polars data frame.

        Raises
        ------
        ImportError
            If polars is not installed.
        """
        from ssap_query.render.dataframes import to_polars

        return to_polars(self.to_arrow())

    def to_astropy(self) -> Table:
        """All rows as an ``astropy.table.Table``: NULL is masked, units, UCDs and descriptions are kept."""
        from ssap_query.render.astropy_table import to_astropy

        return to_astropy(self)

    def write(self, path: str | PathLike[str] | IO[bytes], format: str | None = None) -> None:
        """Write the rows to a file.

        Parameters
        ----------
        path : path or binary file
            Where to. A file takes its name when it is complete.
        format : str, optional
            Name of a format; without it, the ending of the path says which.

        Raises
        ------
        ParameterError
            If the format is not known.
        FormatError
            If the format cannot hold a column.
        MirrorError
            If the file cannot be written.
        """
        from ssap_query.render.formats import write

        write(self, path, format)
