"""Any table, in a file or in memory: values, what is missing, units, names; one clear sentence on what is none."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable
from astropy.table import Table as AstropyTable
from astropy.time import Time
from ssap_mirror.errors import FormatError, ParameterError, SourceError
from ssap_mirror.tables import Table, open_table

from tests.support.extras import optional

pd, pl = optional("pandas"), optional("polars")


def rows(table: Table) -> list[dict[str, Any]]:
    return [row for batch in table.batches() for row in batch.to_pylist()]


def unit(table: Table, name: str) -> str | None:
    return table.columns[name].unit


PLAIN = pa.table({"a": [1, None], "b": [1.5, float("nan")], "s": ["x", None]})


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t,
        lambda t: t.to_batches()[0],
        lambda t: t.to_reader(),
        lambda t: pa.dataset.dataset(t),
        lambda t: pl.from_arrow(t),
        lambda t: pl.from_arrow(t).lazy(),
        lambda t: {name: t[name] for name in t.column_names},
        lambda t: {"a": [1, None], "b": [1.5, float("nan")], "s": ["x", None]},
        lambda t: {"a": pl.Series([1, None]), "b": np.array([1.5, np.nan]), "s": np.array(["x", None], object)},
        lambda t: AstropyTable({"a": MaskedColumn([1, 2], mask=[False, True]), "b": [1.5, np.nan],
                                "s": MaskedColumn(["x", "y"], mask=[False, True])}),
        lambda t: np.ma.array([(1, 1.5, "x"), (2, np.nan, "y")], dtype=[("a", ">i8"), ("b", ">f8"), ("s", "U1")],
                              mask=[(False, False, False), (True, False, True)]),
    ],
    ids=["table", "batch", "reader", "dataset", "polars", "lazy", "columns", "lists", "series", "astropy", "numpy"],
)  # fmt: skip
def test_the_same_rows_of_every_object(make: Any) -> None:
    assert repr(rows(open_table(make(PLAIN)))) == repr(PLAIN.to_pylist())


def test_pandas() -> None:
    frame = pd.DataFrame(
        {
            "n": pd.array([2**60 + 1, None], dtype="Int64"),
            "kind": pd.Categorical(["x", None]),
            "swapped": np.array([1.5, 2.5], ">f8"),
            "half": np.array([0.5, np.nan], "f2"),
            "seen": pd.to_datetime(["2018-05-01T12:30", None]),
            5: [True, False],
        },
        index=pd.Index([7, 8], name="obsid"),
    )
    found = rows(open_table(frame))
    assert found[0] | {"seen": None} == {
        "obsid": 7, "n": 2**60 + 1, "kind": "x", "swapped": 1.5, "half": 0.5, "seen": None, "5": True,
    }  # fmt: skip
    assert found[0]["seen"].isoformat() == "2018-05-01T12:30:00"
    assert [found[1][name] for name in ("n", "kind", "half", "seen")] == [None] * 4
    with pytest.raises(FormatError, match="two of its columns are called 'flux'"):
        open_table(pd.DataFrame([[1, 2]], columns=["flux", "flux"]))


def test_odd_columns_in_memory_are_converted_or_left_out() -> None:
    frame = pd.DataFrame(
        {
            "mixed": [3, "x", None],
            "complex": [1 + 2j, 3j, 0],
            "sparse": pd.arrays.SparseArray([0.0, 1.5, 0.0]),
            "month": pd.period_range("2018-05", periods=3, freq="M"),
            "things": [object(), object(), None],
        }
    )
    made = {name: list(frame[name]) for name in ("mixed", "things")}
    for source in (frame, {**made, "complex": frame["complex"].to_numpy()}):
        table = open_table(source)
        found = {name: pa.Table.from_batches(table.batches())[name].to_pylist() for name in table.types.names}
        assert found["mixed"] == ["3", "x", None]
        assert found["complex"] == [[1.0, 2.0], [0.0, 3.0], [0.0, 0.0]]
        assert "things" not in found
        assert found.get("sparse", [0.0, 1.5, 0.0]) == [0.0, 1.5, 0.0]
        assert found.get("month", ["2018-05"])[0] == "2018-05"
        assert table.notes[0] == "values of more than one kind, read as text: mixed"
        assert table.notes[1].startswith("left out: column 'things'")


def test_an_arrow_array_of_somebody() -> None:
    class Theirs:
        def __arrow_c_array__(self, requested_schema: object = None) -> object:
            return PLAIN.to_batches()[0].__arrow_c_array__(requested_schema)

    assert repr(rows(open_table(Theirs()))) == repr(PLAIN.to_pylist())


def test_astropy_with_objects_and_units() -> None:
    sky = SkyCoord([10.0, 20.0] * u.deg, [0.0, 5.0] * u.deg)
    table = QTable(
        {
            "where": sky.galactic,
            "when": Time([2015.5, 2018.5], format="jyear"),
            "speed": [1.0, 2.0] * u.km / u.s,
            "cube": np.arange(12, dtype=">f4").reshape(2, 2, 3),
            "z": [1 + 2j, 3j],
            "raw": np.array([b"a", "é".encode()]),
        }
    )
    table["speed"].info.meta = {"ucd": "phys.veloc"}
    opened = open_table(table)
    first, second = rows(opened)
    assert (first["where.ra"], second["where.dec"]) == (pytest.approx(10.0), pytest.approx(5.0))
    assert second["when"] == pytest.approx(51544.5 + 18.5 * 365.25, abs=1e-3)
    assert (unit(opened, "speed"), opened.columns["speed"].ucd) == ("km.s**-1", "phys.veloc")
    assert first["cube"] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert second["z"] == [0.0, 3.0]
    assert second["raw"] == "é"


def test_a_sky_coordinate_with_its_motion() -> None:
    moving = SkyCoord([10.0] * u.deg, [0.0] * u.deg, pm_ra_cosdec=[100.0] * u.mas / u.yr, pm_dec=[5.0] * u.mas / u.yr,
                      obstime=Time(2016.0, format="jyear"))  # fmt: skip
    opened = open_table(moving)
    assert opened.types.names == ["ra", "dec", "pmra", "pmdec", "ref_epoch"]
    assert rows(opened)[0] == pytest.approx({"ra": 10.0, "dec": 0.0, "pmra": 100.0, "pmdec": 5.0, "ref_epoch": 2016.0})


def test_quantities_and_masks_in_a_mapping() -> None:
    opened = open_table({"ra": [0.1, 0.2] * u.rad, "n": np.ma.array([1, 2], mask=[False, True])})
    assert rows(opened) == [{"ra": 0.1, "n": 1}, {"ra": 0.2, "n": None}]
    assert unit(opened, "ra") == "rad"


@pytest.mark.parametrize(
    ("source", "error", "reason"),
    [
        (42, ParameterError, "table: 'builtins.int' is neither a path nor"),
        (None, ParameterError, "is neither a path nor"),
        ([], ParameterError, "is neither a path nor"),
        (np.zeros((2, 2)), ParameterError, "is neither a path nor"),
        ({"ra": [1.0, 2.0], "dec": [0.0]}, FormatError, "not of one length: ra has 2, dec has 1 values"),
        ({"ra": 1.0}, FormatError, "column 'ra' is one value"),
        ("nowhere.fits", SourceError, "nowhere.fits is not there"),
        ("none*.parquet", SourceError, "is not there"),
    ],
)
def test_what_is_no_table(source: object, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        open_table(source)


def test_a_stream_is_read_once() -> None:
    opened = open_table(PLAIN.to_reader())
    assert len(rows(opened)) == 2
    with pytest.raises(FormatError, match="was read before"):
        rows(opened)


def test_names_that_sql_cannot_tell_apart() -> None:
    opened = open_table(pa.table({"Rmag": [1.5], "rmag": [11.5], "rmag_1": [0], "_healpix_19": [3], "": [4]}))
    assert rows(opened) == [{"Rmag_2": 1.5, "rmag_3": 11.5, "rmag_1": 0, "_healpix_19": 3, "col5": 4}]
    assert opened.columns["rmag_3"].source_name == "rmag"
    assert any("Rmag is called Rmag_2, rmag is called rmag_3" in note for note in opened.notes)


def test_types_that_only_arrow_has() -> None:
    odd = pa.table(
        {
            "dictionary": pa.array(["a", None, "a"]).dictionary_encode(),
            "half": pa.array([0.5, None, 1.5], pa.float16()),
            "view": pa.array(["a", "b", None], pa.string_view()),
            "runs": pa.RunEndEncodedArray.from_arrays([2, 3], [7, 8]),
            "wide": pa.array([Decimal("1.25"), None, None], pa.decimal256(50, 2)),
            "lists": pa.array([[0.5], [], None], pa.list_(pa.float16())),
            "large": pa.array([2**64 - 1, 0, None], pa.uint64()),
        }
    )
    opened = open_table(odd)
    assert [str(kind) for kind in opened.types.types] == [
        "string", "float", "string", "int64", "double", "list<item: float>", "uint64",
    ]  # fmt: skip
    assert rows(opened) == [
        {"dictionary": "a", "half": 0.5, "view": "a", "runs": 7, "wide": 1.25, "lists": [0.5], "large": 2**64 - 1},
        {"dictionary": None, "half": None, "view": "b", "runs": 7, "wide": None, "lists": [], "large": 0},
        {"dictionary": "a", "half": 1.5, "view": None, "runs": 8, "wide": None, "lists": None, "large": None},
    ]


def test_arrow_files(tmp_path: Path) -> None:
    pa.feather.write_feather(PLAIN, str(tmp_path / "t.arrow"))
    assert repr(rows(open_table(tmp_path / "t.arrow"))) == repr(PLAIN.to_pylist())
    (tmp_path / "cut.arrow").write_bytes((tmp_path / "t.arrow").read_bytes()[:300])
    with pytest.raises(FormatError, match=r"cut.arrow: a damaged Arrow file"):
        open_table(tmp_path / "cut.arrow")


def test_parquet_of_astropy_with_units_and_masks(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = QTable({"id": [1, 2], "ra": [0.1, 0.2] * u.rad, "n": MaskedColumn([1, 2], mask=[False, True])})
    table["ra"].info.description = "where"
    table.write(path, format="parquet")
    opened = open_table(path)
    assert rows(opened) == [{"id": 1, "ra": 0.1, "n": 1}, {"id": 2, "ra": 0.2, "n": None}]
    assert (unit(opened, "ra"), opened.columns["ra"].description) == ("rad", "where")
    assert not opened.plain_parquet, "a mask is not what other readers see"


def test_parquet_of_pandas_and_polars(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index([5, 6], name="obsid"))
    frame.to_parquet(tmp_path / "named.parquet")
    assert rows(open_table(tmp_path / "named.parquet")) == [{"a": 1, "obsid": 5}, {"a": 2, "obsid": 6}]
    frame.rename_axis(None).to_parquet(tmp_path / "unnamed.parquet")
    opened = open_table(tmp_path / "unnamed.parquet")
    assert rows(opened) == [{"a": 1}, {"a": 2}]
    assert opened.notes == ("an index without a name (pandas), left out: __index_level_0__",)
    pl.DataFrame({"a": [1], "c": pl.Series(["u"], dtype=pl.Categorical)}).write_parquet(tmp_path / "p.parquet")
    assert rows(open_table(tmp_path / "p.parquet")) == [{"a": 1, "c": "u"}]


def test_several_parquet_files_each_with_its_own_units_and_columns(tmp_path: Path) -> None:
    def write(name: str, given: str, **columns: list[Any]) -> None:
        fields = [
            pa.field(n, pa.array(v).type, metadata={"unit": given} if n == "ra" else None) for n, v in columns.items()
        ]
        pq.write_table(pa.table(list(columns.values()), schema=pa.schema(fields)), tmp_path / name)

    write("p1.parquet", "rad", id=[1], ra=[np.pi / 2])
    write("p2.parquet", "deg", id=[2], ra=[45.0], more=["x"])
    for source in (tmp_path, f"{tmp_path}/p*.parquet", [tmp_path / "p1.parquet", str(tmp_path / "p2.parquet")]):
        opened = open_table(source)
        first, second = rows(opened)
        assert first == {"id": 1, "ra": np.pi / 2, "more": None}
        assert second == {"id": 2, "ra": pytest.approx(np.pi / 4), "more": "x"}
        assert (opened.rows, unit(opened, "ra"), opened.plain_parquet) == (2, "rad", False)
    write("p3.parquet", "Jy", id=[3], ra=[1.0])
    with pytest.raises(FormatError, match=r"p3.parquet: column 'ra': 'Jy' cannot be converted to 'rad'"):
        open_table(tmp_path)


def _objects(*arrays: np.ndarray) -> np.ndarray:
    found = np.empty(len(arrays), object)
    found[:] = arrays
    return found


def _fits_file(path: Path) -> Path:
    columns = [
        fits.Column("id", "J", array=[1, 2, 3]),
        fits.Column("u", "I", bzero=32768, null=-32768, array=np.array([0, 40000, 65535], np.uint16)),
        fits.Column("b", "B", bzero=-128, array=np.array([-128, 0, 127], np.int8)),
        # Stored numbers: astropy does not write arrays of unsigned integers.
        fits.Column("vu", "PI()", array=_objects(np.array([803 - 32768, 805 - 32768], np.int16), np.array([], np.int16),
                                                 np.array([32767], np.int16))),
        fits.Column("text", "PA()", array=np.array(["abc", "", "defgh"], object)),
        fits.Column("vz", "PC()", array=np.array([np.array([1 + 2j]), np.array([]), np.array([3j, 4])], object)),
        fits.Column("vl", "PL()", array=_objects(np.array([True, False]), np.array([], bool), np.array([True]))),
    ]  # fmt: skip
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="FIRST")]
    hdus[1].header["TZERO4"] = 32768
    ascii_columns = [
        fits.Column("n", "I6", ascii=True, array=[1, 2, 3], null="---"),
        fits.Column("x", "E10.3", ascii=True, array=[1.5, 2.5, -3.0], unit="deg"),
        fits.Column("s", "A5", ascii=True, array=["a", "", "bc"]),
    ]
    fits.HDUList([*hdus, fits.TableHDU.from_columns(ascii_columns, name="second")]).writeto(path)
    return path


def test_fits_as_others_write_it(tmp_path: Path) -> None:
    path = _fits_file(tmp_path / "t.fits")
    opened = open_table(path)
    assert rows(opened) == [
        {"id": 1, "u": None, "b": -128, "vu": [803, 805], "text": "abc", "vz": [1.0, 2.0], "vl": [True, False]},
        {"id": 2, "u": 40000, "b": 0, "vu": [], "text": None, "vz": [], "vl": []},
        {"id": 3, "u": 65535, "b": 127, "vu": [65535], "text": "defgh", "vz": [0.0, 3.0, 4.0, 0.0], "vl": [True]},
    ]
    assert opened.notes == ("other tables of the file, not read (name one as t.fits#NUMBER): 2 (SECOND)",)


def test_scaled_arrays_of_variable_length_in_a_file(tmp_path: Path) -> None:
    stored = [[-32768, 0, 32767], [], [4], list(range(-50, 50))]
    arrays = _objects(*(np.array(numbers, np.int16) for numbers in stored))
    hdu = fits.BinTableHDU.from_columns([fits.Column("v", "PI()", array=arrays)])
    hdu.header["TSCAL1"], hdu.header["TZERO1"] = 0.25, -10
    hdu.writeto(tmp_path / "t.fits")
    assert [row["v"] for row in rows(open_table(tmp_path / "t.fits"))] == [
        [0.25 * number - 10 for number in numbers] for numbers in stored
    ]


@pytest.mark.parametrize("part", ["#2", "[2]", "#second"])
def test_a_part_of_a_fits_file(part: str, tmp_path: Path) -> None:
    path = _fits_file(tmp_path / "t.fits")
    opened = open_table(f"{path}{part}")
    assert rows(opened) == [{"n": 1, "x": 1.5, "s": "a"}, {"n": 2, "x": 2.5, "s": None}, {"n": 3, "x": -3.0, "s": "bc"}]
    assert unit(opened, "x") == "deg"
    with pytest.raises(FormatError, match=r"it has no table '7'; its tables are 1 \(FIRST\), 2 \(SECOND\)"):
        open_table(f"{path}#7")
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(FormatError, match="it is no FITS file"):
        open_table(f"{tmp_path / 't.csv'}#2")


def test_fits_blanks_and_nulls_in_ascii_tables(tmp_path: Path) -> None:
    path = _fits_file(tmp_path / "t.fits")
    raw = path.read_bytes()
    path.write_bytes(
        raw.replace(b"     1 1.500E+00a", b"   --- 1.500D+00a").replace(b"     2 2.500E+00", b"                ")
    )
    assert [(row["n"], row["x"]) for row in rows(open_table(f"{path}#2"))] == [(None, 1.5), (None, None), (3, -3.0)]


def test_fits_data_in_memory(tmp_path: Path) -> None:
    with fits.open(_fits_file(tmp_path / "t.fits")) as hdus:
        for source in (hdus[1], hdus[1].data):
            found = rows(open_table(source))
            assert [row["u"] for row in found] == [None, 40000, 65535]
            assert [row["id"] for row in found] == [1, 2, 3]
            assert [row["text"] for row in found] == ["abc", None, "defgh"]
            assert [row["vz"] for row in found] == [[1.0, 2.0], [], [0.0, 3.0, 4.0, 0.0]]
            assert "scaled arrays of variable length" in open_table(source).notes[0]


def test_an_error_and_an_overflow_after_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.vot"
    text = (
        "<VOTABLE><RESOURCE><TABLE><FIELD name='a' datatype='int'/>"
        "<DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA></DATA></TABLE>"
        "<INFO name='QUERY_STATUS' value='{}'>the disk is full</INFO></RESOURCE></VOTABLE>"
    )
    path.write_text(text.format("OVERFLOW"))
    opened = open_table(path)
    assert (opened.notes, opened.truncated) == ((), False)
    assert rows(opened) == [{"a": 1}]
    assert (opened.notes, opened.truncated) == (("it is truncated: its service says OVERFLOW",), True)
    path.write_text(text.format("ERROR"))
    opened = open_table(path)
    with pytest.raises(FormatError, match=r"t.vot: it is a service's error message: the disk is full"):
        rows(opened)


def test_the_error_of_a_cone_search(tmp_path: Path) -> None:
    path = tmp_path / "t.vot"
    for said in ("INFO name='Error'", "PARAM name='Error' datatype='char' arraysize='*'"):
        path.write_text(f"<VOTABLE><RESOURCE><{said} value='SR is out of range'/></RESOURCE></VOTABLE>")
        with pytest.raises(FormatError, match="error message: SR is out of range"):
            open_table(path)


def _written(folder: Path, name: str) -> Path:
    path = folder / name
    table = AstropyTable({"id": [1, 2], "ra": [10.0, 20.0], "s": ["a", "b c"], "v": [[1.0, 2.0], [3.0, 4.0]]})
    if name.endswith(".csv"):
        path.write_text("id,ra,s\n1,10.0,a\n2,20.0,b c\n")
    elif name.endswith(".arrow"):
        pa.feather.write_feather(PLAIN, str(path))
    else:
        kinds = {"ecsv": "ascii.ecsv", "vot": "votable", "tbl": "ascii.ipac"}
        kind = kinds.get(name.rpartition(".")[2])
        shown = table["id", "ra", "s"] if name.endswith(".tbl") else table
        shown.write(path, **({"format": kind} if kind else {}))
    return path


@pytest.mark.parametrize("name", ["t.fits", "t.vot", "t.ecsv", "t.csv", "t.tbl", "t.parquet", "t.arrow"])
def test_damage_is_one_sentence(name: str, tmp_path: Path) -> None:
    """Whatever happens to a file, an error is one of the package's own, or there is none."""
    whole = _written(tmp_path, name).read_bytes()
    rng = np.random.default_rng(len(name))
    path = tmp_path / f"damaged-{name}"
    for trial in range(40):
        damaged = bytearray(whole)
        if trial % 2:
            damaged = damaged[: rng.integers(len(whole))]
        for place in rng.integers(0, max(1, len(damaged)), 4 if damaged else 0):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        said = ""
        try:
            rows(open_table(path))
        except SourceError as error:
            said = str(error)
        assert not said or (path.name in said and "\n" not in said)


