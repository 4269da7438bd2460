"""A file as a source of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.core import storage
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import FormatError, SourceError
from ssap_mirror.sources.file.conform import Conformer
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Description, Estimate, Finding, Harvest, Verdict
from ssap_mirror.tables.open import open_table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FileSource"]

_BATCH_ROWS = 8192
#: About what a row takes on disk in a mirror and in the scratch of its build, for each byte of a file [byte].
_DISK_PER_BYTE = 6


class FileSource:
    """A table in a file: VOTable (any serialisation), FITS binary table, CSV, ECSV, each also gzip, or Parquet.

    With the columns of a service, the file's are put into them: see `ssap_mirror.sources.file.conform.Conformer` for
    names and units, `ssap_mirror.sources.file.casts.cast_to` for types. Without, the file's own columns are kept, with
    its units; columns named ``ra`` and ``dec`` are its positions where no UCD or utype tells of any.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    schema : Schema, optional
        Columns of the service whose rows these are.
    units : mapping of str to str, optional
        Units of columns of the file, by its names, where the file is silent or wrong.
    title : str, optional
        For people; the file's name without it.

    Raises
    ------
    SourceError
        If the file cannot be read, is of none of these formats, or cannot be put into the columns.
    ParameterError
        If `units` names a column that the file does not have.
    """

    def __init__(
        self,
        path: Path,
        schema: Schema | None = None,
        *,
        units: Mapping[str, str] | None = None,
        title: str | None = None,
    ) -> None:
        self.path = path
        self._title = title or path.name
        self._units = dict(units or {})
        with self._told():
            self._table = open_table(path, typed=schema is not None, batch_rows=_BATCH_ROWS)
            self._schema = _own_columns(self._table.columns, self._units) if schema is None else schema
            self._conformer = self._conform()

    def describe(self) -> Schema:
        """Columns of the rows: the service's, or the file's own."""
        return self._schema

    @property
    def notes(self) -> tuple[str, ...]:
        """What one might want to know, one sentence each; more once the rows have been read."""
        return (*self._table.notes, *self._conformer.notes)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, in the file's order, in the columns that `describe` tells; may be read again and again.

        Raises
        ------
        SourceError
            If the file is damaged, or a value cannot become the service's without loss.
        """
        conformer = self._conformer = self._conform()
        with self._told():
            for batch in self._table.batches(conformer.used):
                yield conformer.conform(batch)

    def estimate(self, staging: Path, progress: Progress) -> Estimate:
        """Tell what `harvest` will cost: nothing is sent, and the file is read once or twice."""
        size = self.path.stat().st_size
        rows = self._table.rows if self._table.rows is not None else self._count(progress)
        return Estimate(rows=rows, wire_bytes=0, seconds=0.0, disk_bytes=_DISK_PER_BYTE * size, schema=self._schema)

    def harvest(self, staging: Path, progress: Progress) -> Harvest:
        """Read all rows once, to know that they can be read and how many they are. Nothing is kept in `staging`.

        Raises
        ------
        SourceError
            If the file is damaged, or a value cannot become the service's without loss.
        """
        progress.stage("read", self._table.rows)
        rows = self._count(progress)
        with self._told():
            digest, size = storage.sha256(self.path), self.path.stat().st_size
        for note in self.notes:
            progress.note(note)
        description = Description(
            kind="file",
            url=self.path.resolve().as_uri(),
            title=self._title,
            schema=self._schema,
            header=self._table.header,
            notes=self.notes,
        )
        record = {"file": {"format": self._table.kind, "bytes": size, "sha256": digest}, "notes": list(self.notes)}
        return Harvest(description, rows, Verdict((self._finding(rows),)), self.batches, record)

    def _finding(self, rows: int) -> Finding:
        """Hold the rows that were read against what the file says of itself."""
        if self._table.truncated:
            return Finding("the file says itself that rows are missing (OVERFLOW)", doubt=True)
        if self._table.rows not in (None, rows):
            return Finding(f"the file announces {self._table.rows:,} rows and has {rows:,}", doubt=True)
        return Finding(f"all {rows:,} rows of the {self._table.kind} file were read")

    def _conform(self) -> Conformer:
        return Conformer(self._schema, self._table.columns, self._table.types, self._units)

    def _count(self, progress: Progress) -> int:
        rows = 0
        for batch in self.batches():
            rows += batch.num_rows
            progress.advance(rows=batch.num_rows)
        return rows

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Name the file in what goes wrong with it."""
        try:
            yield
        except FormatError as error:
            message = f"{self.path}: {error}"
            raise FormatError(message) from error
        except OSError as error:
            message = f"{self.path} cannot be read: {error.strerror or error}"
            raise SourceError(message) from error


def _own_columns(columns: Schema, units: Mapping[str, str]) -> Schema:
    """Columns of the file, with the units that are said; ``ra`` and ``dec`` are the position if nothing else is."""
    said = tuple(replace(column, unit=units.get(column.name, column.unit)) for column in columns)
    spelled = {name.lower(): name for name in columns.names}
    placed = {"ra", "location"} & set(columns.roles) or not {"ra", "dec"} <= set(spelled)
    roles = {} if placed else {role: spelled[role] for role in ("ra", "dec")}
    return Schema(said, columns.overrides | roles)
