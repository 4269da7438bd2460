"""A list of positions to search around, each with its number and perhaps its name: an array, or any table."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import ParameterError

from ssap_query.engine.engine import Engine
from ssap_query.mirror.answer import ColumnNames, ParsedRequest, PlannedRequest, Request, plan_request, read_request
from ssap_query.mirror.result import ResultSet
from ssap_query.ssap.request import SsapRequest, parse
from ssap_query.ssap.values.python_text import position_text

if TYPE_CHECKING:
    import pyarrow as pa
    from ssap_mirror.core.quantities.positions import Positions
    from ssap_mirror.tables import Table

__all__ = ["ConeList", "answer", "around", "cones_in", "read_cones"]

Plan = Callable[[Engine, ParsedRequest], PlannedRequest]

_POS = "POS"
# What catalogues call the column of their objects' names, the most telling first.
_NAMES = ("name", "main_id", "object", "objname", "object_name", "target", "target_name", "targname", "designation",
          "source_id", "star", "id", "obj_id", "objid", "source", "identifier")  # fmt: skip
_MAIN_ID = "meta.id;meta.main"


@dataclass(frozen=True)
class ConeList:
    """Positions to search around."""

    positions: str
    """All of them, as POS has them: ICRS [deg]."""
    numbers: pa.Array
    """Number of each in its list, from 0; int64, shape (n,)."""
    names: pa.Array | None = None
    """Name of each, shape (n,); None where the list has no names."""
    name_column: Column | None = None
    """What is known of the names."""
    notes: tuple[str, ...] = ()
    """What a person should know of the list, a sentence each."""

    def columns(self, schema: Schema) -> tuple[Column, ...]:
        """Columns of a result that tell which cone a row lies in, under names that a mirror does not have.

        Parameters
        ----------
        schema : Schema
            Columns of the mirror.
        """
        number = Column("cone", "long", verbosity=1, description="Number of the row's cone in the list, from 0")
        found = [number]
        if self.name_column is not None:
            known = self.name_column.description
            told = f"Name of the row's cone ({self.name_column.name} of the list)" + (f": {known}" if known else "")
            found.append(replace(self.name_column, name="cone_name", ucd="meta.id", utype=None, verbosity=1,
                                 description=told, source_name=None))  # fmt: skip
        return tuple(replace(column, name=_free(column.name, schema)) for column in found)


def _free(name: str, schema: Schema) -> str:
    taken = {known.lower() for known in schema.names}
    return next(free for free in (name, *(f"{name}_{n}" for n in range(2, len(taken) + 3))) if free not in taken)


def cones_in(pos: Any) -> ConeList | None:
    """Read what a search is given as its position: a list of cones, or None for one position, or text.

    Parameters
    ----------
    pos : path, table, array of shape (N, 2), sequence of pairs, SkyCoord, or anything else
        A path or a table with columns is read as `read_cones` reads it.

    Raises
    ------
    ParameterError
        If it holds no position.
    """
    if pos is None or isinstance(pos, str):
        return None
    if isinstance(pos, os.PathLike) or _has_columns(pos):
        return read_cones(pos)
    if hasattr(pos, "icrs"):
        several = not pos.isscalar
    else:
        first = next(iter(pos), None) if hasattr(pos, "__iter__") and getattr(pos, "ndim", None) != 0 else None
        several = hasattr(first, "icrs") or (hasattr(first, "__len__") and not isinstance(first, str))
    if not several:
        return None
    import pyarrow as pa

    text = position_text(_POS.lower(), pos)
    return ConeList(text, pa.array(range((text.count(",") + 1) // 2), pa.int64()))


def _has_columns(value: Any) -> bool:
    # Columns of astropy, of pandas and polars, of whatever speaks Arrow, and of a structured array.
    telling = ("colnames", "columns", "__arrow_c_stream__", "column_names")
    named = getattr(getattr(value, "dtype", None), "names", None)
    return named is not None or (not hasattr(value, "icrs") and any(hasattr(value, name) for name in telling))


def read_cones(source: Any, positions: Positions | None = None) -> ConeList:
    """Read a table of positions.

    Parameters
    ----------
    source : path, or table in memory
        Whatever `ssap_mirror.tables.open_table` takes.
    positions : Positions, optional
        Which columns they are, and their frame, where UCDs and usual names do not tell.

    Returns
    -------
    ConeList
        The rows that have a position, with their numbers in the table, and their names where a column is plainly that.

    Raises
    ------
    ParameterError
        If it is no table, or has no positions.
    SourceError, FormatError
        If a file cannot be read.
    """
    import numpy as np
    import pyarrow as pa
    from ssap_mirror.core.quantities.positions import Positions, checked, find_positions
    from ssap_mirror.tables import open_table

    parameter = "cones"
    table = open_table(source, parameter=parameter)
    said = checked(table.types, positions or Positions(), parameter)
    place = find_positions(table.types, said, parameter=parameter)
    if place is None:
        reason = "has no columns that are positions by UCD (pos.eq.ra;meta.main) or usual name"
        raise ParameterError(parameter, ", ".join(table.types.names), reason)
    name = _name_column(table)
    wanted = list(dict.fromkeys([*place.columns, *([] if name is None else [name])]))
    ra, dec, names = [np.empty(0)], [np.empty(0)], []
    for batch in table.batches(wanted):
        for parts, values in zip((ra, dec), place.icrs(batch), strict=True):
            parts.append(values)
        names += [] if name is None else [batch.column(name)]
    at = np.stack([np.concatenate(ra), np.concatenate(dec)], axis=1)
    known = np.flatnonzero(np.isfinite(at).all(axis=1) & (np.abs(at[:, 1]) <= 90))
    if not len(known):
        raise ParameterError(parameter, ", ".join(place.columns), f"gives none of {len(at):,} rows a position")
    text = ",".join(f"{a!r},{d!r}" for a, d in at[known].tolist())
    lost = len(at) - len(known)
    words = place.words()
    notes = [f"list of cones: {note}" for note in (*table.notes, *([] if words is None else [words]))]
    notes += [f"{lost:,} of {len(at):,} rows of the list have no position"] if lost else []
    numbers = pa.array(known, pa.int64())
    if name is None:
        return ConeList(text, numbers, notes=tuple(notes))
    named = pa.chunked_array(names, table.types.field(name).type).combine_chunks().take(numbers)
    return ConeList(text, numbers, named, table.columns[name], tuple(notes))


def _name_column(table: Table) -> str | None:
    """Column of the names of a table's objects, by UCD or usual name."""
    for column in table.columns:
        if (column.ucd or "").replace(" ", "").lower().startswith(_MAIN_ID) and not column.shape:
            return column.name
    spelled = {column.name.lower(): column.name for column in reversed(table.columns.columns) if not column.shape}
    return next((spelled[name] for name in _NAMES if name in spelled), None)


