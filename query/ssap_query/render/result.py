"""What every result can do, of a search, of SQL, or of a match: rows as tables of other libraries, and as files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import IO, TYPE_CHECKING, Any, overload

from ssap_mirror.core.schema import Schema

from ssap_query.arrow.counted import counted
from ssap_query.render.faces.files import FilesInterface
from ssap_query.render.faces.pyvo_interface import PyvoInterface
from ssap_query.render.faces.status import Status
from ssap_query.render.renderable import Input

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from astropy.table import Column, QTable, Table

    from ssap_query.render.faces.record import Record

__all__ = ["Part", "Result"]


class Result(PyvoInterface, FilesInterface, ABC):
    """Rows, and what their columns mean.

    ``len()`` is the number of rows. polars, pandas, DuckDB, narwhals and pyarrow take a result as it is, without a copy
    (it has ``__arrow_c_stream__``). ``result["ssa_snr"]`` is a column of astropy, ``result[3]`` a record as pyvo has
    it, ``result[:10]`` and ``result[["ra", "dec"]]`` are results again, and whoever iterates gets records.
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
        def status(self) -> Status:
            """``OK``, or ``OVERFLOW`` if more rows match than the limit allows (DALI 1.1 §4.4.1)."""

    @property
    @abstractmethod
    def arrow_schema(self) -> pa.Schema:
        """Arrow types of the columns, each with unit, UCD and description as metadata."""

    @abstractmethod
    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Record]:
        from ssap_query.render.faces.record import records_of

        return records_of(self)

    @overload
    def __getitem__(self, chosen: int) -> Record: ...

    @overload
    def __getitem__(self, chosen: str) -> Column: ...

    @overload
    def __getitem__(self, chosen: slice | list[str]) -> Result: ...

    @overload
    def __getitem__(self, chosen: Any) -> Any: ...

    def __getitem__(self, chosen: Any) -> Any:
        """Give a column by name, a record by number, or a part: a slice, names of columns, a mask, numbers of rows.

        A pair ``(name, number)`` is a single value.

        Raises
        ------
        KeyError
            If there is no such column.
        IndexError
            If there is no such row.
        """
        if isinstance(chosen, str):
            return self._of_columns([chosen]).to_table()[chosen]
        if isinstance(chosen, slice):
            return self._of_rows(range(*chosen.indices(len(self))))
        if isinstance(chosen, tuple):
            return self.getvalue(*chosen)
        if isinstance(chosen, list) and all(isinstance(name, str) for name in chosen):
            return self._of_columns(chosen)
        if hasattr(chosen, "__index__") and not getattr(chosen, "ndim", 0):
            number = range(len(self))[chosen]  # the IndexError is that of a range
            return next(iter(self._of_rows(range(number, number + 1))))
        return self._of_numbers(chosen)

    def __repr__(self) -> str:
        size = f"{counted(len(self), 'row')}, {counted(len(self.schema), 'column')}"
        return f"<{type(self).__name__}: {size}, {self.status}>"

    def _repr_html_(self) -> str:
        from ssap_query.render.columns.importance import most_important
        from ssap_query.render.faces.notebook import COLUMNS, ROWS, notebook_html

        return notebook_html(self, self._part(most_important(self.schema, COLUMNS), range(len(self))[:ROWS]))

    def _of_columns(self, names: Sequence[str]) -> Part:
        known = self.schema.names
        for name in names:
            if name not in known:
                message = f"No such column: {name}"
                raise KeyError(message)
        return self._part([known.index(name) for name in names], range(len(self)))

    def _of_rows(self, rows: range) -> Part:
        every = range(len(self.schema))
        return self._part(every, rows) if rows.step > 0 else self._of_numbers(rows)

    def _part(self, columns: Sequence[int], rows: range) -> Part:
        from ssap_query.render.faces.selection import selected

        return self._derived(columns, len(rows), lambda: selected(self.batches(), columns, rows))

    def _derived(
        self,
        columns: Sequence[int],
        rows: int,
        source: Callable[[], Iterator[pa.RecordBatch]],
    ) -> Part:
        import pyarrow as pa

        names = self.schema.names
        schema = self.schema.select(names[number] for number in columns)
        arrow = pa.schema([self.arrow_schema.field(number) for number in columns])
        return self._made(schema, arrow, rows, source)

    def _made(
        self, schema: Schema, arrow: pa.Schema, rows: int, source: Callable[[], Iterator[pa.RecordBatch]]
    ) -> Part:
        return Part(schema, arrow, rows, source, self.status, self.infos, self.notes, self.service_xml)

    def _of_numbers(self, chosen: Any) -> Part:
        """Rows by their numbers in any order, or those that a mask of all rows lets through."""
        import numpy as np
        import pyarrow as pa

        # What astropy has masked is not true.
        rows = np.ma.filled(np.ma.asarray(chosen), fill_value=False)
        numbers = np.arange(len(self))[rows if rows.size else rows.astype(np.int64)]
        taken = self.to_arrow().take(pa.array(numbers, pa.int64()))
        return self._derived(range(len(self.schema)), len(numbers), lambda: iter(taken.to_batches()))

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
        MissingPackageError
            If pandas is not installed.
        """
        from ssap_query.render.dataframes import to_pandas

        return to_pandas(self.to_arrow())

    def to_polars(self) -> pl.DataFrame:
        """All rows as a polars data frame.

        Raises
        ------
        MissingPackageError
            If polars is not installed.
        """
        from ssap_query.render.dataframes import to_polars

        return to_polars(self.to_arrow())

    def to_table(self) -> Table:
        """All rows as an ``astropy.table.Table``: NULL is masked, units, UCDs and descriptions are kept."""
        from ssap_query.render.astropy_table import to_astropy

        return to_astropy(self)

    def to_qtable(self) -> QTable:
        """All rows as an ``astropy.table.QTable``: as `to_table`, with a Quantity for each column that has a unit."""
        from astropy.table import QTable

        return QTable(self.to_table())

    def to_astropy(self) -> Table:
        """All rows as an ``astropy.table.Table``; as `to_table`, which is pyvo's name for it."""
        return self.to_table()

    def with_iso_dates(self) -> Result:
        """Give the same rows with text in ISO 8601 (UTC, to the millisecond) for dates that are numbers (MJD, JD).

        Returns
        -------
        Result
            The result itself where it has no such column.
        """
        from ssap_query.render.faces.iso_dates import date_columns, described_dates, iso_batches

        dates = date_columns(self.schema)
        if not dates or self.inputs:
            return self
        schema, arrow = described_dates(self.schema, self.arrow_schema, dates)
        return self._made(schema, arrow, len(self), lambda: iso_batches(self.batches(), arrow, dates))

    def describe(self) -> Part:
        """Say what is in each column: its unit, how many values are missing, the least and the largest, its meaning.

        Returns
        -------
        Part
            A result with a row for each column.
        """
        from ssap_query.render.faces.description import COLUMNS, described

        table = described(self)
        return self._made(COLUMNS, table.schema, len(table), lambda: iter(table.to_batches()))

    def broadcast_samp(self, *, client_name: str | None = None) -> tuple[str, ...]:
        """Send the rows to the programs on the SAMP hub, such as TOPCAT.

        Parameters
        ----------
        client_name : str, optional
            Only to the program of this name.

        Returns
        -------
        tuple of str
            Names of the programs that have loaded it.

        Raises
        ------
        MirrorError
            If there is no hub, no program that takes tables, or one that could not load it.
        """
        from ssap_query.render.faces.samp import send_table

        return send_table(self, self.infos.get("mirror", "ssap-mirror"), client_name)

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


@dataclass(frozen=True, repr=False)
class Part(Result):
    """Some rows and columns of a result, or what has been worked out of it."""

    schema: Schema
    """Columns in order, with units, UCDs and descriptions."""
    arrow_types: pa.Schema
    """Their Arrow types."""
    rows: int
    """How many rows there are."""
    source: Callable[[], Iterator[pa.RecordBatch]]
    """Gives them, piece by piece."""
    status: Status
    """That of the whole."""
    infos: Mapping[str, str]
    """Those of the whole."""
    notes: tuple[str, ...]
    """Those of the whole."""
    service_xml: bytes
    """That of the whole."""

    @property
    def arrow_schema(self) -> pa.Schema:
        """Arrow types of the columns, each with unit, UCD and description as metadata."""
        return self.arrow_types

    def __len__(self) -> int:
        return self.rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, piece by piece; each call begins anew."""
        return self.source()
