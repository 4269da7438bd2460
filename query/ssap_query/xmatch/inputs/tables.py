"""Any table as a DuckDB view whose rows are numbered, and where they are on the sky."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from string import Template
from typing import TYPE_CHECKING, Any

import duckdb
from ssap_mirror import tables
from ssap_mirror.core.quantities.positions import Axis, Place, Positions, checked, find_positions
from ssap_mirror.core.schema import HEALPIX_COLUMN, Schema
from ssap_mirror.errors import FormatError, ParameterError

from ssap_query.ssap.predicate import quoted
from ssap_query.xmatch.session import converted, one_line

if TYPE_CHECKING:
    import pyarrow as pa

    from ssap_query.xmatch.session import MatchSession

__all__ = ["FILE", "FILE_SHIFT", "NUMBER", "ROW", "Side", "Table", "TableLike", "every_row", "open_table"]

_OWN = "_xm_"
#: Columns of the view ``<side>_rows`` that number its rows: a file and a row of that file, both from 0.
FILE, ROW = f"{_OWN}file", f"{_OWN}row"
#: SQL expression for a row's number, one integer that is unique and in the table's order.
FILE_SHIFT = 40
NUMBER = f"({FILE}::BIGINT << {FILE_SHIFT}) + {ROW}"

#: What `open_table` takes.
TableLike = Any

# ICRS positions [deg] of a table that has them in another form
_RA, _DEC = f"{_OWN}ra", f"{_OWN}dec"
_VIRTUAL = ("file_index", "file_row_number")
_PARQUET = Template(
    "SELECT $columns, file_index AS $file, file_row_number AS $row FROM read_parquet("
    "?, union_by_name = ?, hive_partitioning = false, can_have_nan = true)"
)
_BATCH_ROWS = 122_880
_FORMAT_ERRORS = (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException, duckdb.BinderException)


@dataclass(frozen=True)
class Side:
    """Rows that a query selects, as the engine hands its own side of a match."""

    sql: str
    """``SELECT`` with the columns of `schema`; with ``file_index`` and ``file_row_number`` of ``read_parquet`` too, the
    rows are read where they lie, else they are copied once."""
    values: tuple[object, ...]
    """What is bound to the ``?`` in `sql`."""
    schema: Schema
    """What is known of the columns; its roles ``ra``, ``dec`` and ``t_mid`` are where the rows are, and when."""


@dataclass(frozen=True)
class Table:
    """One side of a match: the view ``<side>_rows`` and what is known of it."""

    side: str
    """``left`` or ``right``."""
    schema: pa.Schema
    """Columns in order, without the internal ones, with metadata (unit, ucd, description)."""
    positions: Positions
    """What is said of its positions, motions and dates."""
    place: Place
    """Where its rows are."""
    epoch: str | None = None
    """Column of the rows' dates, where the owner of the table has chosen it."""
    table_notes: tuple[str, ...] = field(default=())
    """What a reader of the match should know of the table."""

    @property
    def axes(self) -> dict[str, str]:
        """SQL expressions of ``ra`` and ``dec`` [deg, ICRS]."""
        if not self.place.is_numbers:
            return {"ra": _RA, "dec": _DEC}
        axes = (self.place.longitude, self.place.latitude)
        return {
            role: converted(f"{quoted(axis.column)}::DOUBLE", axis.conversion)
            for role, axis in zip(("ra", "dec"), axes, strict=True)
            if isinstance(axis, Axis)
        }

    @property
    def notes(self) -> list[str]:
        """What a reader of the match should know of the table, and of how its positions are read."""
        words = self.place.words()
        found = [*self.table_notes, *([] if words is None else [words])]
        if self.place.longitude.is_single:
            found.append("positions are in single precision: up to 0.06 arcsec off")
        return [f"{self.side} table: {note}" for note in found]


def open_table(
    session: MatchSession, source: TableLike, side: str, said: Positions | None = None, where: str | None = None
) -> Table:
    """Make a table readable as the view ``<side>_rows``.

    Parameters
    ----------
    session : MatchSession
        Where the view is made.
    source : Side, or what `ssap_mirror.tables.open_table` takes
        The table.
    side : str
        ``"left"`` or ``"right"``.
    said : Positions, optional
        Which columns are its positions, where the table's owner, UCDs and usual names do not tell.
    where : str, optional
        SQL condition on the rows.

    Raises
    ------
    ParameterError
        If it is not a table, has no positions, or the condition is none.
    SourceError, FormatError, CatalogError
        If a file is not there, or is not what it claims to be.
    """
    made = _opened(session, source, side, said or Positions())
    if where is not None:
        _keep_only(session, made, where)
    return made


