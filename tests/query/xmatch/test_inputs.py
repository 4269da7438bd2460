"""Tables of every kind give the same match; what is no table, or damaged, is one clear sentence."""

import gzip
import itertools

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from ssap_mirror import build_mirror
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import CatalogError, FormatError, ParameterError, SourceError
from ssap_query.xmatch import Positions, Side, crossmatch

from tests.support.extras import optional

polars = optional("polars")
optional("pandas")

LEFT = pa.table(
    {
        "name": ["a", "b", "c", None],
        "ra": [10.0, 20.0, 30.0, 40.0],
        "dec": [-5.0, 0.0, 5.0, 10.0],
        "snr": pa.array([1.5, None, float("nan"), 4.0], pa.float32()),
    }
)
RIGHT = pa.table({"star": [1, 2, 3], "ra": [30.0001, 10.0001, 99.0], "dec": [5.0, -5.0, 0.0]})
EXPECTED = [("a", 2), ("c", 1)]


def pairs(left, right=RIGHT, **options):
    found = crossmatch(left, right, 1.0, **options).to_arrow()
    return list(zip(found["name"].to_pylist(), found["star"].to_pylist(), strict=True))


def written(path, table=LEFT):
    astropy = Table(
        {n: MaskedColumn(["" if v is None else v for v in c.to_pylist()] if n == "name" else c.to_numpy(), dtype=None)
         for n, c in zip(table.column_names, table.columns, strict=True)}
    )  # fmt: skip
    name = path.name
    if name.endswith(".parquet"):
        pq.write_table(table, path)
    elif name.endswith(".csv"):
        pyarrow.csv.write_csv(table, path)
    elif name.endswith(".csv.gz"):
        with gzip.open(path, "wb") as file:
            pyarrow.csv.write_csv(table, file)
    elif name.endswith(".arrow"):
        pyarrow.feather.write_feather(table, str(path))
    elif name.endswith(".ecsv"):
        astropy.write(path, format="ascii.ecsv")
    elif name.endswith(".fits"):
        astropy.write(path, format="fits")
    else:
        form = "tabledata" if "tabledata" in name else "binary2" if "binary2" in name else "binary"
        astropy.write(path, format="votable", tabledata_format=form)
    return path


@pytest.mark.parametrize(
    "name",
    ["t.parquet", "t.csv", "t.csv.gz", "t.arrow", "t.ecsv", "t.fits", "tabledata.vot", "binary2.vot", "binary.xml"],
)
def test_files(tmp_path, name):
    path = written(tmp_path / name)
    assert pairs(path) == EXPECTED
    assert pairs(str(path)) == EXPECTED
    plain = path.with_name("without-suffix")
    path.rename(plain)
    if "csv" in name and "ecsv" not in name:
        with pytest.raises(FormatError, match="none of VOTable, FITS, CSV"):
            pairs(plain)
    else:
        assert pairs(plain) == EXPECTED


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t,
        lambda t: t.to_batches()[0],
        lambda t: t.to_reader(),
        lambda t: pa.dataset.dataset(t),
        lambda t: t.to_pandas(),
        lambda t: polars.from_arrow(t),
        lambda t: polars.from_arrow(t).lazy(),
        lambda t: {n: t[n] for n in t.column_names},
        lambda t: Side("SELECT * FROM read_parquet(?)", ("unused",), Schema(())) if t is None else t,
    ],
    ids=["table", "batch", "reader", "dataset", "pandas", "polars", "lazy", "mapping", "again"],
)
def test_tables_in_memory(make):
    assert pairs(make(LEFT)) == EXPECTED
    found = crossmatch(RIGHT, make(LEFT), 1.0).to_arrow()
    assert list(zip(found["star"].to_pylist(), found["name"].to_pylist(), strict=True)) == [(1, "c"), (2, "a")]


