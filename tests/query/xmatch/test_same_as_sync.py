"""A match and a mirror of the same file agree on its positions, on its units, and on what they say of it."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ssap_mirror.sources.file.source import FileSource
from ssap_query.xmatch.inputs.tables import open_table
from ssap_query.xmatch.session import Limits, MatchSession

NAN = float("nan")
RA, DEC = [10.0, 150.25, 359.5], [-5.0, 0.5, 89.0]


def vizier(path: Path) -> None:
    path.write_text('# a table\nName\tRAJ2000\tDEJ2000\n\t"h:m:s"\t"d:m:s"\n----\t---\t---\na\t00 40 00\t-05 00 00\n')


def split(path: Path) -> None:
    path.write_text(
        "#\n#Column\tRAh\t(I2)\tHour of right ascension\nStar\tRAh\tRAm\tRAs\tDE-\tDEd\tDEm\n"
        " \th\tmin\ts\t \tdeg\tarcmin\n----\t--\t--\t--\t-\t--\t--\n"
        "a\t 0\t40\t00.0\t-\t00\t30\nb\t01\t20\t\t+\t05\t30\n"
    )


def binary(form: str) -> Callable[[Path], None]:
    """VOTable in a binary form, or packed; positions in minutes of arc, and a frame that is told."""

    def write(path: Path) -> None:
        from astropy.io import votable
        from astropy.table import Table

        table = Table({"lon": np.array(RA) * 60, "lat": np.array(DEC) * 60, "n": [1, 2, 3]})
        document = votable.from_table(table)
        document.resources[0].coordinate_systems.append(votable.tree.CooSys(ID="sky", system="eq_FK5"))
        for item, axis in zip(document.get_first_table().fields, ("ra", "dec"), strict=False):
            item.unit, item.ucd, item.ref = "arcmin", f"pos.eq.{axis};meta.main", "sky"
        document.to_xml(str(path), tabledata_format=form, compressed=path.suffix == ".gz")

    return write


def ipac(path: Path) -> None:
    path.write_text(
        "\\fixlen = T\n|   ra     |  dec   | name |\n|  double  | double | char |\n|  deg     |  deg   |      |\n"
        "|  null    |  null  |      |\n   10.0       -5.0     a   \n   null       0.5     b   \n"
    )


def ascii_fits(path: Path) -> None:
    from astropy.io import fits

    columns = [fits.Column(name, "F12.5", unit="deg", array=values) for name, values in (("RA", RA), ("DEC", DEC))]
    fits.TableHDU.from_columns(columns).writeto(path)


def skies(path: Path) -> None:
    from astropy.coordinates import SkyCoord
    from astropy.table import QTable

    QTable({"where": SkyCoord(RA, DEC, unit="deg").galactic, "n": [1, 2, 3]}).write(path)


def astropy_parquet(path: Path) -> None:
    from astropy import units
    from astropy.table import QTable

    QTable({"ra": np.radians(RA) * units.rad, "dec": np.array(DEC) * units.deg}).write(path)


def gaia(path: Path) -> None:
    head = "".join(f"# - {{name: {name}, datatype: float64, unit: deg}}\n" for name in ("ra", "dec"))
    text = f"# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n{head}ra,dec\n10.0,-5.0\nnull,null\n"
    path.write_bytes(gzip.compress(text.encode()))


def arrow(path: Path) -> None:
    from pyarrow import feather

    feather.write_feather(pa.table({"RAJ2000": RA, "DEJ2000": DEC}), path)


def old_votable(path: Path) -> None:
    path.write_text(
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>'
        '<COOSYS ID="old" system="eq_FK4" equinox="B1950" epoch="B1950"/><TABLE>'
        '<FIELD name="RA1950" datatype="double" unit="deg" ucd="pos.eq.ra;meta.main" ref="old"/>'
        '<FIELD name="DE1950" datatype="double" unit="deg" ucd="pos.eq.dec;meta.main" ref="old"/>'
        "<DATA><TABLEDATA><TR><TD>10</TD><TD>-5</TD></TR><TR><TD/><TD>0.5</TD></TR></TABLEDATA></DATA>"
        '</TABLE><TABLE name="second"/><INFO name="QUERY_STATUS" value="OVERFLOW"/></RESOURCE></VOTABLE>'
    )


def fits(ra: str, dec: str, unit: str, factor: float = 1.0) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        from astropy.table import Table

        table = Table({ra: np.array(RA) * factor, dec: np.array(DEC) * factor})
        for name in (ra, dec):
            table[name].unit = unit
        table.write(path)
        if unit == "deg":  # as SExtractor spells it
            path.write_bytes(path.read_bytes().replace(b"'deg     '", b"'degrees '"))

    return write


def ecsv(path: Path) -> None:
    from astropy import units
    from astropy.table import QTable

    QTable({"ra": np.array(RA) / 15 * units.hourangle, "dec": np.array(DEC) * 60 * units.arcmin}).write(path)


def parquet(columns: Mapping[str, object]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        pq.write_table(pa.table(columns), path)

    return write


FILES: dict[str, Callable[[Path], object]] = {
    "plain.csv": lambda path: path.write_text("id,ra,dec\n1,10,-5\n2,20,\n"),
    "german.csv": lambda path: path.write_text("id;ra;dec\n1;10,5;-5,25\n2;20,5;5,25\n"),
    "sexagesimal.csv": lambda path: path.write_text("ra,dec\n00:40:00,-05:00:00\n,\n1:2:3.4,+4 5 6\n"),
    "both.csv": lambda path: path.write_text("RAJ2000,DEJ2000,_RAJ2000,_DEJ2000\n00 40 00,-05 00 00,10.0,-5.0\n"),
    "galactic.csv": lambda path: path.write_text("star,l,b\na,10,20\nb,350,-60\n"),
    "vizier.tsv": vizier,
    "split.tsv": split,
    "old.vot": old_votable,
    "tabledata.vot": binary("tabledata"),
    "binary.vot": binary("binary"),
    "binary2.vot.gz": binary("binary2"),
    "ipac.tbl": ipac,
    "ascii.fits": ascii_fits,
    "skies.ecsv": skies,
    "astropy.parquet": astropy_parquet,
    "gaia.csv.gz": gaia,
    "stars.arrow": arrow,
    "degrees.fits": fits("ALPHA_J2000", "DELTA_J2000", "deg"),
    "rad.fits": fits("ra", "dec", "rad", np.pi / 180),
    "hours.ecsv": ecsv,
    "nan.parquet": parquet({"ra": [10.0, NAN, None], "dec": [0.0, 5.0, 5.0], "_id": [1, 2, 3]}),
    "single.parquet": parquet({"s_ra": pa.array(RA, pa.float32()), "s_dec": pa.array(DEC, pa.float32())}),
    "whole.parquet": parquet(
        {"ra": [10, 20, None], "dec": [1, 2, 3], "Rmag": [1.0, 2.0, 3.0], "rmag": [4.0, 5.0, 6.0]}
    ),
    "odd.parquet": parquet({"ra": RA, "dec": DEC, "blob": [b"\xff", None, b""], "deep": [{"x": 1}, None, {"x": 2}]}),
}
# What only one of them has to say: how the columns of a mirror are kept, and how exact a separation is.
OF_MIRROR = ("left out:", "rows without a position")
OF_MATCH = ("single precision",)


@pytest.mark.parametrize("name", FILES)
def test_same_positions_units_and_notes(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    FILES[name](path)
    session = MatchSession(Limits())
    side = open_table(session, path, "left")
    matched = session.connection.view("left_rows").project(f"{side.axes['ra']} AS ra, {side.axes['dec']} AS dec")
    source = FileSource(path)
    rows = pa.Table.from_batches(list(source.batches()))
    schema = source.describe()
    placed = 0
    for role, found in zip(("ra", "dec"), zip(*matched.fetchall(), strict=True), strict=True):
        kept = _numbers(rows[schema.roles[role]].to_pylist())
        np.testing.assert_array_equal(kept, _numbers(found))
        placed += np.isfinite(kept).sum()
    assert placed
    units = {item.name: (item.metadata or {}).get(b"unit", b"").decode() for item in side.schema}
    kept_units = {column.name: column.unit or "" for column in schema}
    shared = units.keys() & kept_units.keys()
    assert {name: kept_units[name] for name in shared} == {name: units[name] for name in shared}
    of_match = {note.removeprefix("left table: ") for note in side.notes}
    assert {note for note in source.notes if not note.startswith(OF_MIRROR)} == {
        note for note in of_match if not any(word in note for word in OF_MATCH)
    }


def _numbers(values: object) -> np.ndarray:
    return np.array([NAN if value is None else float(value) for value in values])  # type: ignore[attr-defined]
