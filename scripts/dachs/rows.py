"""Write the rows behind the fixture's MRS service as Parquet: the truth that answers are compared with.

Run as ``.venv/bin/python scripts/dachs/rows.py OUT.parquet [--schema NAME] [--port P]``, as root. Read from the
database itself, so that NULL and NaN, which the service's answers mix up, stay apart. Left out is what only answers
have: ``ssa_score`` and ``preview``. ``accref`` is as stored: answers put the server's URL in front of it.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from ssap_mirror.core.schema import Column
from ssap_mirror.pipeline.known_services import lamost6_mrs

NOT_IN_DATABASE = ("ssa_score", "preview")
_DEGREE = np.pi / 180.0


def read_rows(schema: str, port: int = 8080, table: str = "ssa_mrs", known: Iterable[Column] | None = None) -> pa.Table:
    """Read the table behind one of a schema's services.

    Parameters
    ----------
    schema
        Database schema, such as ``lamost6``.
    port
        Of the fixture's server.
    table
        Name within the schema.
    known
        Columns of the table; those of the MRS service that are in the database without it.

    Returns
    -------
    pyarrow.Table
        The columns (96 of the MRS service) in the service's order and types; positions degrees. ``ssa_location`` has
        the digits that the server sends (the database prints radians with 15), ``location_ra`` and ``location_dec``
        are rounded to float32.

    Raises
    ------
    subprocess.CalledProcessError
        If the database cannot be read.
    """
    columns = [column for column in known or lamost6_mrs() if column.name not in NOT_IN_DATABASE]
    expressions = [text for column in columns for text in _expressions(column)]
    statement = f'COPY (SELECT {", ".join(expressions)} FROM "{schema}".{table}) TO STDOUT (FORMAT csv)'  # noqa: S608 - names are our own
    state = Path(os.environ.get("SSAP_MIRROR_DACHS_STATE", "/var/lib/ssap-mirror-dachs")) / str(port) / "run"
    environment = {**os.environ, "PGCLIENTENCODING": "UTF8"}
    command = ["psql", "-qAt", "-h", str(state), "-p", "5432", "-U", "ssap-dachs", "-d", "gavo", "-c", statement]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    names = [str(i) for i in range(len(expressions))]
    parsed = pa.csv.read_csv(
        io.BytesIO(done.stdout),
        read_options=pa.csv.ReadOptions(column_names=names, use_threads=False),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    parts = iter(parsed.columns)
    arrays = [_decode(column, [next(parts).combine_chunks() for _ in _expressions(column)]) for column in columns]
    return pa.table(arrays, schema=pa.schema([column.arrow_field() for column in columns]))


def _expressions(column: Column) -> list[str]:
    """Give the SQL of a column, in one piece or several."""
    match column:
        case Column(name="location_ra"):
            return ["degrees(long(ssa_location))"]
        case Column(name="location_dec"):
            return ["degrees(lat(ssa_location))"]
        case Column(name="embargo"):
            return ["2000 + (embargo - DATE '2000-01-01') / 365.25"]
        case Column(xtype="timestamp"):
            return [f"""to_char({column.name}, 'YYYY-MM-DD"T"HH24:MI:SS.US')"""]
        case Column(name="mag_arr"):
            return ["mag_arr IS NULL", *(f"mag_arr[{i}]" for i in range(1, 8))]
        case _:
            return [column.name]


def _decode(column: Column, parts: list[pa.Array]) -> pa.Array:
    kind = column.arrow_type()
    if column.name == "mag_arr":
        absent = pa.array([text == "t" for text in parts[0].to_pylist()])
        elements = [part.cast(pa.float32()).to_pylist() for part in parts[1:]]
        values = pa.array([value for row in zip(*elements, strict=True) for value in row], pa.float32())
        return pa.FixedSizeListArray.from_arrays(values, type=kind, mask=absent)
    (texts,) = parts
    if column.xtype == "timestamp":
        return pa.array([None if text is None else text.removesuffix(".000000") for text in texts.to_pylist()])
    if column.xtype in ("point", "polygon"):
        return pa.array([None if text is None else _degrees(text) for text in texts.to_pylist()], kind)
    # float32 by way of double would round twice; Arrow reads the digits as the type itself.
    return texts.cast(kind)


def _degrees(text: str) -> list[float]:
    """``(0 , 0.349)`` or ``{(0 , 0.349),(1 , 0.349),...}``, radians."""
    return [float(part) / _DEGREE for part in text.translate(str.maketrans("(){}", "    ")).split(",")]


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--schema", default="lamost6")
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args()
    table = read_rows(options.schema, options.port)
    pq.write_table(table, options.path, compression="zstd")
    print(f"{options.path}: {table.num_rows:,} rows")


if __name__ == "__main__":
    main()
