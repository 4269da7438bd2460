"""A request to its answer: rows, the description of the service, or the names of its targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlencode

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import ParameterError

from ssap_query.engine.engine import Engine
from ssap_query.engine.rows import Stored
from ssap_query.engine.score import SCORE_RULE
from ssap_query.mirror.metadata import describe_inputs
from ssap_query.mirror.result import ResultSet
from ssap_query.ssap.interpret import Query, interpret
from ssap_query.ssap.request import SsapRequest, parse

__all__ = ["ALL_COLUMNS", "Asked", "ColumnNames", "Request", "about", "answer", "ask"]

#: What a request may come as.
Request: TypeAlias = str | bytes | Iterable[tuple[str, object]]
#: Names of columns, `ALL_COLUMNS`, or None for those that VERB says.
ColumnNames: TypeAlias = str | Sequence[str] | None

#: Asks for every column, those included that no VERB shows.
ALL_COLUMNS = "all"

_COLUMNS, _REQUEST = "columns", "REQUEST"
_METADATA_VERB = 3
_SHOWN_CHARACTERS = 2000


@dataclass(frozen=True)
class Asked:
    """A request as it was understood."""

    request: SsapRequest
    """Names and values as they came."""
    query: Query
    """What they mean."""
    columns: Schema
    """Columns of the answer."""


def ask(engine: Engine, request: Request, dialect: str, columns: ColumnNames = None) -> Asked:
    """Read a request.

    Parameters
    ----------
    engine : Engine
        The open snapshot.
    request : str, bytes or iterable of (str, object)
        Query string, or decoded (name, value) pairs in order.
    dialect : {'ivoa', 'dachs'}
        Whose reading of the parameters.
    columns : sequence of str, optional
        Names of the columns instead of those that VERB says; ``"all"`` is every column.

    Raises
    ------
    ParameterError
        For a bad value: its parameter, the value, the reason.
    """
    schema = engine.catalog.schema
    parsed = parse(request, dialect)
    query = interpret(parsed, schema)
    shown = _chosen(schema, _METADATA_VERB if query.metadata_only else query.verb, columns)
    return Asked(parsed, query, shown)


def answer(engine: Engine, asked: Asked) -> ResultSet:
    """Answer a request.

    Raises
    ------
    CatalogError
        If the snapshot cannot be read.
    ParameterError
        If the request cannot be answered in any sensible time, or needs a column that the service does not have.
    """
    catalog, query = engine.catalog, asked.query
    infos = about(catalog) | _facts(asked)
    if query.metadata_only:
        nothing = Stored(asked.columns.arrow_schema().empty_table())
        inputs = describe_inputs(engine)
        return ResultSet(
            asked.columns, nothing, notes=query.notes, infos=infos, inputs=inputs, service_xml=catalog.service_xml
        )
    if query.operation == "getTargetNames":
        return _target_names(engine, query, infos)
    rows, truncated = engine.run(query, asked.columns)
    return ResultSet(asked.columns, rows, truncated, query.notes, infos, service_xml=catalog.service_xml)


def about(catalog: Catalog) -> dict[str, str]:
    """Say what every answer says of the mirror it comes from."""
    facts = {"mirror": f"{catalog.name}, snapshot {catalog.path.name}"}
    if catalog.synthetic:
        facts["synthetic"] = "true: the rows are made up"
    return facts


def _facts(asked: Asked) -> dict[str, str]:
    facts = {
        "request": urlencode([(name, str(value)) for name, value in asked.request.pairs], errors="replace")[
            :_SHOWN_CHARACTERS
        ],
        "dialect": asked.request.dialect,
    }
    if asked.query.words:
        facts["selection"] = "; ".join(asked.query.words)[:_SHOWN_CHARACTERS]
    if asked.query.cones and asked.query.dialect == "ivoa":
        facts["score"] = SCORE_RULE
    return facts


def _target_names(engine: Engine, query: Query, infos: dict[str, str]) -> ResultSet:
    import pyarrow as pa

    schema = engine.catalog.schema
    column = schema.role("target_name")
    if column is None:
        raise ParameterError(_REQUEST, query.operation, "cannot be answered: this service has no names of targets")
    shown = schema.select([column.name])
    found: tuple[str | None, ...] = engine.distinct("target_name")
    if query.dialect == "dachs" and engine.has_null("target_name"):
        found = (*found, None)  # the reference server has NULL among the names
    rows = Stored(pa.table([pa.array(found, column.arrow_type())], schema=shown.arrow_schema()))
    return ResultSet(shown, rows, notes=query.notes, infos=infos, service_xml=engine.catalog.service_xml)


def _chosen(schema: Schema, verb: int, columns: ColumnNames) -> Schema:
    """Columns by name, or those whose level is at most ten times VERB."""
    if columns is None:
        return schema.up_to(10 * verb)
    if columns == ALL_COLUMNS:
        return schema
    spelled = {name.lower(): name for name in schema.names}
    found: list[str] = []
    for name in [columns] if isinstance(columns, str) else columns:
        known = name if name in schema else spelled.get(str(name).lower())
        if known is None:
            raise ParameterError(_COLUMNS, name, "is not a column of the mirror")
        if known in found:
            raise ParameterError(_COLUMNS, name, "is there twice")
        found.append(known)
    if not found:
        raise ParameterError(_COLUMNS, columns, "holds no name of a column")
    return schema.select(found)
