"""Files of every format as sources of a service's rows."""

from __future__ import annotations

import gzip
import json
import math
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Column as TableColumn
from astropy.table import MaskedColumn, Table
from ssap_mirror.core.quantities.positions import Positions
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import FormatError, ParameterError, SourceError
from ssap_mirror.pipeline.known_services import lamost6_mrs
from ssap_mirror.sources.file.source import FileSource
from ssap_mirror.sources.progress import Silent
from ssap_mirror.sources.source import Source
from ssap_mirror.tables.parquet.voparquet import file_schema

from tests.support import votables

SERVICE = Schema(
    (
        Column("specid", "char", "*", ucd="meta.id;meta.main"),
        Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
        Column("flag", "short", null="-1"),
        Column("snr", "float"),
        Column("pos", "double", "2", unit="deg"),
        Column("wave", "double", unit="m"),
        Column("good", "boolean"),
        Column("obsid", "long"),
        Column("note", "unicodeChar", "*"),
    )
)
ROWS: list[dict[str, Any]] = [
    {
        "specid": f"sp{k:04}",
        "ra": k * 0.1,
        "flag": None if k % 5 == 0 else k,
        "snr": math.nan if k % 7 == 0 else float(np.float32(k / 3)),
        "pos": [k * 0.5, -k * 0.25],
        "wave": (5000 + k) * 1e-10,
        "good": k % 2 == 0,
        "obsid": 2**60 + k,
        "note": None if k % 3 == 0 else f'é "{k}", <&>',
    }
    for k in range(40)
]


def _arrow(schema: Schema = SERVICE, rows: list[dict[str, Any]] = ROWS) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema.arrow_schema())


def _astropy() -> Table:
    columns = []
    for column in SERVICE:
        values = [row[column.name] for row in ROWS]
        if any(value is None for value in values):
            filled = ["" if value is None and column.is_text else -1 if value is None else value for value in values]
            mask = [value is None for value in values]
            kind = np.int16 if column.datatype == "short" else None
            columns.append(MaskedColumn(filled, name=column.name, mask=mask, unit=column.unit, dtype=kind))
        else:
            kind = np.float32 if column.datatype == "float" else None
            columns.append(TableColumn(values, name=column.name, unit=column.unit, dtype=kind))
    return Table(columns)


