"""A result put in order: sorted, one row for each object, the first rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import ParameterError

from ssap_query.engine.rows import InMemoryRows
from ssap_query.mirror.answer import ColumnNames, read_request, unknown_column
from ssap_query.mirror.interfaces.cones import ConeList, around
from ssap_query.mirror.result import ResultSet
from ssap_query.ssap.request import SsapRequest

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Arrangement", "arrange", "ask"]

# Words for what an object is known by -> roles of the columns that say it.
_OBJECTS = {"target": ("target_name",), "position": ("ra", "dec")}
_SORT, _PER, _BEST, _LIMIT = "sort", "per", "best", "limit"
# Names that no column of a service has.
_RANK, _ROW = " rank", " row"


class Answering(Protocol):
    """What can be asked: a mirror."""

    @property
    def schema(self) -> Schema:
        """Its columns."""

    def ssap(
        self, request: SsapRequest, *, columns: ColumnNames = None, ignore_unanswerable: bool = False,
        cones: ConeList | None = None,
    ) -> ResultSet:  # fmt: skip
        """Answer a request, as `ssap_query.Mirror.ssap` does."""


@dataclass(frozen=True)
class Arrangement:
    """How the rows of a result are put in order."""

    sort: tuple[str, ...] = ()
    """Columns to sort by, with a minus in front from the largest down; what is missing comes last."""
    per: str | None = None
    """One row for each value of a column, each ``target`` or each ``position``; None: all rows."""
    best: str | None = None
    """Column whose largest value says which row that is (with a minus: the smallest); None: the first."""
    limit: int | None = None
    """Only so many rows; None is no limit."""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise ParameterError(_LIMIT, self.limit, "is less than none")

    def bound(self, request: SsapRequest) -> SsapRequest:
        """Ask for no more rows than the limit needs, where the first that are found are those that are wanted.

        Parameters
        ----------
        request : SsapRequest
            The request; a MAXREC of its own stays.
        """
        if self.limit is None or self.needs_all_rows:
            return request
        return request.with_default("MAXREC", str(self.limit + 1))  # one more tells whether there are more

    @property
    def needs_all_rows(self) -> bool:
        """Whether the first rows cannot be told before all have been found."""
        return bool(self.sort or self.per)

    def columns(self, schema: Schema) -> tuple[str, ...]:
        """Names of the columns that it looks at.

        Parameters
        ----------
        schema : Schema
            Columns of the mirror.

        Raises
        ------
        ParameterError
            If it names one that is not there, or `best` without `per`.
        """
        if self.best is not None and self.per is None:
            raise ParameterError(_BEST, self.best, "says which row of an object is kept, so `per` is wanted too")
        keys = [_column(schema, _SORT, key.lstrip("-")) for key in self.sort]
        best = [] if self.best is None else [_column(schema, _BEST, self.best.lstrip("-"))]
        return tuple(dict.fromkeys([*keys, *best, *self.objects(schema)]))

    def objects(self, schema: Schema) -> tuple[str, ...]:
        """Names of the columns whose values tell one object from another."""
        if self.per is None:
            return ()
        if self.per not in _OBJECTS:
            return (_column(schema, _PER, self.per),)
        roles = _OBJECTS[self.per]
        if not set(roles) <= set(schema.roles):
            raise ParameterError(_PER, self.per, "cannot be told: the mirror has no such column")
        return tuple(schema.roles[role] for role in roles)


def ask(
    mirror: Answering, request: SsapRequest, how: Arrangement, columns: ColumnNames = None,
    cones: ConeList | None = None, *, ignore_unanswerable: bool = False,
) -> ResultSet:  # fmt: skip
    """Answer a request with its rows put in order: what is shown is read, and what the order is told by.

    Parameters
    ----------
    mirror : Answering
        What is asked.
    request : SsapRequest
        The request.
    how : Arrangement
        What is to be done with its rows; it may go by the columns that tell of a row's cone.
    columns, cones, ignore_unanswerable
        As `Mirror.ssap` has them.

    Raises
    ------
    ParameterError
        For a bad value, or a column that is not there.
    CatalogError
        If the snapshot cannot be read.
    """
    if how == Arrangement():
        return mirror.ssap(request, columns=columns, ignore_unanswerable=ignore_unanswerable, cones=cones)
    request = how.bound(request)
    schema = mirror.schema
    whole = request if cones is None else around(request, None, cones)
    parsed = read_request(schema, whole, columns=columns, ignore_unanswerable=ignore_unanswerable)
    if not parsed.query.selects_rows:
        return mirror.ssap(request, columns=columns, ignore_unanswerable=ignore_unanswerable, cones=cones)
    told = () if cones is None else cones.columns(schema)
    known = Schema((*told, *schema), schema.roles)
    of_cones = [column.name for column in told]
    needed = [name for name in how.columns(known) if name not in of_cones]
    read = tuple(dict.fromkeys((*parsed.columns.names, *needed)))
    result = mirror.ssap(request, columns=read, ignore_unanswerable=ignore_unanswerable, cones=cones)
    return arrange(result, how, known, [*of_cones, *parsed.columns.names])


def arrange(result: ResultSet, how: Arrangement, schema: Schema, shown: Sequence[str]) -> ResultSet:
    """Put the rows of a result in order.

    Parameters
    ----------
    result : ResultSet
        With the columns that the arrangement looks at; all of it is in memory, if it has to be.
    how : Arrangement
        What is to be done.
    schema : Schema
        Columns of the mirror.
    shown : sequence of str
        Names of the columns to keep.

    Raises
    ------
    ParameterError
        If it names a column that is not there.
    """
    notes = list(result.notes)
    table = result.to_arrow()
    if how.per is not None:
        table, unknown = _one_per_object(table, how.objects(schema), how.best, schema)
        if unknown:
            notes.append(f"{unknown:,} rows do not tell which {how.per} they are of; all of them are kept")
    if how.sort:
        table = table.take(_order(table, [(_column(schema, _SORT, key.lstrip("-")), key) for key in how.sort]))
    is_cut = how.limit is not None and len(table) > how.limit
    if is_cut:
        notes.append(f"these are the first {how.limit:,} rows, as the limit says; more match")
        table = table.slice(0, how.limit)
    return replace(
        result,
        schema=result.schema.select(shown),
        rows=InMemoryRows(table.select(list(shown))),
        arrow_types=table.select(list(shown)).schema,
        truncated=result.truncated and not is_cut,
        notes=tuple(notes),
    )


def _one_per_object(table: pa.Table, objects: Sequence[str], best: str | None, schema: Schema) -> tuple[pa.Table, int]:
    """Rows of which no two are of one object, in the order of the table; and how many do not tell their object."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    order = np.arange(len(table))
    if best is not None:
        # The largest comes first, so the sign is the other way round than for sorting.
        key = best.removeprefix("-") if best.startswith("-") else f"-{best}"
        order = _order(table, [(_column(schema, _BEST, best.lstrip("-")), key)]).to_numpy()
    known = np.logical_and.reduce([pc.is_valid(table[name]).to_numpy() for name in objects])
    rank = np.empty(len(table), np.int64)
    rank[order] = np.arange(len(table))
    keys = table.select(list(objects)).append_column(_RANK, pa.array(rank)).filter(pa.array(known))
    firsts = keys.group_by(list(objects)).aggregate([(_RANK, "min")])[f"{_RANK}_min"].to_numpy()
    unknown = np.flatnonzero(~known)
    rows = np.sort(np.concatenate([order[firsts], unknown]))
    return table.take(pa.array(rows, pa.int64())), len(unknown)


def _order(table: pa.Table, keys: Sequence[tuple[str, str]]) -> pa.Array:
    """Numbers of the rows in the order of (column, key with its sign) pairs; what is missing last; equal rows stay."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    by = [(name, "descending" if key.startswith("-") else "ascending") for name, key in keys]
    if not by:
        return pa.array(np.arange(len(table)), pa.int64())
    plain = table.select(list(dict.fromkeys(name for name, _ in by)))
    plain = plain.append_column(_ROW, pa.array(np.arange(len(table)), pa.int64()))
    return pc.sort_indices(plain, sort_keys=[*by, (_ROW, "ascending")])


def _column(schema: Schema, parameter: str, name: str) -> str:
    spelled = {known.lower(): known for known in schema.names}
    found = name if name in schema else spelled.get(name.lower())
    if found is None:
        descending = "; with a minus in front a column sorts from the largest down" if parameter == _SORT else ""
        raise ParameterError(parameter, name, f"{unknown_column(schema, name)}{descending}")
    if schema[found].shape:
        raise ParameterError(parameter, name, "is a column of arrays, which have no order")
    return found