@pytest.mark.parametrize("find", ["best", "all", "best-other", "anti"])
def test_conditions_on_both_sides(find, tmp_path):
    path = written(tmp_path / "t.parquet")
    chosen = LEFT.filter(pa.compute.is_in(LEFT["name"], pa.array(["a", "b", "c"])))
    some = crossmatch(path, RIGHT, 1.0, find, left_where="name IN ('a', 'b', 'c')", right_where="star > 1 OR NULL")
    expected = crossmatch(chosen, RIGHT.filter(pa.compute.greater(RIGHT["star"], 1)), 1.0, find)
    assert 0 < len(expected) == some.count()
    assert repr(some.to_arrow().to_pylist()) == repr(expected.to_arrow().to_pylist())
    assert repr(some.to_arrow().to_pylist()) != repr(crossmatch(path, RIGHT, 1.0, find).to_arrow().to_pylist())


@pytest.mark.parametrize("where", ["", "nope = 1", "true; DROP VIEW left_rows", "1 = 1) --", "sum(ra) > 1"])
def test_conditions_that_are_none(where):
    with pytest.raises(ParameterError, match="right_where"):
        crossmatch(LEFT, RIGHT, right_where=where)


def test_pandas_index_is_left_out_and_columns_stay():
    frame = LEFT.to_pandas().set_index(np.array([5, 6, 7, 8]))
    assert crossmatch(frame, RIGHT).arrow_schema.names[:4] == LEFT.column_names


def test_astropy_table_with_units_and_objects():
    sky = SkyCoord([150.0, 300.0] * u.deg, [-5.0, 5.0] * u.deg, frame="galactic")
    table = QTable({"name": ["x", "y"], "where": sky, "when": Time([2015.5, 2018.5], format="jyear"),
                    "flux": [1.0, 2.0] * u.Jy, "cube": np.ones((2, 2, 3), ">f4")})  # fmt: skip
    stars = {"star": [7], "ra": sky.icrs.ra.deg[1:], "dec": sky.icrs.dec.deg[1:]}
    match = crossmatch(table, stars, 1.0, left_positions=Positions(ra="where.ra", dec="where.dec"))
    assert match.to_arrow()["name"].to_pylist() == ["y"]
    assert match.arrow_schema.field("flux").metadata[b"unit"] == b"Jy"
    assert match.to_arrow()["when"].to_pylist() == pytest.approx([51544.5 + 18.5 * 365.25], abs=1e-3)
    assert match.to_arrow()["cube"].to_pylist() == [[1.0] * 6]
    # A SkyCoord column is found by its UCD
    assert pairs_of(crossmatch(table, stars, 1.0)) == ["y"]


def pairs_of(match):
    return match.to_arrow()["name"].to_pylist()


def test_several_parquet_files_and_a_folder(tmp_path):
    for number in range(4):
        pq.write_table(LEFT.slice(number, 1), tmp_path / f"part{number}.parquet")
    assert pairs(tmp_path) == EXPECTED
    assert pairs(f"{tmp_path}/part?.parquet") == EXPECTED
    assert pairs([tmp_path / "part2.parquet", tmp_path / "part0.parquet"]) == EXPECTED[::-1]
    # A column that only some files have
    pq.write_table(LEFT.append_column("extra", pa.array([1, 2, 3, 4])), tmp_path / "part9.parquet")
    found = crossmatch(tmp_path, RIGHT).to_arrow()
    assert found["extra"].to_pylist() == [None, None, 1, 3]


def test_names_that_hide_row_numbers_and_names_that_differ_in_case(tmp_path):
    table = LEFT.append_column("file_row_number", pa.array([9, 9, 9, 9])).append_column("RA", pa.array([0.0] * 4))
    pq.write_table(table, tmp_path / "odd.parquet")
    found = crossmatch(tmp_path / "odd.parquet", RIGHT).to_arrow()
    assert found["name"].to_pylist() == ["a", "c"]
    assert found["file_row_number"].to_pylist() == [9, 9]