def _write_votable(serialization: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        rows = [[row[name] for name in SERVICE.names] for row in ROWS]
        path.write_bytes(votables.document(list(SERVICE), rows, serialization))

    return write


def _write_csv(path: Path) -> None:
    from csv import QUOTE_MINIMAL, writer

    def text(value: Any) -> str:
        return " ".join(map(repr, value)) if isinstance(value, list) else "" if value is None else str(value)

    with path.open("w", newline="") as file:
        out = writer(file, quoting=QUOTE_MINIMAL)
        out.writerow(SERVICE.names)
        out.writerows([text(row[name]) for name in SERVICE.names] for row in ROWS)


def _write_fits(path: Path) -> None:
    table = _astropy()
    table["flag"].fill_value = -1
    table["note"] = np.char.encode(table["note"].filled(""), "utf-8")
    table["specid"] = np.char.encode(table["specid"], "utf-8")
    table.write(path, format="fits")


WRITERS: dict[str, Callable[[Path], None]] = {
    "tabledata.vot": _write_votable("TABLEDATA"),
    "binary.xml": _write_votable("BINARY"),
    "binary2.votable": _write_votable("BINARY2"),
    "table.fits": _write_fits,
    "table.csv": _write_csv,
    "table.ecsv": lambda path: _astropy().write(path, format="ascii.ecsv"),
    "table.parquet": lambda path: pq.write_table(_arrow(), path, row_group_size=7),
}


def _written(folder: Path, name: str) -> Path:
    path = folder / name.removesuffix(".gz")
    WRITERS[path.name](path)
    if name.endswith(".gz"):
        packed = folder / name
        packed.write_bytes(gzip.compress(path.read_bytes()))
        return packed
    return path


def _rows(source: FileSource) -> list[dict[str, Any]]:
    batches = list(source.batches())
    for batch in batches:
        batch.validate(full=True)
        assert batch.schema.equals(source.describe().arrow_schema(), check_metadata=True)
    return [row for batch in batches for row in batch.to_pylist()]


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("name", WRITERS)
def test_the_same_rows_in_every_format(name: str, packed: str, tmp_path: Path) -> None:
    if packed and name.endswith("parquet"):
        pytest.skip("Parquet is compressed inside")
    source = FileSource(_written(tmp_path, name + packed), SERVICE)
    expected = repr(ROWS)
    assert repr(_rows(source)) == expected
    assert repr(_rows(source)) == expected, "and again"
    if name != "table.csv":
        assert source.notes == (), "CSV alone has no units"


@pytest.mark.parametrize("name", WRITERS)
def test_without_a_service_the_columns_are_the_files_own(name: str, tmp_path: Path) -> None:
    source = FileSource(_written(tmp_path, name))
    described = source.describe()
    assert described.names == SERVICE.names
    rows = _rows(source)
    assert [row["specid"] for row in rows] == [row["specid"] for row in ROWS]
    assert [row["obsid"] for row in rows] == [row["obsid"] for row in ROWS]
    if name != "table.csv":
        assert [column.unit for column in described] == [column.unit for column in SERVICE]
        assert [column.arrow_type() for column in described] == [column.arrow_type() for column in SERVICE]


def _parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_names(tmp_path: Path) -> None:
    path = _parquet(tmp_path / "a.parquet", SPECID=["a"], Ra=[1.0], RA=[2.0], flag=[3], FLAG=[4], more=[5], _row=[6])
    source = FileSource(path, SERVICE)
    row = _rows(source)[0]
    assert (row["specid"], row["ra"], row["flag"], row["note"]) == ("a", None, 3, None)
    notes = "; ".join(source.notes)
    assert "differ in case: SPECID -> specid" in notes
    assert "NULL in all rows: ra, snr, pos, wave, good, obsid, note" in notes
    assert "left out: Ra_1, RA_2, FLAG_2, more, _row" in notes
    assert "Ra is called Ra_1, RA is called RA_2, flag is called flag_1, FLAG is called FLAG_2" in notes
    without = FileSource(_parquet(tmp_path / "b.parquet", ra=[1.0]), SERVICE)
    assert "the file lacks specid, by which the service tells its rows apart" in without.notes
    with pytest.raises(FormatError, match=r"c.parquet: none of its columns \(x\) is one of the service"):
        FileSource(_parquet(tmp_path / "c.parquet", x=[1]), SERVICE)


def test_units(tmp_path: Path) -> None:
    def written(unit: str, column: str = "wave") -> Path:
        field = pa.field(column, pa.float64(), metadata={"unit": unit})
        pq.write_table(pa.table({column: [5000.0]}, schema=pa.schema([field])), tmp_path / "u.parquet")
        return tmp_path / "u.parquet"

    source = FileSource(written("Angstrom"), SERVICE)
    assert _rows(source)[0]["wave"] == 5e-07
    assert "wave: converted from Angstrom to m" in source.notes
    silent = FileSource(written(""), SERVICE)
    assert _rows(silent)[0]["wave"] == 5000.0
    assert "no unit in the file, so it is taken to be the service's: wave" in silent.notes
    assert _rows(FileSource(written(""), SERVICE, units={"wave": "nm"}))[0]["wave"] == 5e-06
    assert _rows(FileSource(written("Jy"), SERVICE, units={"wave": "nm"}))[0]["wave"] == 5e-06
    with pytest.raises(FormatError, match=r"column 'wave': 'Jy' cannot be converted to 'm'"):
        FileSource(written("Jy"), SERVICE)
    with pytest.raises(FormatError, match=r"column 'snr': 'mag' is not 'no unit'"):
        FileSource(written("mag", "snr"), SERVICE)
    assert _rows(FileSource(written("mag", "snr"), SERVICE, units={"snr": ""}))[0]["snr"] == 5000.0
    with pytest.raises(ParameterError, match="units: 'wav' is no column of the file"):
        FileSource(written("m"), SERVICE, units={"wav": "m"})


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_cut_off_is_an_error(name: str, tmp_path: Path) -> None:
    path = _written(tmp_path, name)
    whole = path.read_bytes()
    ends = [0, 10, len(whole) // 3, 2 * len(whole) // 3]
    if name != "table.csv" and name != "table.ecsv":
        ends.append(len(whole) - 20 if name != "table.fits" else len(whole) - 2000)
    for end in ends:
        if (name, end) == ("table.csv", 10):
            continue  # the names of some columns, and no rows
        # Text tables say nothing of their length: only a row that is cut can be noticed.
        path.write_bytes(whole[:end].rstrip(b"\n"))
        with pytest.raises(SourceError, match=path.name):
            _rows(FileSource(path, SERVICE))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.pdf", b"%PDF-1.4", "none of VOTable, FITS"),
        ("a.txt", b"10.5,20.5\n1,2\n", "first line has numbers, where the names of its columns are expected"),
        ("a.xml", b"<html></html>", "HTML page instead"),
        ("a.vot", b"nonsense", "not a VOTable"),
        ("a.csv", b"", "[Ee]mpty"),
        ("a.csv", b"specid,ra\nx\n", "Expected 2 columns, got 1"),
        ("a.csv", b"specid,specid\nx,y\n", "two of its columns are called 'specid'"),
        ("a.csv", b"specid,ra\nx,north\n", r"row 1: column 'ra': 'north' is no double"),
        ("a.csv", b"specid,flag\nx,1\ny,40000\n", r"row 2: column 'flag': '40000' is no short"),
        ("a.csv", b"specid\n\xff\xfe\n", "UTF8"),
        ("a.csv.gz", gzip.compress(b"specid\nx\n", mtime=0)[:-6], "gzip|[Tt]runcated"),
        ("a.fits", b"SIMPLE  =                    T" + b" " * 2850, "FITS"),
        ("a.parquet", b"PAR1" + b"\0" * 100 + b"PAR1", "Parquet"),
        ("a.ecsv", b"# %ECSV 1.0\n# ---\n# datatype:\n", "ECSV"),
        ("a.fits.gz", gzip.compress(b"SIMPLE  =" + b" " * 9000, mtime=0)[:-4], "gzip"),
    ],
)
def test_no_table(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FormatError, match=reason) as caught:
        _rows(FileSource(path, SERVICE))
    assert str(path) in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone.csv is not there"):
        FileSource(tmp_path / "gone.csv", SERVICE)
    with pytest.raises(SourceError, match="holds no Parquet files"):
        FileSource(tmp_path, SERVICE)


