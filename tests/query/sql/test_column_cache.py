"""Columns in memory give what the files give, and only where it is certain which columns a statement reads."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from ssap_query.engine.snapshot_cache import SnapshotCache
from ssap_query.sql.column_cache import Reading, WholeColumns, columns_read
from ssap_query.sql.user_sql import connection

CERTAIN = {
    "SELECT objtype, count(*) FROM spectra GROUP BY objtype": {"objtype"},
    "SELECT floor(ssa_snr / 5) AS bin, count(*) AS n FROM spectra GROUP BY bin ORDER BY bin": {"ssa_snr"},
    "SELECT healpix(4) AS cell, count(*) FROM spectra GROUP BY ALL ORDER BY cell": {"_healpix_29"},
    "SELECT s.RA, \"dec\" FROM spectra AS s WHERE s.ssa_snr > 500 OR s.ssa_snr IS NULL": {"ra", "dec", "ssa_snr"},
    "SELECT max(ssa_snr) FROM spectra WHERE mobsid IN (SELECT mobsid FROM spectra WHERE coadd = 1)": {
        "ssa_snr", "mobsid", "coadd"},
    "SELECT a.objtype, b.n FROM (SELECT DISTINCT objtype FROM spectra) a"
    " JOIN (SELECT objtype, count(*) AS n FROM spectra"
    " GROUP BY objtype) b USING (objtype)": {"objtype"},
    "SELECT ssa_location[2] FROM spectra WHERE ssa_location[2] > 80": {"ssa_location"},
    "SELECT obsid, row_number() OVER (PARTITION BY objtype ORDER BY mobsid) AS r FROM spectra": {
        "obsid", "objtype", "mobsid"},
    "SELECT ra FROM spectra UNION ALL SELECT dec FROM spectra": {"ra", "dec"},
    "WITH bright AS (SELECT objtype, ssa_snr FROM spectra WHERE ssa_snr > 50) SELECT objtype, avg(ssa_snr) FROM bright"
    " GROUP BY objtype": {"objtype", "ssa_snr"},
    "SELECT CASE WHEN coadd = 1 THEN 'sum' ELSE 'one' END AS kind, count(*) FROM spectra GROUP BY kind": {"coadd"},
    "SELECT count(ssa_targname) FROM spectra WHERE ssa_targname LIKE '%star%' AND coadd BETWEEN 0 AND 1": {
        "ssa_targname", "coadd"},
    "SELECT ssa_snr FROM spectra WHERE isnan(ssa_snr) OR ssa_snr >= 1e9": {"ssa_snr"},
    "SELECT DISTINCT objtype FROM spectra ORDER BY objtype DESC LIMIT 3": {"objtype"},
}  # fmt: skip

DOUBTFUL = [
    "SELECT * FROM spectra",
    "FROM spectra",
    "SELECT s.* FROM spectra s",
    "SELECT columns('ra.*') FROM spectra",
    "SELECT s FROM spectra s",
    "SELECT spectra FROM spectra",
    "SELECT count(spectra) FROM spectra",
    "SELECT ra FROM spectra NATURAL JOIN (SELECT 1 AS dec)",
    "SELECT x.ra FROM spectra AS x(ra)",
    "SELECT ra FROM main.spectra",
    "SELECT #1 FROM spectra",
    "SELECT ra FROM spectra, range(3)",
    "SELECT ra FROM query('FROM spectra')",
    "SELECT list_transform([1], lambda x: x + ra) FROM spectra",
    "DESCRIBE spectra",
    "SUMMARIZE spectra",
    "EXPLAIN SELECT ra FROM spectra",
    "PIVOT spectra ON objtype USING count(*)",
    "UNPIVOT spectra ON ra, dec INTO NAME n VALUE v",
    "SELECT ra FROM spectra ORDER BY ALL",
    "SELECT 1",
    "SELECT ra FROM (SELECT 1 AS ra)",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n, ra FROM r, spectra",
    "VALUES (1)",
]


def part(*names: str) -> Reading:
    return Reading(names, whole=False)


def kept(mirror) -> int:
    """Bytes of whole columns."""
    return mirror.engine.cache.sizes().get("whole column", 0)


def read_by(mirror, text: str) -> Reading | None:
    cursor = mirror.engine.session.cursor()
    try:
        return columns_read(cursor, text, mirror.catalog)
    finally:
        cursor.close()


@pytest.mark.parametrize("text", CERTAIN)
def test_columns_of_a_statement(text: str, mirror) -> None:
    assert set(read_by(mirror, text).columns) >= CERTAIN[text]


@pytest.mark.parametrize("text", DOUBTFUL)
def test_where_the_text_does_not_tell(text: str, mirror) -> None:
    assert read_by(mirror, text) is None


@pytest.mark.parametrize("text", [*CERTAIN, *DOUBTFUL[:-1]])
def test_the_same_answer_from_memory_and_from_the_files(text: str, awkward) -> None:
    first = awkward.open("one", cache_bytes=0)
    second = awkward.open("one")
    ordered = re.search(r"ORDER BY \w+( DESC LIMIT 3)?$", text)
    if text.startswith(("EXPLAIN", "SUMMARIZE")):
        text = f"SELECT count(*) AS n FROM ({text.partition(' ')[2]})"  # plans and estimates are not the same twice

    def rows(mirror) -> list[str]:
        table = mirror.sql(text).to_arrow()
        found = [repr(row) for row in table.to_pylist()]
        return [repr(table.schema.remove_metadata()), *(found if ordered else sorted(found))]

    expected = rows(first)
    assert [rows(second) for _ in range(3)] == [expected] * 3
    assert kept(first) == 0
    certain = read_by(second, text)
    if certain is None or not certain.columns or "isnan" in text:  # values as sent are read from the files
        assert kept(second) == 0
    elif not {"mobsid", "ssa_targname"} & set(certain.columns):  # text that does not repeat is not kept
        assert kept(second) > 0


def test_a_column_is_read_once_when_asked_again(awkward, monkeypatch) -> None:
    mirror = awkward.open("tiny")
    text = "SELECT max(ssa_snr) AS m FROM spectra WHERE ssa_snr < 1e9"
    first = mirror.sql(text).to_arrow()
    assert kept(mirror) == 0
    mirror.sql(text)
    assert kept(mirror) > 0
    monkeypatch.setattr(WholeColumns, "_load", None)
    assert mirror.sql(text).to_arrow().equals(first)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("SELECT max(ssa_snr) AS m FROM spectra", True),
        ("SELECT ssa_snr > 5 AS m, count(*) FROM spectra GROUP BY ALL HAVING count(*) > 1 ORDER BY m", True),
        ("SELECT max(ssa_snr) AS m FROM spectra WHERE ssa_snr < 1e9", False),
        ("SELECT max(m) FROM (SELECT ssa_snr AS m FROM spectra WHERE ssa_snr < 1e9)", False),
        ("SELECT ssa_snr FROM spectra LIMIT 5", False),
    ],
)
def test_a_statement_over_the_whole_table_loads_its_columns_at_once(text: str, *, whole: bool, awkward) -> None:
    mirror = awkward.open("tiny")
    assert read_by(mirror, text) == Reading(("ssa_snr",), whole)
    mirror.sql(text)
    assert (kept(mirror) > 0) == whole


def test_what_only_the_files_have(awkward) -> None:
    mirror = awkward.open("tiny")
    for _ in range(3):
        found = mirror.sql("SELECT ssa_snr, _healpix_29 FROM spectra WHERE ssa_snr > 50").to_arrow()
        assert len(found) > 10
    with pytest.raises(ValueError, match="nope"):
        mirror.sql("SELECT ssa_snr, nope FROM spectra")


def test_a_table_of_ones_own_called_spectra_wins(awkward) -> None:
    mirror = awkward.open("tiny")
    mine = pa.table({"ra": [1.0, 2.0]})
    for _ in range(3):
        assert mirror.sql("SELECT sum(ra) AS s FROM spectra", tables={"spectra": mine}).to_arrow()["s"].to_pylist() == [
            3
        ]
        mirror.sql("SELECT sum(ra) FROM spectra")


def test_what_is_kept_is_bounded(awkward) -> None:
    mirror = awkward.open("tiny")
    rows = mirror.catalog.rows
    cursor = connection(mirror.engine.session, mirror.catalog)
    cache = SnapshotCache(20 * rows)
    hot = WholeColumns(mirror.catalog, mirror.engine.row_groups, cache)
    for _ in range(2):
        hot.table(cursor, part("ra", "dec"))
    assert 0 < cache.size <= 20 * rows
    for _ in range(2):
        assert (hot.table(cursor, part("dec", "obsid")) is None) == (_ == 0)
        assert cache.size <= 20 * rows
    assert hot.table(cursor, part("ra", "dec", "obsid")) is None  # too large together
    for _ in range(2):
        assert hot.table(cursor, part("mobsid")) is None  # text that does not repeat
    assert (
        hot.table(cursor, part("dec")).column("dec").to_pylist()
        == mirror.sql("SELECT dec FROM spectra").to_arrow()["dec"].to_pylist()
    )
    cursor.close()
