"""A file as a source of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.core import storage
from ssap_mirror.core.quantities.positions import Positions
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import CatalogError, FormatError, ParameterError, SourceError
from ssap_mirror.sources.corrections import Corrections
from ssap_mirror.sources.file.conform import Conformer
from ssap_mirror.sources.file.own_columns import OwnColumns, own_columns
from ssap_mirror.sources.missing_values import MissingValues, missing_words
from ssap_mirror.sources.progress import Progress
from ssap_mirror.sources.source import Description, Estimate, Finding, Harvest, Verdict
from ssap_mirror.tables import open_table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FileSource"]

_BATCH_ROWS = 8192
#: About what a row takes on disk in a mirror and in the scratch of its build, for each byte of a file [byte].
_DISK_PER_BYTE = 6
# What a build takes of any file: text becomes smaller, Parquet is spilled with a lighter compression.
_DISK_AT_LEAST_PER_BYTE = 1.0
_POSITIONS = "positions"


class FileSource:
    """A table in files: whatever `ssap_mirror.tables.open_table` opens by a path.

    With the columns of a service, the file's are put into them: see `ssap_mirror.sources.file.conform.Conformer` for
    names and units, `ssap_mirror.sources.file.casts.cast_to` for types. Without, the file's own columns are kept, with
    its units; see `ssap_mirror.sources.file.own_columns` for its positions, and for what cannot be kept.

    Parameters
    ----------
    path : pathlib.Path or str
        The file, with the part of it that is meant (``file.fits#2``); a pattern or a folder of Parquet files.
    schema : Schema, optional
        Columns of the service whose rows these are.
    units : mapping of str to str, optional
        Units of columns of the file, by its names, where the file is silent or wrong.
    positions : Positions, optional
        Which of the file's own columns are its positions, where UCDs and usual names do not tell.
    title : str, optional
        For people; the file's name without it.
    corrections : Corrections, optional
        Which parts its columns play, where UCDs and usual names do not tell; its units count as those of `units` do.
        What it says of units and missing values is about columns of the file, by its names.

    Raises
    ------
    SourceError
        If the file cannot be read, is of no format that is known, or cannot be put into the columns.
    ParameterError
        If `units`, `positions` or `corrections` name a column that the file does not have, or a service knows its
        positions itself.
    """

    def __init__(
        self,
        path: Path | str,
        schema: Schema | None = None,
        *,
        units: Mapping[str, str] | None = None,
        positions: Positions | None = None,
        title: str | None = None,
        corrections: Corrections | None = None,
    ) -> None:
        if schema is not None and positions is not None:
            raise ParameterError(_POSITIONS, positions.given(), "are known of the columns of a service")
        self.path = Path(path)
        self._title = title or self.path.name
        said = corrections or Corrections()
        self._units = {**said.units, **(units or {})}
        self._missing_cells: Counter[str] = Counter()
        self._is_own = schema is None
        self._unplaced = 0
        self._table = open_table(path, typed=schema is not None, batch_rows=_BATCH_ROWS)
        with self._named():
            self._own = own_columns(self._table, self._units, positions) if schema is None else OwnColumns(schema, None)
            self._schema = replace(said, units={}, nulls={}).applied_to(self._own.schema)
            self._missing = MissingValues(said.nulls, self._table.types, said.said_by)
            self._conformer = self._conform()

    def describe(self) -> Schema:
        """Columns of the rows: the service's, or the file's own."""
        return self._schema

    @property
    def notes(self) -> tuple[str, ...]:
        """What one might want to know, one sentence each; more once the rows have been read."""
        found = (*self._table.notes, *self._own.notes, *self._conformer.notes)
        found += missing_words(self._missing_cells)
        if not self._unplaced:
            return found
        return (*found, f"rows without a position that can be read: {self._unplaced:,}")

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, in the file's order, in the columns that `describe` tells; may be read again and again.

        Raises
        ------
        SourceError
            If the file is damaged, or a value cannot become the service's without loss.
        """
        conformer = self._conformer = self._conform()
        self._unplaced = 0
        self._missing_cells = Counter(dict.fromkeys(self._missing.columns, 0))
        needed = dict.fromkeys(conformer.used)
        if self._own.derived and self._own.place is not None:
            needed |= dict.fromkeys(self._own.place.columns)
        with self._named():
            for given in self._table.batches(list(needed)):
                batch, found = self._missing.applied_to(given)
                self._missing_cells.update({name: int(rows.sum()) for name, rows in found.items()})
                rows = self._own.add_derived(batch, conformer.conform(batch))
                if self._own.derived:
                    self._unplaced += rows.column(self._own.derived[0].name).null_count
                yield rows

    def estimate(self, staging: Path, progress: Progress) -> Estimate:
        """Tell what `harvest` will cost: nothing is sent, and the file is read once or twice."""
        size = sum(file.stat().st_size for file in self._table.files)
        rows = self._table.rows if self._table.rows is not None else self._count(progress)
        return Estimate(rows=rows, wire_bytes=0, seconds=0.0, disk_bytes=_DISK_PER_BYTE * size, schema=self._schema)

    def harvest(self, staging: Path, progress: Progress) -> Harvest:
        """Read all rows once, to know that they can be read and how many they are. Nothing is kept in `staging`.

        Raises
        ------
        SourceError
            If the file is damaged, or a value cannot become the service's without loss.
        CatalogError
            If there is not enough room on disk.
        """
        size = sum(file.stat().st_size for file in self._table.files)
        if lack := storage.lack_of_room(staging, _DISK_AT_LEAST_PER_BYTE * size):
            message = f"{staging} has {lack} for the rows of {self.path}"
            raise CatalogError(message)
        progress.stage("read", self._table.rows)
        rows = self._count(progress)
        with self._named():
            files = [{"bytes": f.stat().st_size, "sha256": storage.sha256(f)} for f in self._table.files]
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
        said = (
            {"format": self._table.kind, **files[0]}
            if len(files) == 1
            else {"format": self._table.kind, "files": files}
        )
        record = {"file": said, "notes": list(self.notes)}
        findings = (self._finding(rows), *map(Finding, missing_words(self._missing_cells)))
        return Harvest(description, rows, Verdict(findings), self.batches, record, one_state=True)

    def _finding(self, rows: int) -> Finding:
        """Hold the rows that were read against what the file says of itself."""
        if self._table.truncated:
            return Finding("the file says itself that rows are missing (OVERFLOW)", doubt=True)
        if self._table.rows not in (None, rows):
            return Finding(f"the file announces {self._table.rows:,} rows and has {rows:,}", doubt=True)
        return Finding(f"all {rows:,} rows of the {self._table.kind} file were read")

    def _conform(self) -> Conformer:
        import pyarrow as pa

        types, units = self._table.types, self._units
        if self._is_own:
            types = pa.schema([types.field(name) for name in self._own.columns.names])
            units = {name: unit for name, unit in units.items() if name in types.names}
        return Conformer(self._own.columns, self._table.columns, types, units)

    def _count(self, progress: Progress) -> int:
        rows = 0
        for batch in self.batches():
            rows += batch.num_rows
            progress.advance(rows=batch.num_rows)
        return rows

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Name the file in what goes wrong with it."""
        try:
            yield
        except FormatError as error:
            message = str(error) if str(self.path) in str(error) else f"{self.path}: {error}"
            raise FormatError(message) from error
        except OSError as error:
            message = f"{self.path} cannot be read: {error.strerror or error}"
            raise SourceError(message) from error