def test_votable_that_is_an_error_or_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(
        '<VOTABLE><RESOURCE><INFO name="QUERY_STATUS" value="ERROR">Field SNR: no</INFO></RESOURCE></VOTABLE>'
    )
    with pytest.raises(FormatError, match="a service's error message: Field SNR: no"):
        FileSource(path)
    raw = votables.document(list(SERVICE), [[row[name] for name in SERVICE.names] for row in ROWS], "BINARY2")
    path.write_bytes(raw.replace(b"</TABLE>", b'</TABLE><INFO name="QUERY_STATUS" value="OVERFLOW"/>'))
    harvest = FileSource(path, SERVICE).harvest(tmp_path, Silent())
    assert (harvest.rows, harvest.verdict.complete) == (40, False)
    assert "OVERFLOW" in harvest.verdict.reasons[0]


def test_csv_tells_empty_from_null_and_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'specid,note,snr,obsid,pos,good\r\n"a,b","",NaN,,1 2,T\r\n"c ""d""\n",,, 7 ,,false\r\n')
    first, second = _rows(FileSource(path, SERVICE))
    assert (first["specid"], first["note"], math.isnan(first["snr"]), first["obsid"]) == ("a,b", "", True, None)
    assert (first["pos"], first["good"]) == ([1.0, 2.0], True)
    assert (second["specid"], second["note"], second["snr"], second["obsid"]) == ('c "d"\n', None, None, 7)
    assert (second["pos"], second["good"]) == (None, False)


