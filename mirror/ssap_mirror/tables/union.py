"""Several files as one table: the columns of all of them, in the units of the first that has each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.core.units import Conversion, conversion
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.table import Ending, Table, arrow_errors

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["common_columns", "union", "united"]

#: Column -> factor to the unit that the whole table has it in.
Factors = Mapping[str, Conversion]


def union(tables: Sequence[Table]) -> Table:
    """Put the tables of several files below each other.

    Where a unit differs from that of the first table that has the column, values are converted to it; where a table
    lacks a column, they are NULL. A column of which a table has no value takes the type that others have.

    Parameters
    ----------
    tables : sequence of Table
        Each of one file.

    Raises
    ------
    FormatError
        If they cannot be one table.
    """
    types, factors = common_columns([(table.files[0], _told(table)) for table in tables])
    ending = Ending()

    def read(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        schema = _schema(types, names)
        for table, own in zip(tables, factors, strict=True):
            for batch in table.read([name for name in names if name in table.types.names]):
                yield united(batch, schema, own)
            _take_ending(ending, table)

    for table in tables:
        _take_ending(ending, table)
    known = [table.rows for table in tables if table.rows is not None]
    return Table(
        " and ".join(dict.fromkeys(table.kind for table in tables)),
        types,
        read,
        rows=sum(known) if len(known) == len(tables) else None,
        files=tuple(file for table in tables for file in table.files),
        opening_notes=tuple(f"{table.files[0].name}: {note}" for table in tables for note in table.opening_notes),
        ending=ending,
    )


def common_columns(files: Sequence[tuple[Path, pa.Schema]]) -> tuple[pa.Schema, list[Factors]]:
    """Columns of all files, with what the first that has one says of it, and what makes the values of each file fit.

    Parameters
    ----------
    files : sequence of (pathlib.Path, pyarrow.Schema)
        Each file and its columns, with units in the fields' metadata; a column without values may be of type null.

    Returns
    -------
    pyarrow.Schema
        The columns of the whole table.
    list of mapping of str to Conversion
        For each file, factors for the columns that it has in other units.

    Raises
    ------
    FormatError
        If columns of one name have types, or units, that do not go together.
    """
    import pyarrow as pa

    bare = [pa.schema([item.remove_metadata() for item in types]) for _, types in files]
    try:
        unified = pa.unify_schemas(bare, promote_options="permissive")
    except pa.ArrowException as error:
        message = f"the files cannot be one table: {' '.join(str(error).split())}"
        raise FormatError(message) from error
    fields = []
    for item in unified:
        owner = next(types for _, types in files if item.name in types.names)
        fields.append(item.with_metadata(owner.field(item.name).metadata))
    factors = [_factors(path, types, pa.schema(fields)) for path, types in files]
    changed = {name for own in factors for name in own}
    for number, item in enumerate(fields):
        if item.name in changed and pa.types.is_integer(item.type):
            fields[number] = item.with_type(pa.float64())
        elif pa.types.is_null(item.type):
            fields[number] = item.with_type(pa.string())
    return pa.schema(fields), factors


def united(batch: pa.RecordBatch, wanted: pa.Schema, factors: Factors) -> pa.RecordBatch:
    """Rows of one file as rows of the whole table.

    Raises
    ------
    FormatError
        If a value does not fit.
    """
    import pyarrow as pa

    columns = []
    with arrow_errors():
        for item in wanted:
            if item.name not in batch.schema.names:
                columns.append(pa.nulls(batch.num_rows, item.type))
                continue
            values = batch.column(item.name)
            if item.name in factors:
                numbers: NDArray[np.float64] = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
                mask = values.is_null().to_numpy(zero_copy_only=False)
                values = pa.array(factors[item.name].apply(numbers), mask=mask)
            columns.append(values if values.type == item.type else values.cast(item.type))
    return pa.RecordBatch.from_arrays(columns, schema=wanted)


def _factors(path: Path, types: pa.Schema, wanted: pa.Schema) -> Factors:
    """Factors for the columns of a file that are in other units than the table's."""
    import pyarrow as pa

    found = {}
    for item in types:
        if pa.types.is_null(item.type):
            continue
        try:
            factor = conversion(_unit(item), _unit(wanted.field(item.name)))
        except ValueError as error:
            message = f"{path}: column {item.name!r}: {error}; the other files have that unit"
            raise FormatError(message) from error
        if not factor.is_identity:
            found[item.name] = factor
    return found


def _unit(item: pa.Field) -> str:
    return str((item.metadata or {}).get(b"unit", b"").decode())


def _told(table: Table) -> pa.Schema:
    """Columns of a table; those without a value are of no type."""
    import pyarrow as pa

    return pa.schema([item.with_type(pa.null()) if item.name in table.blank else item for item in table.types])


def _schema(types: pa.Schema, names: Sequence[str]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([types.field(name) for name in names])


def _take_ending(ending: Ending, table: Table) -> None:
    ending.truncated = ending.truncated or table.truncated
    for note in table.ending.notes:
        ending.note(f"{table.files[0].name}: {note}")