def every_row(session: MatchSession, side: str) -> str:
    """Name the view of all rows of a table, those among them that its condition leaves out."""
    unfiltered = f"{side}_every_row"
    (there,) = session.row("SELECT count(*) FROM duckdb_views() WHERE view_name = ?", [unfiltered])
    return unfiltered if there else f"{side}_rows"


def _opened(session: MatchSession, source: TableLike, side: str, said: Positions) -> Table:
    if isinstance(source, Side):
        return _from_query(session, source, side, said)
    return _from_table(session, tables.open_table(source, batch_rows=_BATCH_ROWS, parameter=side), side, said)


def _keep_only(session: MatchSession, table: Table, where: str) -> None:
    """Take the rows of a view that fulfil a condition; they keep their numbers."""
    side = table.side
    session.run(f"ALTER VIEW {side}_rows RENAME TO {side}_every_row")
    try:
        session.connection.view(f"{side}_every_row").filter(where).create_view(f"{side}_rows")
    except (duckdb.ProgrammingError, duckdb.NotSupportedError) as error:
        parameter = f"{side}_where"
        renamed = [f"; {note}" for note in table.table_notes if "differ in case" in note]
        reason = f"is no condition on the table's rows: {one_line(error)}{''.join(renamed)}"
        raise ParameterError(parameter, where, reason) from error


def _found_place(
    types: pa.Schema, said: Positions, side: str, roles: Mapping[str, str] | None = None
) -> tuple[Positions, Place]:
    """Say which columns are meant, and find those of the positions."""
    parameter = f"{side}_positions"
    said = checked(types, said, parameter)
    place = find_positions(types, said, roles=roles, parameter=parameter)
    if place is None:
        reason = "has no columns that are positions by UCD (pos.eq.ra;meta.main) or usual name: say which they are"
        raise ParameterError(parameter, types.names, reason)
    return said, place


def _from_query(session: MatchSession, source: Side, side: str, said: Positions) -> Table:
    roles = source.schema.roles
    types = source.schema.arrow_schema()
    said, place = _found_place(types, said, side, roles)
    relation = session.connection.sql(source.sql, params=list(source.values))
    if all(name in relation.columns for name in _VIRTUAL):
        # Under their own type and name DuckDB uses both to skip files and row groups.
        renamed = f"* EXCLUDE (file_index, file_row_number), file_index AS {FILE}, file_row_number AS {ROW}"
        relation.project(renamed).create_view(f"{side}_rows")
    else:
        _copy_stream(session, _batches_of(relation), side, None)
    schema = _schema_of(session, side, types)
    return Table(side, schema, said, place, roles.get("t_mid"))


def _batches_of(relation: duckdb.DuckDBPyRelation) -> Iterator[pa.RecordBatch]:
    # Held whole, for a connection does one thing at a time.
    yield from relation.to_arrow_table().to_batches(_BATCH_ROWS)


def _from_table(session: MatchSession, table: tables.Table, side: str, said: Positions) -> Table:
    own = next((name for name in table.types.names if name.lower().startswith(_OWN)), None)
    if own is not None:
        raise ParameterError(side, own, "is a column of the table, and a name that the cross-match needs")
    said, place = _found_place(table.types, said, side)
    in_place = table.plain_parquet and place.is_numbers
    if in_place and not any(name in table.types.names for name in _VIRTUAL):
        _view_of_parquet(session, table, side)
    elif table.in_memory is not None:
        _register(session, table.in_memory, side, place)
    else:
        _copy_stream(session, table.batches(), side, place, table.types)
    if not place.is_numbers:
        _refuse_no_angles(session, side, place)
    return Table(side, _schema_of(session, side, _spelled(table.types, place)), said, place, table_notes=table.notes)


def _spelled(types: pa.Schema, place: Place) -> pa.Schema:
    """Columns with the units of the positions spelled as a mirror of the table has them."""
    for number, item in enumerate(types):
        metadata = item.metadata or {}
        unit = place.unit_of(item.name, metadata.get(b"unit", b"").decode())
        if unit and item.name in place.columns:
            types = types.set(number, item.with_metadata({**metadata, b"unit": unit.encode()}))
    return types