def test_csv_types_are_those_of_all_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    header = "whole,late,number,code,id,mixed,text,empty,signed\n"
    rows = "1,1,1.5,1,1,5,1,,-1\n" * 3 + "-7,2.5,-1e-7,007,63500310383727522111,9007199254740993,2018-01-01,,+1\n"
    path.write_text(header + rows + "3,3,nan,8,9,0.5,x,,2\n")
    described = FileSource(path).describe()
    kinds = {column.name: column.datatype for column in described}
    assert kinds == {
        "whole": "long",
        "late": "double",
        "number": "double",
        "code": "char",
        "id": "char",
        "mixed": "char",
        "text": "char",
        "empty": "char",
        "signed": "long",
    }
    assert [row["code"] for row in _rows(FileSource(path))] == ["1", "1", "1", "007", "8"]


def test_fits_in_all_its_ways(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    logical = np.array([ord("T"), ord("F"), 0], np.uint8)
    columns = [
        fits.Column("name", "6A", array=np.array(["a b  ", "", "é".encode()], "S6")),
        fits.Column("names", "6A", dim="(3,2)", array=np.array([["ab", "c"], ["", "def"], ["x", ""]])),
        fits.Column("flag", "I", null=-1, array=np.array([5, -1, 7], np.int16)),
        fits.Column("count", "I", bzero=32768, array=np.array([0, 40000, 65535], np.uint16)),
        fits.Column("scaled", "I", null=-9, array=np.array([0, 3, -9], np.int16)),
        fits.Column("ok", "L", array=np.array([True, False, True])),
        fits.Column("bits", "5X", array=np.array([[1, 0, 1, 1, 0]] * 3, bool)),
        fits.Column("z", "C", array=np.array([1 + 2j, 3 - 1j, np.nan], np.complex64)),
        fits.Column("flux", "4E", dim="(2,2)", unit="Jy", array=np.arange(12, dtype=np.float32).reshape(3, 2, 2)),
        fits.Column(
            "list", "PD()", array=np.array([np.array([1.0]), np.array([]), np.array([2.0, 3.0])], dtype=object)
        ),
        fits.Column("x", "D", array=np.array([np.nan, np.inf, 1e-300])),
    ]
    hdu = fits.BinTableHDU.from_columns(columns)
    hdu.header["TSCAL5"], hdu.header["TZERO5"] = 0.5, 10
    hdu.header["TUCD9"], hdu.header["TUTYP9"], hdu.header["TCOMM9"] = "phot.flux", "ssa:Flux", "How bright"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((3, 3))), hdu]).writeto(path)
    raw = bytearray(path.read_bytes())
    with fits.open(path) as hdus:
        begin, width = hdus[2].fileinfo()["datLoc"], hdus[2].header["NAXIS1"]
        offset = hdus[2].columns.dtype.fields["ok"][1]
    for k, code in enumerate(logical):
        raw[begin + k * width + offset] = code
    path.write_bytes(raw)
    source = FileSource(path)
    flux = source.describe()["flux"]
    assert (flux.unit, flux.ucd, flux.utype, flux.description) == ("Jy", "phot.flux", "ssa:Flux", "How bright")
    rows = _rows(source)
    assert [row["name"] for row in rows] == ["a b", None, "é"]
    assert [row["names"] for row in rows] == [["ab", "c"], ["", "def"], ["x", ""]]
    assert source.describe()["names"].arraysize == "3x2"
    assert [row["flag"] for row in rows] == [5, None, 7]
    assert [row["count"] for row in rows] == [0, 40000, 65535]
    assert [row["scaled"] for row in rows] == [10.0, 11.5, None]
    assert [row["ok"] for row in rows] == [True, False, None]
    assert rows[0]["bits"] == [True, False, True, True, False]
    assert rows[1]["z"] == [3.0, -1.0]
    assert [row["list"] for row in rows] == [[1.0], [], [2.0, 3.0]]
    assert rows[2]["flux"] == [8.0, 9.0, 10.0, 11.0]
    assert repr([row["x"] for row in rows]) == "[nan, inf, 1e-300]"


