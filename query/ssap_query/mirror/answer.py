"""A request to its result: rows, the description of the service, or the names of its targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias
from urllib.parse import urlencode

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import ParameterError

from ssap_query.engine.engine import Engine
from ssap_query.engine.plan import Way
from ssap_query.engine.rows import InMemoryRows, Rows
from ssap_query.engine.score import SCORE_RULE
from ssap_query.mirror.metadata import describe_inputs
from ssap_query.mirror.result import InputParameter, ResultSet
from ssap_query.ssap.interpret import Query, interpret
from ssap_query.ssap.request import Pairs, SsapRequest, parse

__all__ = [
    "ALL_COLUMNS",
    "ColumnNames",
    "ParsedRequest",
    "PlannedRequest",
    "Request",
    "plan_request",
    "provenance",
    "read_request",
    "unknown_column",
]

#: What a request may come as.
Request: TypeAlias = str | bytes | Pairs | SsapRequest
#: Names of columns or shell patterns of them, `ALL_COLUMNS`, or None for those that VERB says.
ColumnNames: TypeAlias = str | Sequence[str] | None

#: Asks for every column, those included that no VERB shows.
ALL_COLUMNS = "all"

_COLUMNS, _REQUEST = "columns", "REQUEST"
_METADATA_VERB = 3
_SHOWN_CHARACTERS = 2000


@dataclass(frozen=True)
class ParsedRequest:
    """A request as it was understood."""

    query: Query
    """What it means."""
    columns: Schema
    """Columns of the result."""
    facts: Mapping[str, str]
    """What the result says of the request."""
    has_inputs: bool = True
    """Whether a description of the service lists parameters; those of a cone search are known to everyone."""


@dataclass(frozen=True)
class PlannedRequest:
    """A request of which no row has been looked for: how much work that is can be told."""

    engine: Engine
    """The snapshot that is asked."""
    parsed: ParsedRequest
    """What is asked."""
    way: Way | None
    """How the rows are found; None where none are asked for."""

    @property
    def touched_rows(self) -> int:
        """Rows that have to be looked at."""
        return 0 if self.way is None else sum(group.rows for group in self.way.row_groups())

    @property
    def response_format(self) -> str:
        """Format that is asked for: as in `ssap_query.ssap.interpret.Query`."""
        return self.parsed.query.response_format

    def result(self) -> ResultSet:
        """Find the rows.

        Raises
        ------
        CatalogError
            If the snapshot cannot be read.
        ParameterError
            If that cannot be done in any sensible time, or needs a column that the service does not have.
        """
        catalog, query, columns = self.engine.catalog, self.parsed.query, self.parsed.columns
        inputs: Sequence[InputParameter] = ()
        truncated = False
        rows: Rows
        if self.way is not None:
            rows, truncated = self.way.rows()
        elif query.metadata_only:
            rows = InMemoryRows(columns.arrow_schema().empty_table())
            inputs = describe_inputs(self.engine) if self.parsed.has_inputs else ()
        else:
            columns, rows = _target_names(self.engine, query)
        return ResultSet(
            columns,
            rows,
            truncated,
            (*query.notes, *_empty_sky(catalog, query)),
            infos=provenance(catalog) | {**self.parsed.facts},
            inputs=inputs,
            service_xml=catalog.service_xml,
            response_format=query.response_format,
        )


def read_request(
    schema: Schema,
    request: Request,
    dialect: str | None = None,
    columns: ColumnNames = None,
    *,
    ignore_unanswerable: bool = False,
) -> ParsedRequest:
    """Parse and interpret a request.

    Parameters
    ----------
    schema : Schema
        Columns of the mirror.
    request : str, bytes, iterable of (str, object), or SsapRequest
        Query string, decoded (name, value) pairs in order, or what has been parsed.
    dialect : {'ivoa', 'dachs'}, optional
        Whose reading of the parameters; by default ``ivoa``, or that of a parsed request.
    columns : sequence of str, optional
        Names of the columns instead of those that VERB says; ``"all"`` is every column.
    ignore_unanswerable : bool
        Whether a constraint about which no column tells is passed over with a note, instead of being an error.

    Raises
    ------
    ParameterError
        For a bad value, or a constraint that cannot be tested: its parameter, the value, the reason.
    """
    parsed = parse(request, dialect)
    query = interpret(parsed, schema, ignore_unanswerable=ignore_unanswerable)
    shown = _chosen(schema, _METADATA_VERB if query.metadata_only else query.verb, columns)
    return ParsedRequest(query, shown, _facts(parsed, query))


def plan_request(engine: Engine, parsed: ParsedRequest) -> PlannedRequest:
    """Choose how the rows of a request are found.

    Parameters
    ----------
    engine : Engine
        The open snapshot.
    parsed : ParsedRequest
        What `read_request` made of the request with the columns of that snapshot.

    Raises
    ------
    CatalogError
        If the snapshot cannot be read.
    """
    query = parsed.query
    return PlannedRequest(engine, parsed, engine.plan(query, parsed.columns) if query.selects_rows else None)


def _empty_sky(catalog: Catalog, query: Query) -> tuple[str, ...]:
    """Say why no cone finds anything, where no row has a position."""
    without = (catalog.manifest.get("without") or {}).get("position")
    if query.region is None or without != catalog.rows:
        return ()
    return ("no row of this mirror has a position, so no region has any",)


def provenance(catalog: Catalog) -> dict[str, str]:
    """Say what every result says of the mirror that it comes from."""
    facts = {"mirror": f"{catalog.name}, snapshot {catalog.path.name}"}
    if catalog.synthetic:
        facts["synthetic"] = "true: the rows are made up"
    return facts


def _facts(request: SsapRequest, query: Query) -> dict[str, str]:
    pairs = [(name, str(value)) for name, value in request.pairs]
    facts = {"request": urlencode(pairs, errors="replace")[:_SHOWN_CHARACTERS], "dialect": request.dialect}
    if query.words:
        facts["selection"] = "; ".join(query.words)[:_SHOWN_CHARACTERS]
    if query.scored:
        facts["score"] = SCORE_RULE
    return facts


def _target_names(engine: Engine, query: Query) -> tuple[Schema, Rows]:
    import pyarrow as pa

    schema = engine.catalog.schema
    column = schema.role("target_name")
    if column is None:
        raise ParameterError(_REQUEST, query.operation, "cannot be answered: this service has no names of targets")
    shown = schema.select([column.name])
    found: tuple[str | None, ...] = engine.distinct("target_name")
    if query.dialect == "dachs" and engine.has_null("target_name"):
        found = (*found, None)  # the reference server has NULL among the names
    return shown, InMemoryRows(pa.table([pa.array(found, column.arrow_type())], schema=shown.arrow_schema()))


def _chosen(schema: Schema, verb: int, columns: ColumnNames) -> Schema:
    """Columns by name, or those whose level is at most ten times VERB."""
    if columns is None:
        return schema.up_to(10 * verb)
    if columns == ALL_COLUMNS:
        return schema.select(column.name for column in schema if not column.is_hidden)
    spelled = {name.lower(): name for name in schema.names}
    found: list[str] = []
    for name in [columns] if isinstance(columns, str) else columns:
        known = name if name in schema else spelled.get(str(name).lower())
        if known is None and set("*?[") & set(str(name)):
            found += _matching(schema, str(name), found)
            continue
        if known is None:
            raise ParameterError(_COLUMNS, name, unknown_column(schema, str(name)))
        if known in found:
            raise ParameterError(_COLUMNS, name, "is there twice")
        found.append(known)
    if not found:
        raise ParameterError(_COLUMNS, columns, "holds no name of a column")
    return schema.select(found)


def _matching(schema: Schema, pattern: str, taken: Sequence[str]) -> list[str]:
    """Columns that a shell pattern means, in the service's order, without those that are there already."""
    names = [c.name for c in schema if not c.is_hidden and fnmatchcase(c.name.lower(), pattern.lower())]
    if not names:
        raise ParameterError(_COLUMNS, pattern, "matches no column of the mirror")
    return [name for name in names if name not in taken]


def unknown_column(schema: Schema, name: str) -> str:
    """Say that a name is none of a column, and which ones are like it."""
    from difflib import get_close_matches

    spelled = {known.lower(): known for known in schema.names}
    near = [spelled[known] for known in get_close_matches(name.lower(), spelled, n=3)]
    return "is not a column of the mirror" + (f"; perhaps {' or '.join(near)} is meant" if near else "")