def _refuse_no_angles(session: MatchSession, side: str, place: Place) -> None:
    """Refuse text none of which is an angle: other words than positions were taken for them."""
    firsts = [axis.columns[0] for axis in (place.longitude, place.latitude)]
    given = " AND ".join(f"{quoted(column)} IS NOT NULL" for column in firsts)
    view = session.connection.view(f"{side}_rows")
    rows, placed = view.aggregate(f"count_if({given}), count_if(isfinite({_RA}) AND isfinite({_DEC}))").fetchall()[0]
    if rows and not placed:
        parameter = f"{side}_positions"
        reason = "hold no angles: neither numbers nor hours or degrees, minutes and seconds"
        raise ParameterError(parameter, list(place.columns), reason)


def _view_of_parquet(session: MatchSession, table: tables.Table, side: str) -> None:
    names = [str(path) for path in table.files]
    columns = ", ".join(quoted(name) for name in table.types.names)
    # The columns of a catalogue's files are those of the first; of others each is looked at.
    values = [names, table.rows is not None and len(names) > 1]
    try:
        relation = session.connection.sql(_PARQUET.substitute(columns=columns, file=FILE, row=ROW), params=values)
        relation.create_view(f"{side}_rows")
    except _FORMAT_ERRORS as error:
        message = (
            f"{names[0] if len(names) == 1 else f'one of {len(names)} Parquet files'} cannot be read: {one_line(error)}"
        )
        raise FormatError(message) from error


def _register(session: MatchSession, table: pa.Table, side: str, place: Place) -> None:
    """Let DuckDB read a table where it is in memory."""
    import pyarrow as pa

    # Threads share a table by its batches: one great chunk would be read by one of them.
    batches = list(_numbered(iter(table.to_batches(max_chunksize=_BATCH_ROWS)), place))
    empty = [] if batches else list(_numbered(iter([pa.RecordBatch.from_pylist([], schema=table.schema)]), place))
    session.connection.register(f"{side}_data", pa.Table.from_batches(batches or empty))
    session.connection.table(f"{side}_data").project(f"*, 0::UBIGINT AS {FILE}").create_view(f"{side}_rows")


def _copy_stream(
    session: MatchSession,
    batches: Iterator[pa.RecordBatch],
    side: str,
    place: Place | None,
    types: pa.Schema | None = None,
) -> None:
    """Copy batch by batch: an error of the stream then comes out as it is, not as one of DuckDB's."""
    import pyarrow as pa

    connection, name = session.connection, f"{side}_data"
    if types is not None:
        first = next(_numbered(iter([pa.RecordBatch.from_pylist([], schema=types)]), place))
        connection.register("arriving", pa.Table.from_batches([first]))
        connection.table("arriving").to_table(name)
    for batch in _numbered(batches, place):
        connection.register("arriving", pa.Table.from_batches([batch]))
        if types is None:
            types = batch.schema
            connection.table("arriving").to_table(name)
        else:
            connection.table("arriving").insert_into(name)
    connection.unregister("arriving")
    connection.table(name).project(f"*, 0::UBIGINT AS {FILE}").create_view(f"{side}_rows")


def _numbered(batches: Iterator[pa.RecordBatch], place: Place | None) -> Iterator[pa.RecordBatch]:
    """Rows with their numbers, and with positions where these are not numbers in ICRS."""
    import numpy as np
    import pyarrow as pa

    start = 0
    for batch in batches:
        numbers = pa.array(np.arange(start, start + batch.num_rows, dtype=np.int64))
        added = {ROW: numbers}
        if place is not None and not place.is_numbers:
            ra, dec = place.icrs(batch)
            added |= {_RA: pa.array(ra), _DEC: pa.array(dec)}
        start += batch.num_rows
        arrays, names = [*batch.columns, *added.values()], [*batch.schema.names, *added]
        yield pa.RecordBatch.from_arrays(arrays, names=names)


def _schema_of(session: MatchSession, side: str, types: pa.Schema) -> pa.Schema:
    """Columns of the view as DuckDB has them, with what is known of them; the spatial index is none of them."""
    import pyarrow as pa

    found = session.connection.view(f"{side}_rows").limit(0).to_arrow_table().schema
    names = [name for name in types.names if name != HEALPIX_COLUMN]
    return pa.schema([found.field(name).with_metadata(types.field(name).metadata) for name in names])