def around(request: Request, dialect: str | None, cones: ConeList) -> SsapRequest:
    """Put the positions of a list into a request.

    Parameters
    ----------
    request : str, bytes, iterable of (str, object), or SsapRequest
        The request.
    dialect : {'ivoa', 'dachs'}, optional
        As in `ssap_query.mirror.answer.read_request`.
    cones : ConeList
        The list.

    Raises
    ------
    ParameterError
        If the request has a position of its own.
    """
    parsed = parse(request, dialect)
    if _POS in parsed.values:
        raise ParameterError(
            _POS, parsed.values[_POS], "is given beside a list of positions; only one of them can hold"
        )
    return parsed.with_default(_POS, cones.positions)


def answer(
    engine: Engine, request: Request, dialect: str | None = None, columns: ColumnNames = None,
    cones: ConeList | None = None, *, ignore_unanswerable: bool = False, plan: Plan = plan_request,
) -> ResultSet:  # fmt: skip
    """Answer a request.

    Parameters
    ----------
    engine : Engine
        The open snapshot.
    request, dialect, columns, ignore_unanswerable
        As `ssap_query.mirror.answer.read_request` has them.
    cones : ConeList, optional
        Positions in place of POS.
    plan : callable
        Chooses how the rows are found.

    Raises
    ------
    CatalogError
        If the snapshot cannot be read.
    ParameterError
        For a bad value, or a constraint that cannot be tested; if the cones of a list overlap so much that there are
        tens of millions of rows.
    """
    whole = request if cones is None else around(request, dialect, cones)
    parsed = read_request(engine.catalog.schema, whole, dialect, columns, ignore_unanswerable=ignore_unanswerable)
    return plan(engine, parsed).result() if cones is None else _search_cones(engine, parsed, cones, plan)


def _search_cones(engine: Engine, parsed: ParsedRequest, cones: ConeList, plan: Plan) -> ResultSet:
    """Find the rows in each cone of a list: a row that lies in two cones comes twice."""
    import numpy as np

    from ssap_query.engine.cones.rows_by_cone import rows_by_cone

    schema, region = engine.catalog.schema, parsed.query.region
    if region is None or not parsed.query.selects_rows:
        return plan(engine, parsed).result()
    told = cones.columns(schema)
    shown = parsed.columns
    position = [schema.roles[role] for role in region.position.roles]
    needed = schema.select([*shown.names, *(name for name in position if name not in shown)])
    result = plan(engine, replace(parsed, columns=needed)).result()
    columns = Schema((*told, *shown.columns), shown.roles)
    added = [cones.numbers, *([] if cones.names is None else [cones.names])]
    arrow = columns.arrow_schema()
    for number, values in enumerate(added):
        arrow = arrow.set(number, arrow.field(number).with_type(values.type))
    rows = rows_by_cone(engine.session, result.rows, region, position, arrow, added)
    limit = parsed.query.limit
    cut = limit is not None and len(rows) > limit
    notes = [*result.notes, *cones.notes]
    if not result.truncated:
        empty = len(cones.numbers) - len(np.unique(rows.position))
        notes += [f"{empty:,} of {len(cones.numbers):,} cones hold no row"] if empty else []
    return replace(
        result,
        schema=columns,
        rows=rows.first(limit) if cut and limit is not None else rows,
        truncated=result.truncated or cut,
        notes=tuple(notes),
        arrow_types=arrow,
    )
