"""Ask a mirror of made-up rows queries in ADQL, sound and torn up, and look at the SQL that they become.

Run as ``.venv/bin/python -m scripts.fuzz.adql 20000 --seed 1``. Each query has to end in an answer or in a
`ParameterError`. What is run has to be one SELECT to DuckDB's own parser, of tables and functions that are listed here
once more; no text of the query may stand in it; and DuckDB must not find it wrong in form. The same count and seed
give the same queries. The exit code is 1 if any of that fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import ssap_query
from ssap_mirror.errors import ParameterError
from ssap_query.adql.database import AdqlDatabase
from ssap_query.adql.language.translate import Statement, translate
from ssap_query.adql.tables.mirrors import mirror_tables
from ssap_query.adql.tables.table import AdqlTable
from ssap_query.adql.tables.uploads import upload

from scripts.fuzz.adql_queries import UPLOAD_COLUMNS, Queries
from scripts.fuzz.mirror import make_mirror

__all__ = ["Report", "ask", "fuzz", "open_database", "strange"]

_ROWS = 300
#: Most rows of an answer, and longest time for it [s].
_MAXREC, _SECONDS = 50, 5.0
# What DuckDB may be told to call: operators, functions that do no more than work out a value, and ours.
_CALLED = frozenset(
    [
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "&",
        "|",
        "xor",
        "~",
        "||",
        "~~",
        "!~~",
        "~~*",
        "!~~*",
        "like_escape",
        "not_like_escape",
        "ilike_escape",
        "not_ilike_escape",
        "abs",
        "acos",
        "asin",
        "atan",
        "atan2",
        "avg",
        "ceil",
        "ceiling",
        "coalesce",
        "concat",
        "cos",
        "cot",
        "count",
        "count_star",
        "degrees",
        "exp",
        "floor",
        "ilike_escape",
        "left",
        "list_contains",
        "list_value",
        "ln",
        "log10",
        "lower",
        "max",
        "min",
        "mod",
        "pi",
        "pow",
        "radians",
        "random",
        "regexp_matches",
        "round",
        "separation",
        "sign",
        "sin",
        "sqrt",
        "string_agg",
        "string_split",
        "sum",
        "tan",
        "trunc",
        "unnest",
        "upper",
        "isfinite",
        "list_extract",
        "array_contains",
        "str_split",
    ]
)
# Functions of ours are called so.
_OURS = ("adql_", "separation")


@dataclass
class Report:
    """What happened."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Word -> how many queries ended so."""
    problems: list[str] = field(default_factory=list)
    """Everything that must not happen, a sentence each."""
    elapsed_s: float = 0.0
    """Duration of the whole."""


def open_database(home: Path) -> tuple[AdqlDatabase, AdqlTable]:
    """Make a mirror of made-up rows; its database, and the table that comes with each query."""
    mirror = ssap_query.open(make_mirror(home, _ROWS), home)
    places = {"star": [f"s{i}" for i in range(40)], "ra": [9.0 * i for i in range(40)]}
    places |= {"dec": [float("nan") if i == 7 else 4.0 * i - 80 for i in range(40)], "mag": [None, *range(39)]}
    mine = upload("mine", pa.table({name: places[name] for name in UPLOAD_COLUMNS}))
    return AdqlDatabase(mirror_tables({mirror.catalog.name: mirror.catalog})), mine


def ask(database: AdqlDatabase, mine: AdqlTable, text: str) -> tuple[str, Statement | None]:
    """Ask one query; the word for what came of it or a traceback, and the statement that it was."""
    statement = None
    try:
        statement = translate(text, database.tables.with_uploads([mine]), _MAXREC + 1)
        found = database.run(text, [mine], _MAXREC, seconds=_SECONDS)
        rows = sum(batch.num_rows for batch in found.rows.batches())
        return ("answer" if rows <= _MAXREC else f"Traceback: {rows} rows"), statement
    except ParameterError as error:
        cause = error.__context__
        # A statement that DuckDB cannot read, or that names what is not there, was translated wrongly.
        if isinstance(cause, duckdb.ParserException | duckdb.CatalogException | duckdb.InternalException):
            return f"Traceback: not SQL: {str(error)[-400:]}", statement
        return f"refused, {'by DuckDB' if isinstance(cause, duckdb.Error) else 'by us'}", statement
    except Exception:
        return traceback.format_exc(limit=-4), statement


def strange(statement: Statement, marker: str) -> Iterator[str]:
    """Say what in a statement is not ours."""
    if marker in statement.sql:
        yield "the planted word"
    (text,) = duckdb.execute("SELECT json_serialize_sql(?::VARCHAR)", [statement.sql]).fetchone() or ("{}",)
    tree = json.loads(text)
    if tree.get("error") or len(tree["statements"]) != 1:
        yield f"{len(tree.get('statements', ()))} statements, {tree.get('error_message', 'read')}"
        return
    nodes = list(_nodes(tree["statements"]))
    known = {part.name for part in statement.parts} | {part.table.name for part in statement.parts}
    known |= {item["key"] for node in nodes for item in node.get("cte_map", {}).get("map", ())}
    for node in nodes:
        kind = node.get("type")
        if kind == "FUNCTION" and node.get("class") == "FUNCTION":
            name = node["function_name"]
            if name not in _CALLED and not name.startswith(_OURS):
                yield f"the function {name}"
        elif kind == "BASE_TABLE" and (node["table_name"] not in known or node.get("schema_name")):
            yield f"the table {node['table_name']}"
        elif kind in ("TABLE_FUNCTION", "PIVOT", "SHOW_REF", "DELIM_GET"):
            yield f"a {kind}"


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    for item in tree if isinstance(tree, list) else ():
        yield from _nodes(item)


def fuzz(
    database: AdqlDatabase, mine: AdqlTable, queries: Queries, numbers: Sequence[int], tell_every: int = 0
) -> Report:
    """Ask queries and look.

    Parameters
    ----------
    database : AdqlDatabase
        What is asked.
    mine : AdqlTable
        Comes with each query.
    queries : Queries
        Makes them.
    numbers : sequence of int
        Which ones.
    tell_every : int
        After how many queries the progress is told on stderr; 0 is never.
    """
    report = Report()
    began = time.perf_counter()
    for number in numbers:
        text, marker = queries.make(number)
        outcome, statement = ask(database, mine, text)
        if outcome.startswith("Traceback"):
            report.problems.append(f"query {number}: {text}\n{outcome}")
            outcome = "wrong"
        if statement is not None:
            report.problems += [
                f"query {number}: {text}: {what} in {statement.sql}" for what in strange(statement, marker)
            ]
        report.outcomes[outcome] += 1
        if tell_every and (number - numbers[0] + 1) % tell_every == 0:
            _tell([f"{number - numbers[0] + 1:,} queries in {time.perf_counter() - began:.0f} s", *report.problems])
    report.elapsed_s = time.perf_counter() - began
    return report


def _tell(lines: Iterable[str]) -> None:
    print("\n".join(lines), file=sys.stderr, flush=True)


def main() -> None:
    """Ask and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first query")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        database, mine = open_database(Path(scratch))
        numbers = range(options.first, options.first + options.count)
        report = fuzz(database, mine, Queries(options.seed), numbers, tell_every=1000)
    print(f"{options.count:,} queries, seed {options.seed}, in {report.elapsed_s:.0f} s")
    for outcome, count in report.outcomes.most_common():
        print(f"{count:9,}  {outcome}")
    for problem in report.problems:
        print(f"PROBLEM {problem}")
    sys.exit(1 if report.problems else 0)


if __name__ == "__main__":
    main()
