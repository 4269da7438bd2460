"""The columns of a file put into those of a service: names, units, types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.core.units import Conversion, conversion, says_no_unit
from ssap_mirror.errors import FormatError, ParameterError
from ssap_mirror.sources.file.casts import Cast, cast_to
from ssap_mirror.tables.table import listed

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Conformer", "matches"]


class Conformer:
    """Makes rows of a service out of rows of a file.

    A column is found by its name; if there is none of just that name, by a name that differs in upper and lower case
    alone, if that is the only one. Columns that the file lacks are NULL, columns that the service does not have are
    left out; `notes` tells of both.

    Parameters
    ----------
    wanted : Schema
        Columns of the service.
    given : Schema
        Columns of the file as it describes them; their units count.
    types : pyarrow.Schema
        Types of the file's columns.
    units : mapping of str to str
        Units of columns of the file, by its names, where the file is silent or wrong.

    Raises
    ------
    FormatError
        If no column is the service's, a unit cannot be converted, or a type cannot become the service's.
    ParameterError
        If `units` names a column that the file does not have.
    """

    def __init__(self, wanted: Schema, given: Schema, types: pa.Schema, units: Mapping[str, str]) -> None:
        for name in units:
            if name not in types.names:
                raise ParameterError(name="units", value=name, reason="is no column of the file")
        self.wanted = wanted
        self._arrow = wanted.arrow_schema()
        self._notes: list[str] = []
        self._done: dict[str, set[str]] = {}
        self._rows = 0
        # A name that had to be changed, for SQL cannot tell it from another, is one of the file's all the same; a
        # mirror of the file itself has it as changed.
        names = {
            column.name if column.name in wanted else column.source_name or column.name: column.name
            for column in given
            if column.name in types.names
        }
        found = {name: names[source] for name, source in matches(wanted.names, list(names)).items()}
        if not found:
            message = f"none of its columns ({listed(list(names))}) is one of the service"
            raise FormatError(message)
        self.used = tuple(found.values())
        """Columns of the file that are needed."""
        self._casts: dict[str, tuple[str, Cast]] = {}
        self._missing_units: list[str] = []
        for name, source in found.items():
            column = wanted[name]
            done = self._done[name] = set[str]()
            said = given[source].unit if source in given else None
            factor = self._factor(column, source, units.get(source, said), types.field(source).type)
            self._casts[name] = (source, cast_to(column, types.field(source).type, factor, done))
        self._tell(found, types.names)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done that one might want to know, one sentence each; more once rows have been read."""
        told = list(self._notes)
        for deed in sorted({deed for done in self._done.values() for deed in done}):
            told.append(f"{deed}: {listed([name for name, done in self._done.items() if deed in done])}")
        return tuple(told)

    def conform(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Make rows of the service out of the next rows of the file.

        Raises
        ------
        FormatError
            If a value cannot become the service's without loss; names row, column and value.
        """
        import pyarrow as pa

        columns = []
        for field in self._arrow:
            if field.name not in self._casts:
                columns.append(pa.nulls(batch.num_rows, field.type))
                continue
            source, cast = self._casts[field.name]
            columns.append(cast(batch.column(source), self._rows + 1))
        self._rows += batch.num_rows
        return pa.RecordBatch.from_arrays(columns, schema=self._arrow)

    def _factor(self, column: Column, source: str, said: str | None, kind: pa.DataType) -> Conversion:
        import pyarrow as pa

        if column.is_text or pa.types.is_null(kind) or pa.types.is_temporal(kind):
            return Conversion(1.0)
        if says_no_unit(said):
            if column.unit:
                self._missing_units.append(column.name)
            return Conversion(1.0)
        try:
            factor = conversion(said, column.unit)
        except ValueError as error:
            message = f"column {source!r}: {error}; if the file is wrong about it, say which unit it is in"
            raise FormatError(message) from error
        if not factor.is_identity:
            self._notes.append(f"{source}: converted from {said} to {column.unit}")
        return factor

    def _tell(self, found: Mapping[str, str], there: Sequence[str]) -> None:
        renamed = [f"{source} -> {name}" for name, source in found.items() if source != name]
        missing = [name for name in self.wanted.names if name not in found]
        extra = [name for name in there if name not in self.used]
        identity = self.wanted.role("identity")
        if identity is not None and identity.name in missing:
            self._notes.append(f"the file lacks {identity.name}, by which the service tells its rows apart")
        for what, names in (
            ("taken for columns of the service whose names differ in case", renamed),
            ("columns of the service that the file lacks, NULL in all rows", missing),
            ("columns of the file that the service does not have, left out", extra),
            ("no unit in the file, so it is taken to be the service's", self._missing_units),
        ):
            if names:
                self._notes.append(f"{what}: {listed(names)}")


def matches(wanted: Sequence[str], there: Sequence[str]) -> dict[str, str]:
    """Find the columns of a service among those of a file: name in the service -> name in the file."""
    found = {name: name for name in wanted if name in there}
    free = [name for name in there if name not in found]
    for name in wanted:
        if name in found:
            continue
        alike = [other for other in free if other.lower() == name.lower()]
        rivals = [other for other in wanted if other not in found and other.lower() == name.lower()]
        if len(alike) == 1 and rivals == [name]:
            found[name] = alike[0]
            free.remove(alike[0])
    return {name: found[name] for name in wanted if name in found}
