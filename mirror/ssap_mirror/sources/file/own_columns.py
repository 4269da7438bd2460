"""The columns of a file as those of a mirror: what a VOTable can describe, and where the rows are on the sky."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ssap_mirror.core.quantities.positions import Place, Positions, find_positions
from ssap_mirror.core.schema import HEALPIX_COLUMN, UNLISTED, Column, Schema
from ssap_mirror.core.units import Conversion
from ssap_mirror.errors import FormatError, ParameterError
from ssap_mirror.sources.file.casts import cast_to
from ssap_mirror.tables.table import Table, listed

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["OwnColumns", "own_columns"]

_POSITIONS, _UNITS = "positions", "units"
_MOST_OF_LONG = 2**63 - 1


@dataclass(frozen=True)
class OwnColumns:
    """What a mirror of a file has."""

    columns: Schema
    """Columns of the file that are kept, under their names."""
    place: Place | None
    """Where the rows are; None if the file has no positions, or the mirror finds them by itself."""
    derived: tuple[Column, ...] = ()
    """Right ascension and declination [deg, ICRS], where no two columns of the file are just that."""
    notes: tuple[str, ...] = ()
    """What one might want to know, one sentence each."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Role -> column, for ``ra`` and ``dec``."""

    @property
    def schema(self) -> Schema:
        """All columns of the mirror, with their roles."""
        return Schema((*self.columns, *self.derived), dict(self.roles))

    def add_derived(self, given: pa.RecordBatch, kept: pa.RecordBatch) -> pa.RecordBatch:
        """Rows with the derived columns behind them.

        Parameters
        ----------
        given : pyarrow.RecordBatch
            Rows of the file.
        kept : pyarrow.RecordBatch
            The same in the columns that are kept.
        """
        import pyarrow as pa

        if self.place is None or not self.derived:
            return kept
        axes = [pa.array(values, from_pandas=True) for values in self.place.icrs(given)]
        schema = pa.schema([*kept.schema, *(column.arrow_field() for column in self.derived)])
        return pa.RecordBatch.from_arrays([*kept.columns, *axes], schema=schema)


def own_columns(table: Table, units: Mapping[str, str], said: Positions | None) -> OwnColumns:
    """Choose the columns of a mirror of a file.

    Parameters
    ----------
    table : Table
        The file. It is read where its values have to tell what a column can be.
    units : mapping of str to str
        Units of its columns, where the file is silent or wrong.
    said : Positions, optional
        Which columns are its positions, where UCDs and usual names do not tell.

    Raises
    ------
    ParameterError
        If what is said is not in the file, or can be no position.
    FormatError
        If it is damaged, or no column can be kept.
    """
    for name in units:
        if name not in table.types.names:
            raise ParameterError(_UNITS, name, "is no column of the file")
    measured = _measured(table)
    kept: list[Column] = []
    notes: list[str] = []
    for column, item in zip(table.columns, table.types, strict=True):
        if column.is_hidden:  # of a file of a mirror: the new mirror works them out for itself
            continue
        column = replace(measured.get(column.name, column), unit=units.get(column.name, column.unit))
        reason = _refusal(column, item.type)
        if reason is None:
            kept.append(column)
        else:
            notes.append(f"left out: column {column.name!r} {reason}")
    if not kept:
        message = "no column of it can be kept"
        raise FormatError(message)
    as_text = [name for name, column in measured.items() if column.datatype == "char" and not column.shape]
    if as_text:
        notes.append(f"kept as text, for it has numbers beyond 2**63: {listed(as_text)}")
    decimals = [item.name for item in table.types if str(item.type).startswith("decimal")]
    if decimals:
        notes.append(f"decimal numbers, kept in double precision: {listed(decimals)}")
    schema = Schema(tuple(kept))
    place = _place(table, schema, units, said, notes)
    if place is None:
        return OwnColumns(schema, None, notes=tuple(notes))
    if place.is_degrees:
        spelled = [replace(column, unit=place.unit_of(column.name, column.unit)) for column in kept]
        roles = dict(zip(("ra", "dec"), place.columns, strict=True))
        return OwnColumns(Schema(tuple(spelled)), place, notes=tuple(notes), roles=roles)
    derived = tuple(_derived(axis, place, schema) for axis in ("ra", "dec"))
    roles = {axis: column.name for axis, column in zip(("ra", "dec"), derived, strict=True)}
    return OwnColumns(schema, place, derived, tuple(notes), roles)


def _measured(table: Table) -> dict[str, Column]:
    """Columns whose values have to tell what they can be: unsigned integers of 64 bit, and lists of text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    large = [item.name for item in table.types if pa.types.is_uint64(item.type)]
    lists = [
        item.name
        for item, column in zip(table.types, table.columns, strict=True)
        if _is_list_of_text(item.type) and not column.shape
    ]
    if not large and not lists:
        return {}
    most = dict.fromkeys(large, 0)
    width = dict.fromkeys(lists, 1)
    for batch in table.batches([*large, *lists]):
        for name in large:
            most[name] = max(most[name], pc.max(batch.column(name)).as_py() or 0)
        for name in lists:
            lengths = pc.utf8_length(batch.column(name).flatten())
            width[name] = max(width[name], pc.max(lengths).as_py() or 1)
    found = {
        name: replace(table.columns[name], datatype="char", arraysize="*")
        for name in large
        if most[name] > _MOST_OF_LONG
    }
    for name in lists:
        kind = table.types.field(name).type
        size = kind.list_size if pa.types.is_fixed_size_list(kind) else "*"
        found[name] = replace(table.columns[name], datatype="unicodeChar", arraysize=f"{width[name]}x{size}")
    return found


def _is_list_of_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(lists and (pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)))


def _refusal(column: Column, kind: pa.DataType) -> str | None:
    """Why a mirror cannot have a column; None if it can."""
    if column.name == HEALPIX_COLUMN:
        return "has the name of the spatial index, which the mirror makes for itself"
    try:
        cast_to(column, kind, Conversion(1.0), set())
    except FormatError:
        return f"is {kind}, which a mirror has no type for"
    return None


def _place(
    table: Table, schema: Schema, units: Mapping[str, str], said: Positions | None, notes: list[str]
) -> Place | None:
    """Where the rows are; None if that is left to the mirror, or nowhere, which is noted."""
    said = replace(said or Positions(), units=units)
    place = find_positions(table.types, said, parameter=_POSITIONS)
    if "location" in schema.roles and said.ra is None and (place is None or not place.is_numbers):
        return None
    if place is None:
        notes.append("it has no positions by UCD or usual name, so all rows are unplaced: say which columns they are")
    elif (words := place.words()) is not None:
        notes.append(words)
    return place


def _derived(axis: str, place: Place, schema: Schema) -> Column:
    name = f"s_{axis}"
    taken = {known.lower() for known in schema.names}
    while name in taken:
        name += "_target"
    label = "right ascension" if axis == "ra" else "declination"
    return Column(
        name=name,
        datatype="double",
        unit="deg",
        ucd=f"pos.eq.{axis}",
        description=f"ICRS {label}, derived by the mirror from {' and '.join(place.columns)}",
        verbosity=UNLISTED,
        frame="ICRS",
    )