def _fits(path: Path, columns: dict[str, Any]) -> None:
    QTable(columns).write(path)


def test_patterns_of_files_of_any_format(tmp_path: Path) -> None:
    _fits(tmp_path / "a1.fits", {"ra": [10.0] * u.deg, "width": [5] * u.um, "name": ["x"]})
    _fits(tmp_path / "a2.fits", {"width": [2500] * u.nm, "ra": [np.pi] * u.rad})
    QTable({"ra": [30.0] * u.deg, "more": [1]}).write(tmp_path / "b.ecsv")
    table = open_table(str(tmp_path / "a*.fits"))
    assert rows(table) == [
        {"ra": 10.0, "width": 5.0, "name": "x"},
        {"ra": pytest.approx(180.0), "width": 2.5, "name": None},
    ]
    assert (unit(table, "ra"), unit(table, "width"), table.rows, table.kind) == ("deg", "um", 2, "FITS")
    mixed = open_table([tmp_path / "b.ecsv", tmp_path / "a2.fits"])
    assert [(row["ra"], row["more"]) for row in rows(mixed)] == [(30.0, 1), (pytest.approx(180.0), None)]
    assert mixed.kind == "ECSV and FITS"
    two = fits.HDUList([fits.PrimaryHDU(), *(fits.BinTableHDU(AstropyTable({"x": [n]})) for n in (1, 2))])
    two.writeto(tmp_path / "two.fits")
    parts = open_table([f"{tmp_path / 'two.fits'}#{n}" for n in (2, 1)])
    assert rows(parts) == [{"x": 2}, {"x": 1}]
    assert any(note.startswith("two.fits: other tables of the file") for note in parts.notes)


