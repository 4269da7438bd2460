"""The SQL of requests as files for review; ``pytest --update-golden`` writes them anew."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import ssap_query as ssap
from ssap_mirror.core.schema import Column, Schema
from ssap_query.engine.compile import compile_query, files, quoted
from ssap_query.ssap.predicate import Predicate

from tests.support import paths

GOLDEN = paths.GOLDEN / "sql"

CASES: dict[str, tuple[str, str, tuple[str, ...] | None]] = {
    "cone": ("POS=56.1,21.6&SIZE=0.2", "ivoa", ("mobsid", "ra", "dec")),
    "cone_band_time_snr": ("POS=56.1,21.6&SIZE=0.2&BAND=6.3e-7/6.8e-7&TIME=2018-05&SNR=20", "ivoa", ("mobsid",)),
    "cones": ("POS=56.1,21.6,0,90&SIZE=0.2", "ivoa", ("mobsid",)),
    "best": ("POS=56.1,21.6&SIZE=0.2&TOP=5", "ivoa", ("mobsid", "ssa_score")),
    "limit": ("SNR=20/50,100/&MAXREC=10", "ivoa", ("mobsid", "ssa_snr")),
    "verb_1": ("REDSHIFT=0/0.01", "ivoa", None),
    "everything": ("", "ivoa", ("mobsid",)),
    "nothing": ("FORMAT=xml", "dachs", ("mobsid",)),
    "dachs_cone": ("POS=56.1,21.6&SIZE=0.2&SNR=20,50", "dachs", ("mobsid",)),
    "dachs_targetname": ("TARGETNAME=star", "dachs", ("mobsid",)),
    "pubdid": ("PUBDID=ivo%3A%2F%2Fa%2F~%3Fx%27%3B+DROP+TABLE+spectra", "ivoa", ("mobsid",)),
    "many_cones": ("POS=" + ",".join(f"{x},{x / 9:.3f}" for x in range(60)) + "&SIZE=0.2", "ivoa", ("mobsid",)),
}


def statement(mirror: ssap.Mirror, case: str) -> tuple[str, list[Any]]:
    text, dialect, columns = CASES[case]
    request = f"REQUEST=queryData&VERB=1&{text}"
    query = mirror.explain(request, dialect, columns).query
    return query.sql, [_portable(value, mirror.catalog.path) for value in query.values]


def _portable(value: Any, snapshot: Path) -> Any:
    if isinstance(value, list):
        return [_portable(item, snapshot) for item in value]
    return (
        str(Path(value).relative_to(snapshot)) if isinstance(value, str) and value.startswith(str(snapshot)) else value
    )


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str, corpus_mirror, request) -> None:
    sql, values = statement(corpus_mirror, case)
    sql_file, values_file = GOLDEN / f"{case}.sql", GOLDEN / f"{case}.values.json"
    shown = _broken(sql)
    if request.config.getoption("--update-golden"):
        GOLDEN.mkdir(exist_ok=True)
        sql_file.write_text(shown, "utf-8")
        values_file.write_text(json.dumps(values, indent=1) + "\n", "utf-8")
    assert shown == sql_file.read_text("utf-8")
    assert json.loads(json.dumps(values)) == json.loads(values_file.read_text("utf-8"))


def _broken(sql: str) -> str:
    """One line a clause, so that a difference can be read."""
    return re.sub(r" (?=(?:FROM|WHERE|GROUP BY|ORDER BY|LIMIT|JOIN)\b|(?:AND|OR) \()", "\n", sql) + "\n"


def test_every_golden_file_has_its_case() -> None:
    kept = {path.name.partition(".")[0] for path in GOLDEN.glob("*.sql")} | {
        path.name.partition(".")[0] for path in GOLDEN.glob("*.values.json")
    }
    assert kept == set(CASES)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("POS=56.1,21.6&SIZE=0.2", "POS=56.1,21.60001&SIZE=0.2"),
        ("BAND=6.3e-7/6.8e-7&TIME=2018-05&SNR=20", "BAND=1e-7/6e-7&TIME=2017-01&SNR=50"),
        ("PUBDID=a&COLLECTION=b", "PUBDID='%3B+DROP+TABLE+spectra%3B+--&COLLECTION=%22%29+OR+1%3D1"),
        ("WILDTARGET=*a*&REDSHIFT=0/1", "WILDTARGET=*'*&REDSHIFT=-1/2"),
        ("TARGETNAME=a&MTIME=2019/2020", "TARGETNAME={snr}&MTIME=2018/2021"),
        ("MAXREC=5", "MAXREC=17"),
    ],
)
def test_request_text_is_never_sql(first: str, second: str, corpus_mirror) -> None:
    one, other = (corpus_mirror.explain(f"REQUEST=queryData&{text}").query for text in (first, second))
    assert one.sql == other.sql
    assert one.values != other.values
    assert one.sql.count("?") == len(one.values)


def test_identifiers_are_quoted() -> None:
    name = 'od"d name; DROP TABLE x'
    schema = Schema((Column(name, "double"), Column("select", "float", "3")), {"snr": name})
    query = compile_query(schema, [name, "select"], files(["f"]), [Predicate("{snr} > ?", (1,))])
    assert quoted(name) == '"od""d name; DROP TABLE x"'
    assert query.sql == (
        'SELECT "od""d name; DROP TABLE x", "select"::FLOAT[3] AS "select"'
        " FROM read_parquet(?, hive_partitioning = false,"
        ' can_have_nan = true) WHERE "od""d name; DROP TABLE x" > ?'
    )
    assert query.values == (["f"], 1)


@pytest.mark.parametrize(
    ("datatype", "arraysize", "selected"),
    [
        ("double", "2", "::DOUBLE[2]"),
        ("float", "2x3", "::FLOAT[6]"),
        ("double", "*", ""),
        ("double", None, ""),
        ("char", "*", ""),
        ("char", "10x4", "::VARCHAR[4]"),
        ("floatComplex", None, "::FLOAT[2]"),
        ("doubleComplex", "3", "::DOUBLE[6]"),
        ("boolean", "2", "::BOOLEAN[2]"),
    ],
)
def test_arrays_of_fixed_size_stay_so(datatype, arraysize, selected) -> None:
    import duckdb

    column = Column("c", datatype, arraysize)
    query = compile_query(Schema((column,)), ["c"], files(["f"]))
    assert (f'"c"{selected} AS "c"' if selected else '"c"') == query.sql.removeprefix("SELECT ").partition(" FROM")[0]
    if selected:
        kind = duckdb.connect().sql(f"SELECT NULL{selected} AS c").to_arrow_table().schema.field("c").type
        assert kind.equals(column.arrow_type())
