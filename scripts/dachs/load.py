"""Put synthetic rows into a schema of the fixture's database, replacing what is there.

Talks to PostgreSQL through ``psql``, which reads PGHOST, PGDATABASE and PGUSER; COPY's CSV keeps NULL (nothing) and the
empty string (quoted) apart, and NaN is a number.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from ssap_mirror.core.schema import Column

from scripts.dachs.tables import LRS, MRS, RawTable
from scripts.rows import synthetic_rows
from scripts.rows.synthetic.lrs import lrs_batches
from scripts.rows.synthetic.visits import PRODUCT_URL

# Indices are dropped before and made again after: for many rows that is several times faster.
_INDICES = """SELECT indexdef FROM pg_indexes
    WHERE schemaname = :'schema' AND tablename = :'table' AND indexdef !~ 'UNIQUE'"""
_EMPTY = """TRUNCATE :"schema".:"table";
    SELECT format('DROP INDEX %I.%I', schemaname, indexname) FROM pg_indexes
    WHERE schemaname = :'schema' AND tablename = :'table' AND indexdef !~ 'UNIQUE' \\gexec"""
_COUNT = """ANALYZE :"schema".:"table"; SELECT count(*) FROM :"schema".:"table";"""
_NOTE = """COMMENT ON TABLE :"schema".:"table" IS :'note'"""


def load(schema: str, table: RawTable, batches: Iterable[pa.RecordBatch]) -> int:
    """Replace the rows of a table.

    Parameters
    ----------
    schema
        Database schema.
    table
        Which table.
    batches
        Rows with the service's columns.

    Returns
    -------
    int
        How many rows the database then has.

    Raises
    ------
    subprocess.CalledProcessError
        If the database refuses.
    """
    indices = sql(_INDICES, schema=schema, table=table.name).splitlines()
    sql(_EMPTY, schema=schema, table=table.name)
    _copy(schema, table, batches)
    sql("".join(f"{index};\n" for index in indices))
    return int(sql(_COUNT, schema=schema, table=table.name))


def sql(statements: str, **variables: str) -> str:
    """Run SQL with psql's variables and return what it prints, unaligned and without headers."""
    command = ["psql", "-qAt", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    command += [f"--variable={name}={value}" for name, value in variables.items()]
    done = subprocess.run(command, check=True, input=statements, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def _copy(schema: str, table: RawTable, batches: Iterable[pa.RecordBatch]) -> None:
    names = ", ".join(map(table.raw_name, table.columns))
    statement = f'COPY "{schema}"."{table.name}" ({names}) FROM STDIN (FORMAT csv)'
    command = ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for batch in as_csv(table, batches):
            pa.csv.write_csv(batch, process.stdin, pa.csv.WriteOptions(include_header=False))
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def as_csv(table: RawTable, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Turn rows into columns that pyarrow's CSV writer writes as PostgreSQL reads them, in the order of `columns`."""
    columns = [table.schema[name] for name in table.columns]
    for batch in batches:
        arrays = [_literal(column)(batch.column(column.name)) for column in columns]
        yield pa.RecordBatch.from_arrays(arrays, [column.name for column in columns])


def _literal(column: Column) -> Callable[[pa.Array], pa.Array]:
    """How PostgreSQL wants the values of a column written."""
    if column.name == "accref":
        return _product_key
    if column.xtype == "point":
        return _points
    if column.xtype == "polygon":
        return lambda regions: _joined_lists(_points(_pairs(regions)), _starts(regions, 2), regions)
    if column.arraysize is not None and not column.is_text:
        return lambda arrays: _joined_lists(_text(arrays.flatten()), None, arrays)
    return lambda values: values


def _product_key(links: pa.Array) -> pa.Array:
    """Undo that the server shows the key as a link."""
    keys = pc.replace_substring(links, PRODUCT_URL, "")
    escaped = pc.match_substring(keys, "%")
    if not pc.any(escaped).as_py():
        return keys
    return pa.array([unquote(key) if "%" in key else key for key in keys.to_pylist()])


def _text(numbers: pa.Array) -> pa.Array:
    return pc.fill_null(numbers.cast(pa.string()), "NULL")


def _points(points: pa.Array) -> pa.Array:
    ra, dec = (pc.list_element(points, i).cast(pa.string()) for i in range(2))
    return pc.binary_join_element_wise("(", ra, "d,", dec, "d)", "")


def _pairs(regions: pa.Array) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(regions.flatten(), 2)


def _starts(regions: pa.Array, step: int) -> pa.Array:
    """Where each list starts, in steps, when the flattened values are taken together."""
    lengths = pc.fill_null(pc.list_value_length(regions), 0).to_numpy(zero_copy_only=False)
    return pa.array([0, *(lengths.cumsum() // step)], pa.int32())


def _joined_lists(texts: pa.Array, starts: pa.Array | None, lists: pa.Array) -> pa.Array:
    if starts is None:
        # The flattened values leave out NULL lists.
        starts = _starts(lists, 1)
    joined = pc.binary_join(pa.ListArray.from_arrays(starts, texts), ",")
    return pc.if_else(pc.is_valid(lists), pc.binary_join_element_wise("{", joined, "}", ""), None)


def main() -> None:
    """Load both tables of a schema and note what they hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("schema")
    parser.add_argument("n", type=int)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--hard", action="store_true")
    parser.add_argument("--one-date-rows", type=int, default=0)
    parser.add_argument("--lrs", type=int, required=True)
    parser.add_argument("--note", required=True, help="what to remember with the rows")
    options = parser.parse_args()
    sql(_NOTE, schema=options.schema, table=MRS.name, note="loading")
    mrs = synthetic_rows.batches(options.n, options.seed, hard=options.hard, one_date_rows=options.one_date_rows)
    for table, batches, wanted in ((MRS, mrs, options.n), (LRS, lrs_batches(options.lrs, options.seed), options.lrs)):
        began = time.monotonic()
        found = load(options.schema, table, batches)
        print(f"{options.schema}.{table.name}: {found:,} rows in {time.monotonic() - began:.1f} s", file=sys.stderr)
        if found != wanted:
            message = f"{options.schema}.{table.name} should have {wanted} rows"
            raise SystemExit(message)
    sql(_NOTE, schema=options.schema, table=MRS.name, note=options.note)


if __name__ == "__main__":
    main()