def test_quotes_and_keywords_in_names(tmp_path):
    odd = ['a "quoted" name', "select", "x; DROP TABLE pairs", "n"]
    table = LEFT.select(["name", "ra", "dec"])
    for i, name in enumerate(odd):
        table = table.append_column(name, pa.array([i] * 4))
    other = RIGHT.append_column("n", pa.array([4, 5, 6])).append_column("subject_id", pa.array([4, 5, 6]))
    pq.write_table(table, tmp_path / "it's.parquet")
    found = crossmatch(tmp_path / "it's.parquet", other).to_arrow()
    assert found["name"].to_pylist() == ["a", "c"]
    for i, name in enumerate(odd):
        assert found[name].to_pylist() == [i, i]
    assert found["n_2"].to_pylist() == found["subject_id"].to_pylist() == [5, 4]
    turned = crossmatch(
        table.rename_columns({"ra": 'r"a'}), other, left_positions=Positions(ra='r"a', dec="dec")
    ).to_arrow()
    assert turned.num_rows == 2


COLUMNS = Schema(
    (
        Column("mobsid", "char", "*", ucd="meta.id;meta.main"),
        Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
        Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main"),
        Column("name", "char", "*", description="the name"),
        Column("ssa_location", "double", "2", unit="deg", utype="ssa:Char.SpatialAxis.Coverage.Location.Value"),
    )
)


@pytest.fixture
def mirror(tmp_path):
    """A mirror of five rows, one of them without a position."""
    rows = pa.table(
        {
            "mobsid": list("12345"),
            "ra": [10.0, 20.0, 30.0, 40.0, None],
            "dec": [-5.0, 0.0, 5.0, 10.0, None],
            "name": ["a", "b", "c", "d", "e"],
            "ssa_location": pa.array(
                [[10.0, -5.0], [20.0, 0.0], [30.0, 5.0], [40.0, 10.0], None], pa.list_(pa.float64(), 2)
            ),
        }
    ).cast(COLUMNS.arrow_schema())
    folder = tmp_path / "tiny"
    return folder, build_mirror(rows.to_batches(), COLUMNS, folder, synthetic=True)


def test_a_mirror_and_its_snapshot(mirror):
    folder, catalog = mirror
    for source in (folder, catalog.path):
        match = crossmatch(source, RIGHT)
        found = match.to_arrow()
        assert sorted(zip(found["name"].to_pylist(), found["star"].to_pylist(), strict=True)) == EXPECTED
        assert match.arrow_schema.names[:5] == list(COLUMNS.names)
        assert match.arrow_schema.field("name").metadata[b"description"] == b"the name"
        assert match.notes[0].startswith("1 of 5 rows of the left table have no position")
        assert sorted(crossmatch(source, RIGHT, find="anti").to_arrow()["name"].to_pylist()) == ["b", "d", "e"]


def test_a_side_of_the_engine(mirror):
    _, catalog = mirror
    files = [str(path) for path in catalog.files]
    sql = "SELECT *, file_index, file_row_number FROM read_parquet(?, union_by_name = true) WHERE name <> ?"
    for text in (sql, sql.replace(", file_index, file_row_number", "")):
        match = crossmatch(Side(text, (files, "a"), COLUMNS), RIGHT)
        assert pairs_of(match) == ["c"]
        assert len(match) == 1
        assert match.arrow_schema.names[:5] == list(COLUMNS.names)
        assert sorted(pairs_of(crossmatch(Side(text, (files, "a"), COLUMNS), RIGHT, find="anti"))) == ["b", "d", "e"]


def test_a_hats_folder_made_by_others(tmp_path):
    root = tmp_path / "cat"
    for npix, rows in {9: LEFT.slice(0, 2), 4: LEFT.slice(2)}.items():
        path = root / f"dataset/Norder=1/Dir=0/Npix={npix}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows.append_column("_healpix_29", pa.array([1] * len(rows))), path)
    (root / "hats.properties").write_text("obs_collection=cat\n")
    assert pairs(root) == EXPECTED[::-1]
    assert "_healpix_29" not in crossmatch(root, RIGHT).schema.names
    (tmp_path / "collection.properties").write_text("obs_collection=c\nhats_primary_table_url=cat\n")
    assert pairs(tmp_path) == EXPECTED[::-1]
    (tmp_path / "collection.properties").write_text("obs_collection=c\nhats_primary_table_url=gone\n")
    with pytest.raises(SourceError, match="primary table 'gone' is not there"):
        pairs(tmp_path)


