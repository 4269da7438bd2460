"""What a query gives: types, units of plain columns, rows that are worked out once."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from ssap_mirror.errors import ParameterError
from ssap_query.engine.rows import MemoryLimit
from ssap_query.mirror.mirror import Mirror
from ssap_query.sql.column_cache import WholeColumns
from ssap_query.sql.spooled import SpooledRows
from ssap_query.sql.user_sql import run_sql

STARS = {"stars": pa.table({"ra": [1.0], "star": ["a"]})}


@pytest.fixture(scope="module")
def mirror(awkward) -> Mirror:
    import ssap_query as ssap

    return ssap.open("tiny", awkward.home)


# Column of the result -> column of the mirror that it is
PLAIN: dict[str, dict[str, str]] = {
    "SELECT ra, ssa_snr AS snr, ssa_snr * 2 AS twice FROM spectra": {"ra": "ra", "snr": "ssa_snr"},
    "SELECT * FROM spectra": {"ra": "ra", "ssa_location": "ssa_location", "mobsid": "mobsid"},
    "FROM spectra_raw": {"ra": "ra"},
    "SELECT s.RA, x.d FROM spectra s JOIN (SELECT mobsid, dec AS d FROM spectra) x USING (mobsid)": {
        "ra": "ra",
        "d": "dec",
    },
    "WITH w AS (SELECT * FROM spectra WHERE ssa_snr > 5) SELECT dec AS ra, * EXCLUDE (ra, dec) FROM w": {
        "ra": "dec",
        "ssa_snr": "ssa_snr",
    },
    "SELECT * REPLACE (ra + 1 AS ra) FROM spectra": {"dec": "dec"},
    "SELECT * RENAME (ra AS alpha) FROM spectra": {"alpha": "ra"},
    "SELECT objtype, max(ra) AS ra, count(*) AS n FROM spectra GROUP BY ALL": {"objtype": "objtype"},
    "SELECT ra, dec FROM spectra UNION ALL SELECT ra, dec FROM spectra_raw": {"ra": "ra", "dec": "dec"},
    "SELECT ra, dec FROM spectra UNION ALL SELECT dec, ra FROM spectra": {},
    "SELECT ra FROM (SELECT ra * 2 AS ra FROM spectra)": {},
    "WITH spectra AS (SELECT 1.5::DOUBLE AS ra) SELECT ra FROM spectra": {},
    "SELECT ra, star FROM stars": {},
    "SELECT * FROM stars, spectra": {"dec": "dec"},
    "SELECT spectra.ra, star FROM stars, spectra": {"ra": "ra"},
    "SELECT ra::FLOAT AS ra FROM spectra": {},
    "SELECT x.b FROM spectra AS x(a, b, c)": {},
    "SELECT columns('ra|dec') FROM spectra": {},
    "SELECT min(ra) FROM spectra": {},
    "VALUES (1)": {},
    "DESCRIBE spectra": {},
}


@pytest.mark.parametrize("text", PLAIN)
def test_plain_columns_keep_what_is_known_of_them(mirror: Mirror, text: str) -> None:
    found = mirror.sql(text, tables=STARS)
    assert len(found.schema) == len(found.arrow_schema)
    told = {column.name.lower(): column for column in found.schema if column.ucd or column.unit or column.description}
    for name, origin in PLAIN[text].items():
        known = mirror.schema[origin]
        assert (told[name].unit, told[name].ucd, told[name].description) == (known.unit, known.ucd, known.description)
        assert (found.to_arrow().schema.field(told[name].name).metadata[b"ucd"].decode()) == known.ucd
    if not PLAIN[text]:
        assert not told


def test_units_go_into_files(mirror: Mirror, tmp_path) -> None:
    from astropy.table import Table

    found = mirror.sql("SELECT ra AS alpha, ssa_snr * 2 AS twice FROM spectra LIMIT 3")
    found.write(tmp_path / "x.ecsv")
    table = Table.read(tmp_path / "x.ecsv")
    assert (str(table["alpha"].unit), table["twice"].unit) == ("deg", None)


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        ("sum(i) FROM (VALUES (1), (2)) t(i)", "int64", 3),
        (f"sum(i) FROM (VALUES ({2**63 - 1}), (1)) t(i)", "decimal128(38, 0)", Decimal(2**63)),
        ("1.25", "double", 1.25),
        ("(0.1)::DECIMAL(38, 20) AS x", "double", 0.1),
        ("12::DECIMAL(10, 0)", "int64", 12),
        ("'x'::ENUM('x', 'y')", "string", "x"),
        ("NULL", "string", None),
        ("1::UTINYINT", "uint8", 1),
        ("{'a': 1}", "struct<a: int32>", {"a": 1}),
        ("uuid()::VARCHAR IS NOT NULL", "bool", True),
    ],
)
def test_types(mirror: Mirror, expression: str, kind: str, value: object) -> None:
    table = mirror.sql(f"SELECT {expression}").to_arrow()
    assert str(table.schema[0].type) == kind
    assert table.column(0).to_pylist() == [value]


def test_an_interval_is_written(mirror: Mirror, tmp_path) -> None:
    text = "SELECT n * INTERVAL 36 HOUR AS wait FROM (VALUES (1), (NULL), (2)) t(n)"
    mirror.sql(text).write(tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text().splitlines() == ["wait", "PT36H", "", "PT72H"]


@pytest.mark.parametrize("kind", ["BIT", "BIGNUM", "TIMETZ", "VARIANT"])
def test_types_that_only_duckdb_has_are_refused_by_name(mirror: Mirror, kind: str) -> None:
    text = {"BIT": "'101'", "TIMETZ": "'12:00:00+01'"}.get(kind, "1")
    with pytest.raises(ParameterError, match=r"gives a column 'odd' of type .* cast it, as in odd::VARCHAR"):
        mirror.sql(f"SELECT {text}::{kind} AS odd")


@pytest.mark.parametrize("rows", [10, 10**9])
def test_a_query_runs_once(mirror: Mirror, rows: int) -> None:
    engine = mirror.engine
    text = "SELECT random() AS r, sum(obsid) OVER () AS s FROM spectra WHERE random() < 0.5"
    limit = MemoryLimit(rows, 1 << 30)
    columns = WholeColumns(engine.catalog, engine.row_groups, engine.cache)
    found = run_sql(engine.session, engine.catalog, columns, text, in_memory=limit)
    assert isinstance(found.rows, SpooledRows) is (rows == 10)
    first, again = (pa.Table.from_batches(found.rows.batches(), found.arrow) for _ in range(2))
    assert first.equals(again)
    assert len(found.rows) == first.num_rows > 100
    assert first.schema.field("s").type == pa.int64()


@pytest.mark.parametrize("ask", ["sql", "adql"])
def test_a_value_that_cannot_be_converted_is_said(ask: str, corpus_mirror: Mirror) -> None:
    text = "SELECT CAST(CASE WHEN obsid = {} THEN 'x' ELSE '1' END AS INTEGER) AS n FROM spectra"
    last = corpus_mirror.sql("SELECT last(obsid) AS last FROM spectra")["last"][0]
    with pytest.raises(ParameterError, match="Could not convert string 'x'"):
        getattr(corpus_mirror, ask)(text.format(last))