def test_fits_of_many_rows_in_stretches(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    count = 150_000
    array = np.arange(count)
    fits.BinTableHDU.from_columns([fits.Column("obsid", "K", array=array)]).writeto(path)
    source = FileSource(path, SERVICE)
    numbers = pa.concat_arrays([batch.column("obsid") for batch in source.batches()])
    assert numbers.equals(pa.array(array))


def test_fits_without_a_table(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.zeros((2, 2))).writeto(tmp_path / "a.fits")
    with pytest.raises(FormatError, match="a FITS file without a table"):
        FileSource(tmp_path / "a.fits")


def test_ecsv_in_all_its_ways(tmp_path: Path) -> None:
    path = tmp_path / "a.ecsv"
    table = Table()
    table["speed"] = MaskedColumn([1.5, 2.5], mask=[False, True], unit="km/s", description="How fast")
    table["vec"] = np.arange(4.0).reshape(2, 2)
    table["var"] = np.array([[1, 2], [3]], dtype=object)
    table["text"] = ["a b", ""]
    table["yes"] = [True, False]
    table["words"] = [["a", "bc"], ["é", ""]]
    table["small"] = np.array([1, 2], np.uint8)
    table.write(path)
    source = FileSource(path)
    speed = source.describe()["speed"]
    assert (speed.unit, speed.description, speed.datatype) == ("km.s**-1", "How fast", "double")
    assert source.describe()["small"].datatype == "unsignedByte"
    first, second = _rows(source)
    assert first == {
        "speed": 1.5,
        "vec": [0.0, 1.0],
        "var": [1, 2],
        "text": "a b",
        "yes": True,
        "words": ["a", "bc"],
        "small": 1,
    }
    assert second == {
        "speed": None,
        "vec": [2.0, 3.0],
        "var": [3],
        "text": None,
        "yes": False,
        "words": ["é", ""],
        "small": 2,
    }


def test_parquet_of_a_mirror_and_of_others(tmp_path: Path) -> None:
    whole = file_schema(SERVICE, name="spectra", title="Spectra")
    inner = pa.array([7] * len(ROWS), pa.int64())
    pq.write_table(pa.table([inner, *_arrow().columns], schema=whole), tmp_path / "mirror.parquet")
    mirror = FileSource(tmp_path / "mirror.parquet")
    assert mirror.describe() == SERVICE
    assert repr(_rows(mirror)) == repr(ROWS)
    bare = pa.schema([pa.field(field.name, field.type) for field in whole], metadata=whole.metadata)
    pq.write_table(pa.table([inner, *_arrow().columns], schema=bare), tmp_path / "other.parquet")
    assert [column.unit for column in FileSource(tmp_path / "other.parquet").describe()] == [c.unit for c in SERVICE]


def test_a_table_as_the_database_has_it(tmp_path: Path) -> None:
    """Types of an export from PostgreSQL: dates, timestamps, lists, doubles for floats."""
    service = lamost6_mrs()
    table = pa.table(
        {
            "mobsid": ["60100000100B", "60100000101R"],
            "location_ra": [0.1, None],
            "embargo": pa.array([date(2020, 1, 1), None]),
            "ssa_cdate": pa.array(
                [datetime(2018, 8, 23, 8), datetime(2018, 8, 23, 8, 0, 0, 500000, UTC)], pa.timestamp("us")
            ),
            "ssa_location": pa.array([[0.0, 20.0], None], pa.list_(pa.float64())),
            "mag_arr": pa.array([[float(k) for k in range(7)], [math.nan] * 7], pa.list_(pa.float32())),
            "ssa_region": pa.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], None], pa.list_(pa.float64())),
            "ssa_length": pa.array([2720, None], pa.int64()),
            "obsid": pa.array([601000001, 2**40]),
            "ssa_targname": ["", None],
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    source = FileSource(tmp_path / "rows.parquet", service)
    first, second = _rows(source)
    assert first["location_ra"] == float(np.float32(0.1))
    assert first["embargo"] == pytest.approx(2020 + (58849 - 58849.5 + 0.5 - 0.5) / 365.25, abs=1e-12)
    assert [row["ssa_cdate"] for row in (first, second)] == ["2018-08-23T08:00:00", "2018-08-23T08:00:00.5"]
    assert [row["ssa_location"] for row in (first, second)] == [[0.0, 20.0], None]
    assert [row["ssa_region"] for row in (first, second)] == [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], None]
    assert [row["ssa_targname"] for row in (first, second)] == ["", None]
    assert second["obsid"] == 2**40
    assert second["preview"] is None
    assert "rounded to single precision: location_ra" in source.notes
    assert len(first) == 98