def test_a_truncated_votable_is_told(tmp_path):
    path = tmp_path / "t.vot"
    written(path)
    text = path.read_text().replace("<TABLE", '<INFO name="QUERY_STATUS" value="OVERFLOW"/><TABLE', 1)
    path.write_text(text)
    assert crossmatch(path, RIGHT).notes[0] == "left table: it is truncated: its service says OVERFLOW"
    path.write_text(text.replace('"OVERFLOW"/>', '"ERROR">no such field</INFO>'))
    with pytest.raises(FormatError, match="no such field"):
        crossmatch(path, RIGHT)


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.arrow", "t.ecsv", "t.fits", "t.vot"])
def test_damaged_files(tmp_path, name):
    path = written(tmp_path / name)
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"\x00\xff" * 500):
        path.write_bytes(damaged)
        # Half of a CSV file is a CSV file
        if damaged and damaged in whole and name == "t.csv":
            assert crossmatch(path, RIGHT).to_arrow().num_rows <= 2
            continue
        with pytest.raises((FormatError, ParameterError)) as caught:
            crossmatch(path, RIGHT)
        assert "\n" not in str(caught.value)


def test_parquet_that_is_damaged_inside(tmp_path, rng):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"ra": rng.uniform(0, 360, 50_000), "dec": rng.uniform(-90, 90, 50_000)}), path)
    data = bytearray(path.read_bytes())
    data[5_000:300_000] = bytes(295_000)
    path.write_bytes(data)
    with pytest.raises(FormatError) as caught:
        crossmatch(RIGHT, path).to_arrow()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "error", "part"),
    [
        ("nowhere.parquet", SourceError, "nowhere.parquet is not there"),
        ("none*.parquet", SourceError, "is not there"),
        (42, ParameterError, "left: 'builtins.int' is neither a path nor"),
        (None, ParameterError, "is neither a path nor"),
        ([], ParameterError, "is neither a path nor"),
        (pa.table({"a": [1.0]}), ParameterError, "left_positions.* no columns that are positions"),
        (pa.table({"ra": [True], "dec": [1.0]}), ParameterError, "no columns that are positions"),
        (pa.table({"ra": [1.0], "dec": [1.0], "_xm_row": [1]}), ParameterError, "_xm_row"),
    ],
)
def test_what_is_no_table(source, error, part):
    with pytest.raises(error, match=part):
        crossmatch(source, RIGHT)


def test_a_folder_without_tables(tmp_path):
    with pytest.raises(SourceError, match="holds no Parquet files"):
        crossmatch(tmp_path, RIGHT)
    (tmp_path / "CURRENT").write_text("gone")
    with pytest.raises(CatalogError, match="gone"):
        crossmatch(tmp_path, RIGHT)


def test_several_files_that_are_not_parquet(tmp_path):
    for name in ("a.csv", "b.csv"):
        written(tmp_path / name)
    found = crossmatch([tmp_path / "a.csv", tmp_path / "b.csv"], RIGHT, find="all")
    one = crossmatch(tmp_path / "a.csv", RIGHT, find="all")
    assert len(found) == 2 * len(one) > 0