def test_what_text_files_of_a_pattern_leave_open(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("id,flux,note,never\n1,,,\n")
    (tmp_path / "2.csv").write_text("id,flux,note,never\n2,1.5,late,\n")
    (tmp_path / "3.csv").write_text("id,flux\n3.5,7\n")
    table = open_table(str(tmp_path / "*.csv"))
    assert [field.type for field in table.types] == [pa.float64(), pa.float64(), pa.string(), pa.string()]
    assert [row["flux"] for row in rows(table)] == [None, 1.5, 7.0]
    assert [row["id"] for row in rows(table)] == [1.0, 2.0, 3.5]
    (tmp_path / "4.csv").write_text("id,flux\nfour,1\n")
    with pytest.raises(FormatError, match=r"the files cannot be one table: .*id"):
        open_table(str(tmp_path / "*.csv"))
    (tmp_path / "b.vot").write_text(
        '<VOTABLE version="1.4"><RESOURCE><TABLE><FIELD name="id" datatype="int"/><DATA><TABLEDATA>'
        "<TR><TD>5</TD></TR></TABLEDATA></DATA></TABLE>"
        '<INFO name="QUERY_STATUS" value="OVERFLOW"/></RESOURCE></VOTABLE>'
    )
    cut = open_table([tmp_path / "1.csv", tmp_path / "b.vot"])
    assert [row["id"] for row in rows(cut)] == [1, 5]
    assert cut.truncated
    assert "b.vot: it is truncated: its service says OVERFLOW" in cut.notes


def test_units_of_whole_numbers_are_converted_without_loss(tmp_path: Path) -> None:
    for name, unit_of_file, value in (("a", "um", 3), ("b", "nm", 1)):
        field = pa.field("w", pa.int64(), metadata={"unit": unit_of_file})
        pq.write_table(pa.table({"w": [value]}, schema=pa.schema([field])), tmp_path / f"{name}.parquet")
    table = open_table(tmp_path)
    assert rows(table) == [{"w": 3.0}, {"w": 0.001}]
    assert unit(table, "w") == "um"
