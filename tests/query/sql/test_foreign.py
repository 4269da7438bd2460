"""Files of any format in SQL: beside the mirror as tables, and as mirrors of their own."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ssap_query as ssap
from astropy import units as u
from astropy.table import MaskedColumn, QTable, Table
from ssap_mirror import sync
from ssap_mirror.errors import FormatError, ParameterError
from ssap_query.mirror.mirror import Mirror

NAN = float("nan")


@pytest.fixture(scope="module")
def mirror(awkward) -> Mirror:
    return ssap.open("tiny", awkward.home)


def stars() -> Table:
    """A table with units, odd names, NaN and a masked value."""
    table = Table({"ra": [10.0, 20.0, 30.0], "dec": [0.0, 5.0, -5.0]}, units=["deg", "deg"])
    table["R(mag)"] = np.array([1.5, NAN, 3.5], "f4") * u.mag
    table["_id"] = MaskedColumn([2**60 + 1, 0, 3], mask=[False, True, False])
    table["rowid"] = [7, 8, 9]
    return table


def text(table: Table) -> str:
    lines = [",".join("" if value is np.ma.masked else str(value) for value in row) for row in table]
    return "\n".join((",".join(table.colnames), *lines)) + "\n"


def votable(path: Path) -> None:
    from astropy.io.votable import from_table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are no identifiers
        document = from_table(stars())
    document.get_first_table().fields[2].ucd = "phot.mag;em.opt.R"
    document.to_xml(str(path), tabledata_format="binary2")


# How each is written, and whether it tells units
FORMATS: dict[str, tuple[Callable[[Path], Any], bool]] = {
    "stars.fits": (lambda path: stars().write(path), True),
    "stars.vot": (votable, True),
    "stars.ecsv": (lambda path: stars().write(path), True),
    "stars.csv": (lambda path: path.write_text(text(stars())), False),
    "stars.txt": (lambda path: path.write_text("# a table\n" + text(stars()).replace(",", ";")), False),
    "stars.parquet": (lambda path: QTable(stars()).write(path), True),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_beside_the_mirror(mirror: Mirror, name: str, tmp_path: Path) -> None:
    write, has_units = FORMATS[name]
    write(tmp_path / name)
    found = mirror.sql(f"""SELECT _id, "R(mag)", s.dec, rowid, ra + 1 AS more FROM '{tmp_path / name}' s ORDER BY ra""")
    rows = found.to_arrow().to_pylist()
    assert [row["_id"] for row in rows] == [2**60 + 1, None, 3]
    assert [row["rowid"] for row in rows] == [7, 8, 9]
    assert [row["more"] for row in rows] == [11, 21, 31]
    assert rows[0]["R(mag)"] == 1.5
    assert np.isnan(rows[1]["R(mag)"])
    told = {column.name: column.unit for column in found.schema}
    assert told["dec"] == ("deg" if has_units else None)
    assert told["R(mag)"] == ("mag" if has_units else None)
    assert told["more"] is None
    if name == "stars.vot":
        assert found.schema["R(mag)"].ucd == "phot.mag;em.opt.R"
    joined = mirror.sql(f"SELECT count(*) AS n FROM spectra, '{tmp_path / name}' WHERE _id = 3").to_arrow()
    assert joined["n"].to_pylist() == [len(mirror.sql("FROM spectra"))]


@pytest.mark.parametrize("name", FORMATS)
def test_a_mirror_of_a_file(name: str, tmp_path: Path) -> None:
    write, has_units = FORMATS[name]
    write(tmp_path / name)
    sync("stars", source=tmp_path / name, home=tmp_path / "home")
    mirror = ssap.open("stars", tmp_path / "home")
    text = 'SELECT "R(mag)", _id, rowid FROM {} ORDER BY ra'
    plain, raw = (mirror.sql(text.format(view)) for view in ("spectra", "spectra_raw"))
    assert plain.to_arrow()["R(mag)"].to_pylist() == [1.5, None, 3.5]
    assert np.isnan(raw.to_arrow()["R(mag)"][1].as_py())
    for found in (plain, raw):
        assert found.to_arrow()["_id"].to_pylist() == [2**60 + 1, None, 3]
        assert found.to_arrow()["rowid"].to_pylist() == [7, 8, 9]
        assert [column.unit for column in found.schema] == ["mag" if has_units else None, None, None]
    best = mirror.sql('SELECT max("R(mag)") AS most, avg("R(mag)") AS mean FROM spectra').to_arrow().to_pylist()
    assert best == [{"most": 3.5, "mean": 2.5}]
    assert len(mirror.sql('FROM spectra WHERE "R(mag)" > 2')) == 1


def test_only_the_columns_that_are_read(mirror: Mirror, tmp_path: Path) -> None:
    path = tmp_path / "stars.fits"
    stars().write(path)
    for statement, columns in (
        ("SELECT * FROM {}", 5),
        ("FROM {} JOIN {} AS other USING (rowid)", 9),
        ("SELECT s FROM {} s", 1),
        ("SELECT t.b FROM {} AS t(a, b)", 1),
        ("SELECT columns('.*') FROM {} NATURAL JOIN (SELECT 7 AS rowid)", 5),
    ):
        found = mirror.sql(statement.replace("{}", f"'{path}'"))
        assert len(found.schema) == columns, statement
    assert mirror.sql(f"SELECT count(*) AS n FROM '{path}'").to_arrow()["n"].to_pylist() == [3]


@pytest.mark.extra("pandas")
def test_tables_by_name(mirror: Mirror, tmp_path: Path) -> None:
    stars().write(tmp_path / "stars.fits")
    kinds = {"path": tmp_path / "stars.fits", "astropy": stars(), "quantities": {"dec": [0.0, 5.0, -5.0] * u.deg}}
    for kind in (*kinds, "arrow", "frame"):
        table = stars().to_pandas() if kind == "frame" else kinds.get(kind)
        if kind == "arrow":
            field = pa.field("dec", pa.float64(), metadata={"unit": "deg"})
            table = pa.table({"dec": [0.0, 5.0, -5.0]}, schema=pa.schema([field]))
        found = mirror.sql("SELECT dec FROM stars ORDER BY dec", tables={"stars": table})
        assert found.to_arrow()["dec"].to_pylist() == [-5.0, 0.0, 5.0], kind
        assert found.schema["dec"].unit == (None if kind == "frame" else "deg")
    with pytest.raises(ParameterError, match=r"tables: .builtins.int. is neither a path"):
        mirror.sql("FROM stars", tables={"stars": 5})


def test_what_is_no_table_is_said_by_whoever_reads_it(mirror: Mirror, tmp_path: Path) -> None:
    for name in ("there is none.fits", "none.csv"):
        with pytest.raises(ParameterError, match="SQL error"):
            mirror.sql(f"FROM '{tmp_path / name}'")
    (tmp_path / "a.json").write_text('[{"x": 1}]')
    (tmp_path / "bad.fits").write_text("SIMPLE  = nothing else")
    pq.write_table(pa.table({"x": pa.array([1.0])}), tmp_path / "a.parquet")
    with pytest.raises(FormatError, match=r"bad.fits: a damaged FITS file"):
        mirror.sql(f"FROM '{tmp_path / 'bad.fits'}'")
    assert mirror.sql(f"FROM '{tmp_path / 'a.parquet'}'").to_arrow().to_pylist() == [{"x": 1.0}]