def test_columns_that_are_called_as_duckdb_calls_its_own(tmp_path):
    odd = {"rowid": [70, 71, 72], "_id": [1, 2, 3], "file_index": [4, 5, 6], "_healpix_19": [7, 8, 9]}
    table = pa.table({**odd, **{name: RIGHT[name] for name in ("ra", "dec")}})
    pq.write_table(table, tmp_path / "t.parquet")
    pyarrow.csv.write_csv(table, tmp_path / "t.csv")
    for source in (table, tmp_path / "t.parquet", tmp_path / "t.csv"):
        for find in ("best", "all", "best-other"):
            found = crossmatch(LEFT.append_column("rowid", pa.array([9, 8, 7, 6])), source, 1.0, find).to_arrow()
            rows = sorted(
                zip(*(found[name].to_pylist() for name in ("rowid", "rowid_2", "_id", "file_index")), strict=True)
            )
            assert rows == [(7, 70, 1, 4), (9, 71, 2, 5)]
            assert sorted(found["_healpix_19"].to_pylist()) == [7, 8]


def test_names_that_sql_cannot_tell_apart_are_told(tmp_path):
    table = RIGHT.append_column("Rmag", pa.array([1.5, 2.5, 3.5])).append_column("rmag", pa.array([11.5, 12.5, 13.5]))
    pq.write_table(table, tmp_path / "t.parquet")
    for source in (table, tmp_path / "t.parquet"):
        match = crossmatch(LEFT, source, 1.0)
        found = match.to_arrow()
        assert (found["Rmag_1"].to_pylist(), found["rmag_2"].to_pylist()) == ([2.5, 1.5], [12.5, 11.5])
        assert "Rmag is called Rmag_1, rmag is called rmag_2" in match.notes[0]
        with pytest.raises(ParameterError, match=r"rmag.*differ in case alone.*rmag is called rmag_2"):
            crossmatch(LEFT, source, 1.0, right_where="rmag > 12")
        with pytest.raises(ParameterError, match="'rmag' is not a column of the table: there it is called rmag_2"):
            crossmatch(LEFT, source, 1.0, right_columns=["rmag"])


@pytest.mark.parametrize("find", ["best", "all", "best-other", "anti"])
def test_nan_in_parquet_is_as_in_memory(tmp_path, rng, find):
    n, nan = 3_000, float("nan")
    ra, dec = rng.uniform(10, 12, n), rng.uniform(-1, 1, n)
    g = rng.uniform(10, 20, n)
    for column in (ra, dec, g):
        column[rng.random(n) < 0.2] = nan
    table = pa.table({"star": np.arange(n), "ra": ra, "dec": dec, "g": g})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=100)
    left = pa.table({"obs": np.arange(500), "ra": rng.uniform(10, 12, 500), "dec": rng.uniform(-1, 1, 500)})
    for turned, where in itertools.product((False, True), (None, "g < 15", "g > 15")):
        options = {"left_where" if turned else "right_where": where}
        expected, found = (
            crossmatch(*((source, left) if turned else (left, source)), 60.0, find, **options)
            for source in (table, tmp_path / "t.parquet")
        )
        assert 0 < len(found) == len(expected)
        # As text, for NaN equals nothing.
        assert repr(found.to_arrow().to_pylist()) == repr(expected.to_arrow().to_pylist())
        assert [note for note in found.notes if "no position" in note]


def _sky_files(folder):
    """The same two stars in files of many forms."""
    sky = SkyCoord([30.0001, 10.0001] * u.deg, [5.0, -5.0] * u.deg)
    star = [1, 2]
    forms = {
        "rad.ecsv": QTable({"star": star, "ra": sky.ra.to(u.rad), "dec": sky.dec.to(u.rad)}),
        "hours.fits": QTable({"star": star, "RA": sky.ra.hour * u.h, "DEC": sky.dec}),
        "text.csv": Table({"star": star, "ra": sky.ra.to_string("h", sep=":", precision=7),
                           "dec": sky.dec.to_string(sep=" ", precision=6, alwayssign=True)}),
        "galactic.vot": Table({"star": star, "GLON": sky.galactic.l, "GLAT": sky.galactic.b}),
        "names.txt": Table({"star": star, "ALPHA_J2000": sky.ra.deg, "DELTA_J2000": sky.dec.deg}),
        "skycoord.ecsv": Table({"star": star, "where": sky.fk5}),
        "quantities.parquet": QTable({"star": star, "ra": sky.ra.to(u.rad), "dec": sky.dec.to(u.rad)}),
    }  # fmt: skip
    for name, table in forms.items():
        kind = {"ecsv": "ascii.ecsv", "txt": "ascii.basic", "csv": "ascii.csv", "vot": "votable"}.get(
            name.split(".")[1]
        )
        table.write(folder / name, **({"format": kind} if kind else {}))
    return [folder / name for name in forms]


