"""A list of positions, from Python and from the command line: each row of the answer says which one it belongs to."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import ssap_query as ssap
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from ssap_mirror.errors import ParameterError
from ssap_query.mirror.interfaces.cones import read_cones
from ssap_query.mirror.shipped import SAMPLE, sample_path

from tests.support.extras import optional

from .conftest import Run

pd = optional("pandas")

SAMPLES = sample_path().parent
PLACES = [(292.06, 43.93), (10.0, -80.0), (292.1, 43.9)]


@pytest.fixture(scope="module")
def sample() -> ssap.Mirror:
    return ssap.open(SAMPLE, SAMPLES)


@pytest.fixture(scope="module")
def one_by_one(sample: ssap.Mirror) -> list[tuple[int, str]]:
    """What each place gives alone."""
    found = []
    for number, place in enumerate(PLACES):
        alone = sample.search(place, 0.7, snr=(300, None), columns=["mobsid"])
        found += [(number, identity) for identity in alone["mobsid"]]
    assert len(found) > 50
    return sorted(found)


def pairs(found: ssap.ResultSet, name: str = "cone") -> list[tuple[int, str]]:
    return sorted(zip(found[name].tolist(), found["mobsid"].tolist(), strict=True))


ra, dec = np.array(PLACES).T
FORMS: dict[str, Callable[[Path], object]] = {
    "array": lambda folder: np.array(PLACES),
    "pairs": lambda folder: PLACES,
    "SkyCoord": lambda folder: SkyCoord(ra, dec, unit="deg"),
    "list of SkyCoord": lambda folder: [SkyCoord(*place, unit="deg") for place in PLACES],
    "Quantities": lambda folder: [(place[0] * u.deg, place[1] * 60 * u.arcmin) for place in PLACES],
    "pandas": lambda folder: pd.DataFrame({"RAJ2000": ra, "DEJ2000": dec}),
    "astropy": lambda folder: Table({"ra": (ra / 15) * u.hourangle, "dec": dec * u.deg}),
    "file": lambda folder: _written(folder / "places.csv", "ra,dec\n" + "".join(f"{a},{d}\n" for a, d in PLACES)),
}


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_lists_of_any_form(form: str, sample: ssap.Mirror, one_by_one: list[tuple[int, str]], tmp_path: Path) -> None:
    found = sample.search(pos=FORMS[form](tmp_path), size=0.7, snr=(300, None), columns=["mobsid", "ra"])
    assert found.fieldnames == ("cone", "mobsid", "ra")
    assert pairs(found) == one_by_one
    assert "1 of 3 cones hold no row" in found.notes


@pytest.mark.parametrize(
    "pos", [PLACES[0], SkyCoord(*PLACES[0], unit="deg"), np.array(PLACES[0]), "292.06,43.93,10,-80"]
)
def test_one_position_and_text_are_a_region(pos: object, sample: ssap.Mirror) -> None:
    assert "cone" not in sample.search(pos=pos, size=0.7, columns=["mobsid"]).fieldnames


def test_names_and_numbers_of_the_list(sample: ssap.Mirror, tmp_path: Path) -> None:
    text = "source_id,l,b\n9007199254740993,75.6,12.2\n2,,\n3,75.6,12.2\n"
    found = sample.search(pos=_written(tmp_path / "x.csv", text), size=0.2, columns=["mobsid"], top=4)
    assert found.fieldnames == ("cone", "cone_name", "mobsid")
    assert set(found["cone"]) == {0, 2}
    assert set(found["cone_name"]) == {9007199254740993, 3}
    assert found.to_arrow()["mobsid"].to_pylist()[::2] == found.to_arrow()["mobsid"].to_pylist()[1::2]
    assert any("1 of 3 rows of the list have no position" in note for note in found.notes)
    by_ucd = Table({"star": ["a"], "label": ["b"], "ra": [1.0], "dec": [2.0]})
    by_ucd["label"].info.meta = {"ucd": "meta.id;meta.main"}
    assert read_cones(by_ucd).name_column.name == "label"


def test_a_mirror_that_has_a_column_cone(mirror_of, tmp_path: Path) -> None:
    import pyarrow as pa
    from ssap_mirror.core.schema import Column, Schema

    schema = Schema(
        (
            Column("cone", "char", "*", ucd="meta.id;meta.main"),
            Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
            Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main"),
        )
    )
    table = pa.table([["mine", "other"], [1.0, 200.0], [2.0, 3.0]], schema=schema.arrow_schema())
    mirror_of(table, schema, tmp_path, "odd", 100)
    found = ssap.open("odd", tmp_path).search(pos=[(1.0, 2.0)], size=1, verb=3)
    assert {name: found[name].tolist() for name in ("cone", "cone_2")} == {"cone": ["mine"], "cone_2": [0]}


def test_what_is_refused(sample: ssap.Mirror, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="holds no position"):
        sample.search(pos=np.empty((0, 2)))
    with pytest.raises(ParameterError, match="has no columns that are positions"):
        sample.search(pos=pd.DataFrame({"a": [1.0], "b": [2.0]}))
    with pytest.raises(ParameterError, match="gives none of 1 rows a position"):
        sample.search(pos=_written(tmp_path / "x.csv", "ra,dec\n,\n"))
    with pytest.raises(ParameterError, match="POS: '1,2' is given beside a list"):
        sample.ssap("REQUEST=queryData&POS=1,2", cones=read_cones(pd.DataFrame({"ra": [1.0], "dec": [2.0]})))


class TestCommand:
    def test_a_file(self, run: Run, tmp_path: Path, one_by_one: list[tuple[int, str]]) -> None:
        lines = "".join(f"{name},{a},{d}\n" for name, (a, d) in zip("xyz", PLACES, strict=True))
        _written(tmp_path / "places.csv", f"name,ra,dec\n{lines}")
        words = ("query", "--cones", "places.csv", "--size", "0.7", "--snr", "300/", "--columns", "mobsid")
        done = run(*words, "--sort", "-cone", home=SAMPLES)
        got = [line.split(",") for line in done.stdout.splitlines()]
        assert got[0] == ["cone", "cone_name", "mobsid"]
        assert sorted((int(number), identity) for number, _, identity in got[1:]) == one_by_one
        assert [row[1] for row in got[1:]] == sorted((row[1] for row in got[1:]), reverse=True)
        best = run(*words, "--per", "cone", "--best", "ssa_snr", "--format", "tsv", home=SAMPLES)
        assert [line.split("\t")[1] for line in best.stdout.splitlines()] == ["cone_name", "x", "z"]
        assert run(*words, "--count", home=SAMPLES).stdout == f"{len(one_by_one)}\n"
        assert "292.06, 43.93" in run(*words, "--explain", home=SAMPLES).stdout
        refused = run(*words, "-o", "places.csv", "--overwrite", home=SAMPLES)
        assert "is a table that is read" in refused.stderr

    def test_stdin(self, run: Run, monkeypatch: pytest.MonkeyPatch, one_by_one: list[tuple[int, str]]) -> None:
        text = "l,b\n" + "".join(f"{c.l.deg},{c.b.deg}\n" for c in SkyCoord(ra, dec, unit="deg").galactic)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        words = (
            "query",
            "--cones",
            "-",
            "--frame",
            "galactic",
            "--size",
            "0.7",
            "--snr",
            "300/",
            "--columns",
            "mobsid",
        )
        done = run(*words, home=SAMPLES)
        assert (
            sorted((int(line.split(",")[0]), line.split(",")[1]) for line in done.stdout.splitlines()[1:]) == one_by_one
        )

    def test_a_target_of_the_mirror(self, run: Run, sample: ssap.Mirror) -> None:
        record = next(r for r in sample.search((292.06, 43.93), 0.7, snr=(300, None)) if r["ssa_targname"])
        name = record["ssa_targname"]
        assert sample.position_of(name.lower()) == pytest.approx((record.ra, record.dec), abs=1e-9)
        done = run("query", "--target", name, "--size", "10arcsec", "--columns", "ssa_targname", home=SAMPLES)
        assert set(done.stdout.splitlines()[1:]) == {name}
        unknown = run("query", "--target", name[:-1], home=SAMPLES)
        assert unknown.returncode == 2
        assert f"is no target of the mirror; perhaps {name[:12]}" in unknown.stderr
        twice = run("query", "--target", name, "--pos", "1,2", home=SAMPLES)
        assert "is given beside --pos" in twice.stderr

    def test_dates_in_iso(self, run: Run, sample: ssap.Mirror, tmp_path: Path) -> None:
        words = ("query", "--pos", "292.06,43.93", "--size", "0.7", "--snr", "600/", "--iso")
        wanted = [record.dateobs for record in sample.search((292.06, 43.93), 0.7, snr=(600, None))]
        for name in ("x.csv", "x.vot", "x.fits", "x.ecsv", "x.parquet"):
            assert run(*words, "-o", name, home=SAMPLES).returncode == 0
        texts = pd.read_csv(tmp_path / "x.csv")["ssa_dateObs"].tolist()
        for text, date in zip(texts, wanted, strict=True):
            assert (date is None) == (text != text)
            if date is not None:
                assert date.isot[:20] == text[:20]
                assert abs(int(date.isot[20:]) - int(text[20:])) <= 1
        for name in ("x.vot", "x.fits", "x.ecsv", "x.parquet"):
            column = Table(Table.read(tmp_path / name), masked=True)["ssa_dateObs"]
            cells = column.astype(object).filled("")
            read = [value.decode() if isinstance(value, bytes) else str(value or "") for value in cells]
            read = ["" if text == "None" else text for text in read]  # astropy spells NULL of Parquet so
            assert [text.strip() for text in read] == ["" if text != text else text for text in texts], name
        assert Table.read(tmp_path / "x.vot", format="votable")["ssa_dateObs"].unit is None
        aggregate = run("sql", "SELECT max(ssa_dateObs) AS last, ssa_dateObs FROM spectra GROUP BY 2 LIMIT 1", "--iso",
                        home=SAMPLES)  # fmt: skip
        assert aggregate.stdout.splitlines()[1].count("T") == 1
