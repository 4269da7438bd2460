"""A page of the table, and all that is known of one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ssap_query.adql.errors import AdqlError
from ssap_query.adql.of_request import adql_of
from ssap_query.engine.browse.match import Match, match_of
from ssap_query.engine.browse.page import count_rows, page_rows
from ssap_query.engine.engine import Engine
from ssap_query.mirror.answer import ALL_COLUMNS, ParsedRequest, PlannedRequest, plan_request, read_request
from ssap_query.server.page.page_request import PageRequest, read_page_request
from ssap_query.server.page.values import cells, described

__all__ = ["PagePlan", "plan_page", "table_page"]


@dataclass(frozen=True)
class PagePlan:
    """A request of the page of which no row has been looked for."""

    engine: Engine
    """The snapshot that is asked."""
    page: PageRequest
    """What the page shows."""
    planned: PlannedRequest
    """How the rows are found."""

    @property
    def parsed(self) -> ParsedRequest:
        """What is asked."""
        return self.planned.parsed

    @property
    def match(self) -> Match | None:
        """All rows that are asked for; None where the request is not about rows."""
        return None if self.planned.way is None else match_of(self.planned.way)


def plan_page(engine: Engine, raw: bytes, dialect: str, *, all_columns: bool = False) -> PagePlan:
    """Read a request of the page.

    Raises
    ------
    ParameterError
        If it cannot be read; the parameter is that of the field in which it was given.
    CatalogError
        If the snapshot cannot be read.
    """
    page = read_page_request(raw, dialect)
    columns = ALL_COLUMNS if all_columns else page.columns
    parsed = read_request(engine.catalog.schema, page.parameters, dialect, columns, ignore_unanswerable=True)
    return PagePlan(engine, page, plan_request(engine, parsed))


def table_page(plan: PagePlan, most_rows: int) -> dict[str, Any]:
    """Give a page of the rows that are asked for.

    Parameters
    ----------
    plan : PagePlan
        What is asked.
    most_rows : int
        Largest page.

    Raises
    ------
    ParameterError
        If there is no column to sort by of that name.
    CatalogError
        If the snapshot cannot be read.
    """
    query, schema = plan.parsed.query, plan.engine.catalog.schema
    match = plan.match
    if match is None:  # names of targets, or what the service says of itself
        result = plan.planned.result()
        order, notes = plan.page.order(result.schema, most_rows), result.notes
        total, columns = len(result), result.schema
        table = result.to_arrow().slice(order.offset, order.rows)
    else:
        order, notes, columns = plan.page.order(schema, most_rows), query.notes, plan.parsed.columns
        total = count_rows(match)
        table = page_rows(match, order)
    return {
        "status": "OK",
        "total": total,
        "offset": order.offset,
        "notes": list(notes),
        "words": list(query.words),
        "columns": [described(column) for column in columns],
        "rows": cells(table),
        "adql": _in_adql(plan),
    }


def _in_adql(plan: PagePlan) -> str | None:
    """Give the same question in ADQL; None where ADQL has no words for it."""
    shown = [column.name for column in plan.parsed.columns if not column.is_hidden]
    try:
        return adql_of(plan.parsed.query, plan.engine.catalog.schema, shown)
    except AdqlError:
        return None