def test_sync_and_crossmatch_find_the_same_positions(tmp_path):
    from ssap_mirror.core.quantities.points import floats
    from ssap_mirror.sources.file.source import FileSource

    for path in _sky_files(tmp_path):
        match = crossmatch(LEFT, path, 1.0)
        found = match.to_arrow()
        assert list(zip(found["name"].to_pylist(), found["star"].to_pylist(), strict=True)) == EXPECTED, path.name
        source = FileSource(path)
        roles = source.describe().roles
        batch = next(source.batches())
        ra, dec = (floats(batch.column(roles[role])) for role in ("ra", "dec"))
        np.testing.assert_allclose([ra, dec], [[30.0001, 10.0001], [5.0, -5.0]], rtol=0, atol=3e-9, err_msg=path.name)
        words = [note.removeprefix("right table: ") for note in match.notes if "positions are those" in note]
        assert words == [note for note in source.notes if "positions are those" in note]


def test_files_of_one_pattern_in_units_of_their_own(tmp_path):
    def write(name, unit, rows):
        values = [
            RIGHT["star"],
            *(pa.array(RIGHT[n].to_numpy() * np.pi / 180 if unit == "rad" else RIGHT[n]) for n in ("ra", "dec")),
        ]
        fields = [
            pa.field("star", pa.int64()),
            *(pa.field(n, pa.float64(), metadata={"unit": unit}) for n in ("ra", "dec")),
        ]
        pq.write_table(
            pa.table([pa.array(v.to_pylist())[rows] for v in values], schema=pa.schema(fields)), tmp_path / name
        )

    write("p1.parquet", "rad", slice(0, 1))
    write("p2.parquet", "deg", slice(1, 3))
    assert pairs(LEFT, f"{tmp_path}/p*.parquet") == EXPECTED


def test_a_part_of_a_fits_file_and_what_a_service_says_after_its_rows(tmp_path):
    from astropy.io import fits

    hdus = [
        fits.PrimaryHDU(),
        fits.table_to_hdu(Table({"x": [1]})),
        fits.table_to_hdu(Table.from_pandas(RIGHT.to_pandas())),
    ]
    fits.HDUList(hdus).writeto(tmp_path / "t.fits")
    assert pairs(LEFT, f"{tmp_path}/t.fits#2") == EXPECTED
    path = written(tmp_path / "tabledata.vot")
    text = path.read_text()
    for word, said in (("OVERFLOW", ""), ("ERROR", "the disk is full")):
        path.write_text(text.replace("</TABLE>", f'</TABLE><INFO name="QUERY_STATUS" value="{word}">{said}</INFO>'))
        if word == "OVERFLOW":
            assert "says OVERFLOW" in crossmatch(path, RIGHT).notes[0]
        else:
            with pytest.raises(FormatError, match="the disk is full"):
                crossmatch(path, RIGHT)


@pytest.mark.parametrize("name", ["t.csv", "t.txt", "t.parquet", "t.arrow", "t.ecsv", "t.fits", "tabledata.vot"])
def test_a_file_of_names_alone_has_no_partner_for_any_row(tmp_path, name):
    if name == "t.txt":
        (tmp_path / name).write_text("# no stars tonight\nstar ra dec\n")
    else:
        written(tmp_path / name, RIGHT.slice(0, 0))
    assert crossmatch(LEFT, tmp_path / name).count() == 0
    assert crossmatch(tmp_path / name, LEFT).to_arrow().num_rows == 0
    alone = crossmatch(LEFT, tmp_path / name, find="anti").to_arrow()
    assert alone["name"].to_pylist() == LEFT["name"].to_pylist()