def test_harvest(tmp_path: Path) -> None:
    path = _written(tmp_path, "table.parquet")
    source: Source = FileSource(path, SERVICE, title="Forty spectra")
    assert source.estimate(tmp_path, Silent()).rows == 40
    harvest = source.harvest(tmp_path, Silent())
    assert harvest.rows == 40 == sum(batch.num_rows for batch in harvest.batches())
    assert harvest.verdict.complete
    assert harvest.description.title == "Forty spectra"
    assert (harvest.description.kind, harvest.description.url) == ("file", path.resolve().as_uri())
    assert harvest.description.schema == SERVICE
    assert harvest.record["file"]["format"] == "Parquet"
    json.dumps(harvest.record)


def test_harvest_reads_to_the_last_row(tmp_path: Path) -> None:
    path = _parquet(tmp_path / "a.parquet", specid=["a", "b"], flag=[1, 70000])
    with pytest.raises(FormatError, match=r"a.parquet: row 2: column 'flag': 70000 cannot become short"):
        FileSource(path, SERVICE).harvest(tmp_path, Silent())


_MEASURE = """
import resource, sys
from pathlib import Path
import pyarrow as pa
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.sources.file.source import FileSource
schema = Schema((Column("a", "double"), Column("b", "char", "*")))
pa.set_memory_pool(pa.system_memory_pool())
small, large = (FileSource(Path(name), schema) for name in sys.argv[1:])
sum(batch.num_rows for batch in small.batches())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = sum(batch.num_rows for batch in large.batches())
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("kind", ["parquet", "fits", "csv", "vot"])
def test_memory_does_not_grow_with_the_file(kind: str, tmp_path: Path) -> None:
    def write(name: str, rows: int) -> str:
        path = tmp_path / name
        numbers = np.random.default_rng(1).random(rows)
        text = [f"{number!r:>60}" for number in numbers.tolist()]
        if kind == "fits":
            columns = [fits.Column("a", "D", array=numbers), fits.Column("b", "60A", array=np.full(rows, "x" * 60))]
            fits.BinTableHDU.from_columns(columns).writeto(path)
        elif kind == "parquet":
            # One row group, and nothing to compress.
            table = pa.table({"a": numbers, "b": text})
            pq.write_table(table, path, row_group_size=rows, use_dictionary=False, compression="none")
        else:
            if kind == "csv":
                path.write_text("a,b\n" + "".join(f"{t.strip()},{t}\n" for t in text))
            else:
                body = "".join(f"<TR><TD>{t}</TD><TD>{t}</TD></TR>" for t in text)
                fields = votables.field(Column("a", "double")) + votables.field(Column("b", "char", "*"))
                path.write_text(
                    f"<VOTABLE><RESOURCE><TABLE>{fields}<DATA><TABLEDATA>{body}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
                )
        return str(path)

    small, large = write(f"small.{kind}", 50_000), write(f"large.{kind}", 500_000)
    command = [sys.executable, "-c", _MEASURE, small, large]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    rows, grown_mb = map(int, ran.stdout.split())
    assert rows == 500_000
    assert grown_mb < 25, "the file is ten times as large, some 40 MB or more"


def test_types_that_votable_lacks(tmp_path: Path) -> None:
    path = _parquet(
        tmp_path / "a.parquet",
        big=pa.array([5], pa.uint64()),
        half=pa.array([0.5], pa.float16()),
        day=[date(2020, 1, 2)],
    )
    source = FileSource(path)
    assert [column.datatype for column in source.describe()] == ["long", "float", "char"]
    assert _rows(source) == [{"big": 5, "half": 0.5, "day": "2020-01-02T00:00:00"}]
    _parquet(path, big=pa.array([2**63], pa.uint64()))
    source = FileSource(path)
    assert _rows(source) == [{"big": "9223372036854775808"}]
    assert "kept as text, for it has numbers beyond 2**63: big" in source.notes
    _parquet(path, pair=pa.array([{"x": 1}]), raw=[b"x"], price=pa.array(["1.25"]).cast(pa.decimal128(10, 2)))
    source = FileSource(path)
    assert _rows(source) == [{"price": 1.25}]
    assert "left out: column 'pair' is struct<x: int64>, which a mirror has no type for" in source.notes
    assert "left out: column 'raw' is binary, which a mirror has no type for" in source.notes
    assert "decimal numbers, kept in double precision: price" in source.notes
    _parquet(path, words=[["a", "bcd"], ["é"]])
    assert _rows(FileSource(path)) == [{"words": ["a", "bcd"]}, {"words": ["é"]}]
    assert FileSource(path).describe()["words"].arraysize == "3x*"
    _parquet(path, raw=[b"x"])
    with pytest.raises(FormatError, match="no column of it can be kept"):
        FileSource(path)


def test_positions_in_other_forms_are_derived_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,RA,DEC\n1,00:40:00,+05 00 00\n2,north,up\n3,,\n")
    source = FileSource(path)
    schema = source.describe()
    assert (schema.roles["ra"], schema.roles["dec"]) == ("s_ra", "s_dec")
    assert [(row["RA"], row["s_ra"], row["s_dec"]) for row in _rows(source)] == [
        ("00:40:00", 10.0, 5.0),
        ("north", None, None),
        (None, None, None),
    ]
    assert source.notes == (
        "positions are those of RA (text, hours or degrees) and DEC (text, degrees)",
        "rows without a position that can be read: 2",
    )
    path.write_text("id,x,y\n1,0.5,5\n")
    assert "so all rows are unplaced" in FileSource(path).notes[0]
    hours = FileSource(path, units={"x": "h"}, positions=Positions(ra="x", dec="y"))
    assert [(row["s_ra"], row["s_dec"]) for row in _rows(hours)] == [(7.5, 5.0)]
    with pytest.raises(ParameterError, match="known of the columns of a service"):
        FileSource(path, SERVICE, positions=Positions(ra="x", dec="y"))


def test_files_of_a_folder_as_one_source(tmp_path: Path) -> None:
    for number in range(2):
        _parquet(tmp_path / f"p{number}.parquet", ra=[10.0 * number], dec=[5.0])
    for address in (tmp_path, f"{tmp_path}/p*.parquet"):
        harvest = FileSource(address).harvest(tmp_path, Silent())
        assert harvest.rows == 2
        assert [len(item["sha256"]) for item in harvest.record["file"]["files"]] == [64, 64]


def test_columns_whose_names_differ_in_case_alone_keep_their_values(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("ra,dec,Rmag,rmag\n10.0,1.0,1.5,4.5\n")
    source = FileSource(path)
    rows = pa.Table.from_batches(list(source.batches())).to_pydict()
    assert (rows["Rmag_1"], rows["rmag_2"]) == ([1.5], [4.5])
    assert [note for note in source.notes if "differ in case" not in note] == []
