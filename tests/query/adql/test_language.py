"""ADQL as a language: what it gives, in which order and units, and what is refused and why."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
import ssap_query as ssap
from ssap_mirror import build_mirror
from ssap_mirror.core.schema import Column, Schema
from ssap_query.adql.language.functions import FUNCTIONS

NAN = float("nan")
SCHEMA = Schema(
    (
        Column("id", "long", ucd="meta.id;meta.main"),
        Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
        Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main"),
        Column("snr", "float", ucd="stat.snr", description="How good it is"),
        Column("wave", "double", unit="Angstrom", ucd="em.wl"),
        Column("name", "char", "*"),
        Column("size", "int"),
        Column("mags", "float", "2", unit="mag"),
    )
)
ROWS = {
    "id": [1, 2, 3, 4, 5, 6],
    "ra": [10.0, 20.0, 30.0, 40.0, 50.0, 60.0],
    "dec": [0.0, 5.0, -5.0, 10.0, 45.0, -45.0],
    "snr": [12.0, NAN, None, 60.0, 7.5, 30.0],
    "wave": [5000.0, 6000.0, None, 4000.0, 6562.8, 1.0],
    "name": ["alpha", "Beta", None, "it's", "", "alpha beta#gamma"],
    "size": [1, 2, 3, 4, None, 7],
    "mags": [[1.0, NAN], None, [2.0, 3.0], [4.0, 5.0], [6.0, 7.0], [8.0, 9.0]],
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> ssap.Mirror:
    home = tmp_path_factory.mktemp("home")
    table = pa.table(ROWS, schema=SCHEMA.arrow_schema())
    build_mirror(table.to_batches(), SCHEMA, home / "m-1", name="m-1", title="made up")
    return ssap.open("m-1", home)


def rows(mirror: ssap.Mirror, text: str) -> list[tuple[object, ...]]:
    return list(zip(*mirror.adql(text).to_arrow().to_pydict().values(), strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # As on PostgreSQL, NULL is larger than anything; a NaN is NULL.
        ("SELECT id FROM spectra ORDER BY snr, id", [5, 1, 6, 4, 2, 3]),
        ("SELECT id FROM spectra ORDER BY snr DESC, id DESC", [3, 2, 4, 6, 1, 5]),
        ("SELECT TOP 2 id FROM spectra ORDER BY id DESC", [6, 5]),
        ("SELECT TOP 2 id FROM spectra ORDER BY id OFFSET 3", [4, 5]),
        ("SELECT TOP 0 id FROM spectra", []),
        ("SELECT id FROM spectra WHERE snr > 20 ORDER BY 1", [4, 6]),
        ("SELECT id FROM spectra WHERE NOT snr > 20 ORDER BY id", [1, 5]),
        ("SELECT COUNT(snr) FROM spectra", [4]),
        ("SELECT MAX(snr) FROM spectra", [60.0]),
        ("SELECT id AS n FROM spectra WHERE name IS NULL OR name = '' ORDER BY n", [3, 5]),
        ("SELECT id FROM spectra WHERE name = 'it''s'", [4]),
        ("SELECT id FROM spectra WHERE name ILIKE 'ALPHA%' AND id IN (1, 2, 3)", [1]),
        ("SELECT id FROM spectra WHERE name LIKE 'b%'", []),
        ("SELECT id FROM spectra WHERE id NOT BETWEEN 2 AND 5 ORDER BY id", [1, 6]),
        ("SELECT id FROM spectra WHERE \"size\" = 7", [6]),
        ("SELECT ID FROM Spectra WHERE SIZE = 7", [6]),
        ("SELECT s.id FROM m_1.spectra AS s WHERE s.size = 7", [6]),
        ("SELECT m_1.spectra.id FROM m_1.spectra WHERE spectra.size = 7", [6]),
        ("SELECT 1/2 + 1 FROM spectra WHERE id = 1", [1]),
        ("SELECT 1/2. FROM spectra WHERE id = 1", [0.5]),
        ("SELECT 0.1 + 0.2 FROM spectra WHERE id = 1", [0.1 + 0.2]),
        ("SELECT 0xff FROM spectra WHERE id = 1", [255]),
        ("SELECT 5 & 4 | 2 FROM spectra WHERE id = 1", [6]),
        ("SELECT 5 ^ 1 FROM spectra WHERE id = 1", [4]),
        ("SELECT -id FROM spectra WHERE id = 1", [-1]),
        ("SELECT LOG10(100) FROM spectra WHERE id = 1", [2.0]),
        ("SELECT SQRT(id - 2) FROM spectra WHERE id < 3 ORDER BY id", [None, 0.0]),
        ("SELECT id FROM spectra WHERE SQRT(id - 5) > 0", [6]),
        ("SELECT MOD(-7, 3) FROM spectra WHERE id = 1", [-1]),
        ("SELECT TRUNCATE(2.567, 1) FROM spectra WHERE id = 1", [2.5]),
        ("SELECT ROUND(1234.5, -2) FROM spectra WHERE id = 1", [1200.0]),
        ("SELECT CAST(ra AS VARCHAR(2)) FROM spectra WHERE id = 1", ["10"]),
        ("SELECT CAST(wave AS INTEGER) FROM spectra WHERE id = 5", [6563]),
        ("SELECT COALESCE(snr, -1) FROM spectra WHERE id IN (2, 3)", [-1.0, -1.0]),
        (
            "SELECT CASE WHEN id > 3 THEN 'far' ELSE 'near' END FROM spectra WHERE id IN (3, 4) ORDER BY 1", ["far",
            "near"],
        ),
        ("SELECT CASE id WHEN 1 THEN 2 END FROM spectra WHERE id < 3 ORDER BY id", [2, None]),
        ("SELECT name || '!' FROM spectra WHERE id = 1", ["alpha!"]),
        ("SELECT IN_UNIT(wave, 'nm') FROM spectra WHERE id = 1", [500.0]),
        ("SELECT IN_UNIT(MAX(wave), 'm') FROM spectra", [6.5628e-07]),
        ("SELECT IN_UNIT(w, 'um') FROM (SELECT wave AS w FROM spectra WHERE id = 2) AS q", [0.6]),
        ("SELECT ivo_hasword(name, 'BETA') FROM spectra WHERE id IN (1, 6) ORDER BY id", [0, 1]),
        ("SELECT ivo_hashlist_has(name, 'Gamma') FROM spectra WHERE id = 6", [1]),
        ("SELECT id FROM spectra WHERE 1 = ivo_nocasematch(name, 'BETA')", [2]),
        ("SELECT id FROM spectra WHERE 1 = ivo_interval_overlaps(id, id + 1, 6.5, 9)", [6]),
        ("SELECT ivo_string_agg(name, ',') FROM (SELECT TOP 2 name FROM spectra ORDER BY id) AS q", ["alpha,Beta"]),
        ("SELECT id FROM spectra WHERE id < 3 UNION SELECT id FROM spectra WHERE id < 2 ORDER BY id DESC", [2, 1]),
        ("SELECT id FROM spectra WHERE id < 3 UNION ALL SELECT TOP 1 id FROM spectra WHERE id < 2", [1, 1, 2]),
        ("SELECT TOP 1 id FROM spectra WHERE id > 4 UNION ALL SELECT 9 FROM spectra WHERE id = 1", [5, 9]),
        ("SELECT id FROM spectra EXCEPT SELECT id FROM spectra WHERE id > 1", [1]),
        ("SELECT id FROM spectra INTERSECT SELECT \"size\" FROM spectra WHERE \"size\" > 3", [4]),
        ("WITH bright AS (SELECT id, snr AS s FROM spectra WHERE snr > 20) SELECT MIN(s) FROM bright", [30.0]),
        ("WITH a (x) AS (SELECT id FROM spectra), b AS (SELECT x + 1 AS y FROM a) SELECT MAX(y) FROM b", [7]),
        ("SELECT COUNT(DISTINCT name) FROM spectra", [5]),
        ("SELECT DISTINCT 1 FROM spectra", [1]),
        ("SELECT COUNT(*) AS n FROM spectra GROUP BY id / 4 HAVING COUNT(*) > 2 ORDER BY n", [3, 3]),
        ("SELECT a.id FROM spectra AS a JOIN spectra AS b ON a.id = b.size WHERE b.id = 6", []),
        (
            "SELECT b.id FROM spectra AS a LEFT JOIN spectra AS b ON a.id = b.size AND b.id < 3 ORDER BY a.id",
            [1, 2] + [None] * 4,
        ),
        (
            "SELECT id FROM spectra AS a JOIN (SELECT id, ra r FROM spectra) AS b USING (id) WHERE r > 45 ORDER BY id",
            [5, 6],
        ),
        ("SELECT id FROM spectra NATURAL JOIN (SELECT id, ra FROM spectra WHERE id = 2) AS b", [2]),
        (
            "SELECT id FROM spectra AS o WHERE snr = (SELECT MAX(i.snr) FROM spectra AS i WHERE i.size = o.size)",
            [1, 4, 6],
        ),
        (
            "SELECT id FROM spectra AS o WHERE EXISTS (SELECT * FROM spectra AS i WHERE i.size = o.id + 1) ORDER BY id",
            [1, 2, 3, 6],
        ),
        ("SELECT id FROM spectra AS a, spectra AS b WHERE 1 = 0 AND a.id = 1", None),
        ("SELECT column_name FROM TAP_SCHEMA.columns WHERE table_name = 'm_1.spectra' AND unit = 'mag'", ["mags"]),
        (
            "SELECT column_name FROM TAP_SCHEMA.columns WHERE table_name = 'm_1.spectra' AND datatype = 'int'",
            ['"size"'],
        ),
        ("SELECT -- a note; with a semicolon\n id FROM spectra WHERE id = 1;", [1]),
    ],
)  # fmt: skip
def test_gives(small: ssap.Mirror, text: str, expected: list[object] | None) -> None:
    if expected is None:
        with pytest.raises(ssap.ParameterError, match="2 of its tables have"):
            small.adql(text)
        return
    found = [row[0] for row in rows(small, text)]
    if " ORDER BY " in text.upper() or len(expected) < 2:
        assert found == expected
    else:
        assert Counter(found) == Counter(expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no query"),
        ("SELECT", "without columns"),
        ("SELECT id FROM spectra LIMIT 5", "TOP"),
        ("SELECT id FROM spectra; SELECT 2 FROM spectra", "2 statements"),
        ("DROP TABLE spectra", "cannot be read"),
        ("CREATE TABLE x AS SELECT * FROM spectra", "cannot be read"),
        ("COPY spectra TO 'x'", "cannot be read"),
        ("ATTACH 'x.db'", "cannot be read"),
        ("SET threads = 1", "cannot be read"),
        ("PRAGMA database_list", "no query"),
        ("VALUES (1)", "cannot be read|no query"),
        ("SELECT * INTO x FROM spectra", "cannot be read"),
        ("SELECT * FROM read_csv('/etc/passwd')", "no table"),
        ("SELECT * FROM '/etc/passwd'", "not here"),
        ("SELECT * FROM \"/etc/passwd\"", "not here"),
        ("SELECT * FROM information_schema.tables", "not here"),
        ("SELECT * FROM spectra_raw", "not here"),
        ("SELECT * FROM \"m_1.spectra@files\"", "not here"),
        ("SELECT read_text('/etc/passwd') FROM spectra", "no function"),
        ("SELECT getenv('HOME') FROM spectra", "no function"),
        ("SELECT adql_point(1, 2) FROM spectra", "no function"),
        ("SELECT nothing FROM spectra", "none of its tables"),
        ("SELECT x.id FROM spectra", "none of its tables"),
        ("SELECT _healpix_29 FROM spectra", "none of its tables"),
        ("SELECT spectra FROM spectra", "none of its tables"),
        ("SELECT id FROM spectra WHERE n > 1 GROUP BY n", "none of its tables"),
        ("SELECT id FROM nowhere", "not here"),
        ("SELECT ra FROM spectra AS a, spectra AS b", "which one"),
        ("SELECT MOD(1) FROM spectra", "arguments"),
        ("SELECT id FROM spectra WHERE id IS 5", "after IS"),
        ("SELECT id FROM spectra WHERE 1 = CONTAINS(POINT(ra, dec), REGION('CIRCLE ICRS nan 1 1'))", "CIRCLE|REGION"),
        ("SELECT id[1] FROM spectra", "ADQL does not have"),
        ("SELECT SUM(id) OVER (PARTITION BY ra) FROM spectra", "window"),
        ("SELECT id FROM spectra WHERE 1 < (id AS x)", "where a value has to be"),
        ("SELECT ra FROM spectra GROUP BY ra HAVING (ra AS DOUBLE) > 1", "where a value has to be"),
        ("SELECT id FROM spectra WHERE * > 1", "where a value has to be|cannot be read"),
        ("SELECT ABS(DISTINCT id) FROM spectra", "where a value has to be"),
        ("SELECT 0.0.1 FROM spectra", "cannot be read|does not have"),
        ("SELECT COS(.5.) FROM spectra", "cannot be read"),
        ("SELECT id FROM spectra WHERE id IN size", "after IN"),
        ("SELECT id FROM spectra WHERE id NOT IN x (1, 2)", "after IN|cannot be read|no function"),
        ("SELECT $1 FROM spectra", "none of its tables"),
        ("SELECT {'a': 1} FROM spectra", "ADQL does not have|cannot be read"),
        ("SELECT id::TEXT FROM spectra", "cannot be read|does not have"),
        ("SELECT CAST(id AS BLOB) FROM spectra", "casts|cannot be read"),
        ("SELECT TOP 'x' id FROM spectra", "number of rows|cannot be read"),
        ("SELECT id FROM spectra WHERE 1 = CONTAINS(POINT('GALACTIC', ra, dec), CIRCLE(1, 2, 3))", "GALACTIC"),
        ("SELECT id FROM spectra WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(1, 2, -3))", "radius"),
        ("SELECT id FROM spectra WHERE 1 = CONTAINS(POINT(ra, 91), CIRCLE(1, 2, 3))", "latitude"),
        ("SELECT id FROM spectra WHERE 1 = CONTAINS(ra, CIRCLE(1, 2, 3))", "point"),
        ("SELECT id FROM spectra WHERE 1 = CONTAINS(POINT(ra, dec), POLYGON(1, 2, 3))", "POLYGON"),
        ("SELECT IN_UNIT(wave, 'kg') FROM spectra", "kg"),
        ("SELECT IN_UNIT(id, 'm') FROM spectra", "not known"),
        ("SELECT IN_UNIT(wave, name) FROM spectra", "quotes"),
        ("SELECT id, ra FROM spectra UNION SELECT id FROM spectra", "columns"),
        ("SELECT id FROM spectra ORDER BY 2", "columns"),
        ("SELECT id FROM spectra GROUP BY ALL", "ALL|cannot be read"),
        ("SELECT q.id FROM (SELECT id, ra AS id FROM spectra) AS q", "gives 2"),
        ("SELECT id FROM spectra LEFT JOIN spectra AS b", "without ON"),
        ("SELECT id, COUNT(*) FROM spectra", "cannot be answered"),
        ("SELECT 1 / 0 FROM spectra", "cannot be answered"),
        ("SELECT id FROM spectra WHERE name > 5", "cannot be answered"),
        ("SELECT " + "(" * 5000 + "1" + ")" * 5000 + " FROM spectra", "nested|cannot be read"),
        ("SELECT '" + "x" * 300_000 + "' FROM spectra", "longer"),
        ("SELECT id FROM spectra WHERE name = 'open", "cannot be read"),
        ("SELECT id AS '' FROM spectra", "without any character"),
        ("SELECT id FROM spectra WHERE ra != dec = wave", "outcome of a comparison"),
        ("SELECT id FROM spectra WHERE ra BETWEEN 1 AND 2 NOT IN (1, 2)", "outcome of a comparison"),
        ("SELECT id FROM spectra WHERE ra IS NULL IS NULL", "outcome of a comparison"),
        ("SELECT id FROM spectra WHERE id LIKE 'a' ESCAPE '!' = 'b'", "outcome of a comparison"),
        ("SELECT id FROM spectra WHERE ra = NOT dec", "outcome of a comparison"),
        ("SELECT COUNT(*) FROM spectra GROUP BY HAVING 1 = 1", "groups by nothing"),
    ],
)  # fmt: skip
def test_refuses(small: ssap.Mirror, text: str, reason: str) -> None:
    with pytest.raises(ssap.ParameterError, match=reason) as caught:
        small.adql(text)
    assert caught.value.name == "QUERY"
    assert caught.value.value == text


def test_units(small: ssap.Mirror) -> None:
    found = small.adql(
        "SELECT q.*, MAX(q.w) AS longest, COUNT(*) AS n, q.w + 1 AS more, IN_UNIT(q.w, 'nm') AS nm FROM"
        " (SELECT snr, wave AS w, mags FROM spectra) AS q GROUP BY q.snr, q.w, q.mags"
    )
    known = {column.name: (column.unit, column.ucd) for column in found.schema}
    assert found.schema["snr"] == SCHEMA["snr"]
    assert found.schema["mags"] == SCHEMA["mags"]
    assert known["w"] == ("Angstrom", "em.wl")
    assert known["longest"] == ("Angstrom", "stat.max;em.wl")
    assert known["n"] == (None, "meta.number")
    assert known["more"] == (None, None)
    assert known["nm"] == ("nm", "em.wl")


def test_limits(small: ssap.Mirror) -> None:
    assert small.adql("SELECT id FROM spectra", maxrec=6).status == "OK"
    found = small.adql("SELECT id FROM spectra ORDER BY id", maxrec=4)
    assert (found.status, found.to_arrow()["id"].to_pylist()) == ("OVERFLOW", [1, 2, 3, 4])
    assert small.adql("SELECT TOP 4 id FROM spectra", maxrec=4).status == "OK"
    assert small.adql("SELECT id FROM spectra UNION ALL SELECT id FROM spectra", maxrec=11).status == "OVERFLOW"
    assert len(small.adql("SELECT id FROM spectra", maxrec=0)) == 0


def test_names_of_columns(small: ssap.Mirror, tmp_path: Path) -> None:
    found = small.adql('SELECT ID, snr AS "S/N", COUNT(*), id + 1, (ra), a.id FROM spectra AS a GROUP BY id, snr, ra')
    assert found.schema.names == ("id", "S/N", "count", "column_4", "ra", "id")
    found.write(tmp_path / "out.vot")
    star = small.adql("SELECT * FROM spectra")
    assert star.schema.columns[: len(SCHEMA)] == SCHEMA.columns


def test_uploads(small: ssap.Mirror, tmp_path: Path) -> None:
    small.adql("SELECT id, wave AS w FROM spectra WHERE id < 4").write(tmp_path / "mine.vot")
    text = (
        "SELECT u.w, IN_UNIT(u.w, 'nm') AS nm FROM TAP_UPLOAD.mine AS u JOIN spectra AS s ON u.id = s.id ORDER BY s.id"
    )
    found = small.adql(text, {"mine": tmp_path / "mine.vot"})
    assert found.to_arrow()["nm"].to_pylist() == [500.0, 600.0, None]
    assert found.schema["w"].unit == "Angstrom"
    odd = {"x": pa.array([1.0, NAN, None]), "y": pa.array(["a", None, "b"])}
    counted = small.adql("SELECT COUNT(x) AS n, COUNT(*) AS m FROM tap_upload.odd", {"odd": pa.table(odd)})
    assert counted.to_arrow().to_pylist() == [{"n": 1, "m": 3}]
    with pytest.raises(ssap.ParameterError, match="no name of a table"):
        small.adql("SELECT 1 FROM spectra", {"a b": pa.table(odd)})
    with pytest.raises(ssap.ParameterError, match="not here"):
        small.adql("SELECT * FROM tap_upload.odd")


def test_no_other_file_can_be_opened(small: ssap.Mirror) -> None:
    """Should a statement of anybody's ever get to DuckDB, it finds no file but those of the snapshot."""
    import duckdb
    from ssap_query.mirror.interfaces import adql as adql_mirror

    small.adql("SELECT id FROM spectra")
    database = adql_mirror._database(small.engine)
    for statement in (
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/written'",
        "ATTACH '/tmp/written.db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ):
        with pytest.raises(duckdb.Error):
            database._root.cursor().execute(statement)


WORDS = r"""
SELECT FROM WHERE AND OR NOT ( ) , * . = < > + - / || ' " ; -- TOP 5 1e3 0x1 AS a b id ra dec snr name
spectra m_1.spectra tap_schema.tables JOIN LEFT ON USING NATURAL UNION ALL EXCEPT WITH GROUP BY ORDER HAVING
OFFSET LIMIT CASE WHEN THEN END CAST INTEGER BETWEEN IN EXISTS LIKE ILIKE IS NULL DISTINCT 'x' CIRCLE
PRAGMA ATTACH COPY read_csv [ ] { } $ ? : :: % @ # ~ ^ & | \ é 'ICRS' 1 0 , ( ) , ( )
"""


def test_anything_is_answered_or_refused(small: ssap.Mirror) -> None:
    dice = random.Random(7)
    words = [*WORDS.split(), "\x00", *FUNCTIONS]
    starts = ["SELECT id FROM spectra WHERE ", "SELECT ", "SELECT * FROM spectra ", "", "WITH a AS (SELECT 1 AS x) "]
    answered = refused = 0
    for _ in range(600):
        text = dice.choice(starts) + " ".join(dice.choice(words) for _ in range(dice.randint(0, 9)))
        try:
            small.adql(text, maxrec=10)
            answered += 1
        except ssap.ParameterError:
            refused += 1
    assert answered > 10
    assert refused > 10
