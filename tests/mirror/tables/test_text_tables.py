"""Tables of text as programs and people write them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from ssap_mirror.errors import FormatError
from ssap_mirror.tables import Table, open_table


def _opened(folder: Path, content: str | bytes, name: str = "t.csv") -> Table:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_table(path)


def _rows(table: Table) -> list[dict[str, Any]]:
    return [row for batch in table.batches() for row in batch.to_pylist()]


ROWS = [{"id": 1, "ra": 10.5, "name": "a b"}, {"id": 2, "ra": -0.25, "name": None}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "id,ra,name\n1,10.5,a b\n2,-0.25,\n"),
        ("t.csv", "id\tra\tname\n1\t10.5\ta b\n2\t-0.25\t\n"),
        ("t.tsv", "id\tra\tname\r\n1\t10.5\ta b\r\n2\t-0.25\tnull\r\n"),
        ("t.csv", "id;ra;name\n1;10.5;a b\n2;-0.25;NULL\n"),
        ("t.txt", "id|ra|name\n1|10.5|a b\n2|-0.25|\n"),
        ("t.csv", "id, ra, name\n1, 10.5, a b\n2, -0.25,\n"),
        ("t.csv", 'id, ra, name\n1, +10.5, "a b"\n2, -0.25,\n'),
        ("t.dat", '  id   ra  name\n   1 10.5  "a b"\n   2 -0.25 null\n'),
        ("t.csv", "\ufeffid,ra,name\n1,10.5,a b\n2,-0.25,\n"),
        ("t.csv", "# by hand\n\n#2026\nid,ra,name\n1,10.5,a b\n2,-0.25,"),
        ("t.csv", "id,ra,name\n1,1.05D+1,a b\n2,-2.5d-1,\n"),
        ("t.csv", '"id","ra","name"\n"1","10.5","a b"\n"2","-0.25",\n'),
    ],
)
def test_the_same_rows_however_they_are_written(name: str, content: str, tmp_path: Path) -> None:
    table = _opened(tmp_path, content, name)
    assert _rows(table) == ROWS
    assert _rows(table) == ROWS, "and again"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed(pack: Any, tmp_path: Path) -> None:
    whole = pack(b"id,ra,name\n1,10.5,a b\n2,-0.25,\n")
    assert _rows(_opened(tmp_path, whole, "t.csv.packed.csv")) == ROWS
    with pytest.raises(FormatError, match=r"t.csv: damaged or truncated"):
        _rows(_opened(tmp_path, whole[:-9]))


def test_names_in_a_comment(tmp_path: Path) -> None:
    assert _rows(_opened(tmp_path, "# made by TOPCAT\n# id ra\n1 10.5\n2 -0.25\n", "t.txt")) == [
        {"id": 1, "ra": 10.5},
        {"id": 2, "ra": -0.25},
    ]
    with pytest.raises(FormatError, match="first line has numbers"):
        _opened(tmp_path, "1,10.5\n2,-0.25\n")


def test_comments_among_rows_are_told_and_names_with_a_mark_are_kept(tmp_path: Path) -> None:
    table = _opened(tmp_path, '# head\nid,name\n1,a\n# 2,b\n3,"c\n# no comment"\n')
    assert _rows(table) == [{"id": 1, "name": "a"}, {"id": 3, "name": "c\n# no comment"}]
    assert table.notes == ("1 line among the rows that begin with # are taken for comments",)
    # Without a comment at its head a file has none.
    assert _rows(_opened(tmp_path, "name,id\n#1,2\n")) == [{"name": "#1", "id": 2}]


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", "-2", "+3"], "int64", [1, -2, 3]),
        (["1", "null", "NA", "--", " 4 "], "int64", [1, None, None, None, 4]),
        (["1.5", "NaN", "-inf"], "double", [1.5, math.nan, -math.inf]),
        (["True", "FALSE", ""], "bool", [True, False, None]),
        (["true", "1"], "string", ["true", "1"]),
        (["0000110101", "0001"], "string", ["0000110101", "0001"]),
        (["0x10", "12"], "string", ["0x10", "12"]),
        (["05.25", "-00.5"], "double", [5.25, -0.5]),
        (["9007199254740993", "7"], "int64", [9007199254740993, 7]),
        (["9007199254740993", "0.5"], "string", ["9007199254740993", "0.5"]),
        (["18446744073709551615"], "string", ["18446744073709551615"]),
        (["null", ""], "string", [None, None]),
        (["Na", "Fe"], "string", ["Na", "Fe"]),
        (["2018-01-01", "x"], "string", ["2018-01-01", "x"]),
    ],
)
def test_types(cells: list[str], kind: str, values: list[Any], tmp_path: Path) -> None:
    table = _opened(tmp_path, "n,v\n" + "".join(f"{n},{cell}\n" for n, cell in enumerate(cells)))
    assert str(table.types.field("v").type) == kind
    assert repr([row["v"] for row in _rows(table)]) == repr(values)


def test_a_column_that_changes_its_mind_late(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n}\n" for n in range(250_000))
    table = _opened(tmp_path, f"a,b\n{rows}12a,0.5\n")
    last = list(table.batches())[-1].to_pylist()[-1]
    assert last == {"a": "12a", "b": 0.5}
    assert sum(batch.num_rows for batch in table.batches()) == 250_001


def test_quoted_null_is_text_and_empty_quotes_are_empty_text(tmp_path: Path) -> None:
    assert _rows(_opened(tmp_path, 'a,b\n"null",x\nnull,""\n')) == [{"a": "null", "b": "x"}, {"a": None, "b": ""}]


def test_no_rows_no_names_and_two_of_one_name(tmp_path: Path) -> None:
    assert _rows(_opened(tmp_path, "id,ra\n")) == []
    table = _opened(tmp_path, ",a,\n0,1,2\n")
    assert _rows(table) == [{"col1": 0, "a": 1, "col3": 2}]
    assert table.notes[0] == "column 1 has no name and is called col1"
    with pytest.raises(FormatError, match="two of its columns are called 'a'"):
        _opened(tmp_path, "a,a\n1,2\n")
    with pytest.raises(FormatError, match="it is empty"):
        _opened(tmp_path, "\n\n")
    with pytest.raises(FormatError, match="UTF-16"):
        _opened(tmp_path, "a,b\n1,2\n".encode("utf-16"))


VIZIER = """#
#   VizieR Astronomical Server vizier.cds.unistra.fr
#RESOURCE=yCat_1239
#Name: I/239
#Table\tI_239_hip_main:
#Column\tHIP\t(I6)\tIdentifier (HIP number) (H1)\t[ucd=meta.id;meta.main]
#Column\tRAhms\t(A11)\tRight ascension in h m s\t[ucd=pos.eq.ra;meta.main]
#Column\t_RA.icrs\t(F12.8)\tRight ascension, 5" off\t[ucd=pos.eq.ra]
HIP\tRAhms\t_RA.icrs
\t"h:m:s"\tdeg
------\t-----------\t------------
     1\t00 00 00.22\t  0.00091185
     2\t5" off\t
# a comment

#Table\tI_239_tyc_main:
TYC\tx\ty
"""


def test_tsv_of_vizier(tmp_path: Path) -> None:
    table = _opened(tmp_path, VIZIER, "asu.tsv")
    assert _rows(table) == [
        {"HIP": 1, "RAhms": "00 00 00.22", "_RA.icrs": 0.00091185},
        {"HIP": 2, "RAhms": '5" off', "_RA.icrs": None},
    ]
    ra = table.columns["_RA.icrs"]
    assert (ra.unit, ra.ucd, ra.description) == ("deg", "pos.eq.ra", 'Right ascension, 5" off')
    assert table.columns["RAhms"].unit == "h:m:s"
    assert "another table comes after it" in table.notes[0]


IPAC = r"""\fixlen = T
\ a comment
|   name | ra        | n    |
|   char | double    | int  |
|        | degrees   |      |
|   null | null      | -999 |
   a b     10.5        7
   null    null        -999
           -0.25       12
"""


def test_ipac(tmp_path: Path) -> None:
    table = _opened(tmp_path, IPAC, "t.tbl")
    assert table.kind == "IPAC"
    assert _rows(table) == [
        {"name": "a b", "ra": 10.5, "n": 7},
        {"name": None, "ra": None, "n": None},
        {"name": None, "ra": -0.25, "n": 12},
    ]
    assert table.columns["ra"].unit == "degrees"
    with pytest.raises(FormatError, match=r"t.tbl: column 'n' is not int64"):
        _rows(_opened(tmp_path, IPAC.replace(" 12\n", " x\n"), "t.tbl"))


GAIA = """# %ECSV 1.0
# ---
# delimiter: ','
# datatype:
# - {name: source_id, datatype: int64, description: "Unique, within the release", meta: {ucd: meta.id;meta.main}}
# - {name: ra, datatype: float64, unit: deg}
# - {name: rv, datatype: float32, unit: km.s**-1}
# - {name: has_xp, datatype: bool}
# - {name: lib, datatype: string}
# meta: !!omap
# - {release: DR3}
# schema: astropy-2.0
source_id,ra,rv,has_xp,lib
4611686018427387905,10.0,null,"False",null
4611686018427387907,20.0,-12.5,"True","MARCS"
"""


def test_ecsv_of_the_gaia_archive(tmp_path: Path) -> None:
    table = _opened(tmp_path, GAIA, "GaiaSource_0.csv")
    assert table.kind == "ECSV"
    assert _rows(table) == [
        {"source_id": 4611686018427387905, "ra": 10.0, "rv": None, "has_xp": False, "lib": None},
        {"source_id": 4611686018427387907, "ra": 20.0, "rv": -12.5, "has_xp": True, "lib": "MARCS"},
    ]
    assert table.columns["source_id"].ucd == "meta.id;meta.main"
    assert table.columns["rv"].unit == "km.s**-1"
    packed = tmp_path / "GaiaSource_0.csv.gz"
    packed.write_bytes(gzip.compress(GAIA.encode()))
    assert _rows(open_table(packed)) == _rows(table)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (("20.0", "x"), "column 'ra' is not float64"),
        (("has_xp, datatype: bool", "has_xp, datatype: what"), "datatype 'what', which is not read"),
        (("# - {name: ra", "# - {name: ra: {"), "YAML"),
        (('"True"', '"perhaps"'), "column 'has_xp' is not bool"),
    ],
)
def test_damaged_ecsv(damage: tuple[str, str], reason: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=reason):
        _rows(_opened(tmp_path, GAIA.replace(*damage), "t.ecsv"))


def test_ecsv_of_astropy_with_times_and_coordinates(tmp_path: Path) -> None:
    import astropy.units as u
    from astropy.coordinates import SkyCoord
    from astropy.table import MaskedColumn, QTable
    from astropy.time import Time

    table = QTable(
        {
            "id": [1, 2],
            "where": SkyCoord([10.0, 20.0] * u.deg, [0.0, 5.0] * u.deg),
            "when": Time([57800.25, 58000.25], format="mjd"),
            "flux": MaskedColumn([1.5, 2.5], mask=[False, True], unit="mJy"),
            "cube": [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]] * u.m,
        }
    )
    table.write(tmp_path / "t.ecsv")
    opened = open_table(tmp_path / "t.ecsv")
    first, second = _rows(opened)
    assert first["where.ra"] == pytest.approx(10.0)
    assert second["where.dec"] == pytest.approx(5.0)
    assert first["when"] == pytest.approx(57800.25)
    assert (first["flux"], second["flux"]) == (1.5, None)
    assert first["cube"] == [1.0, 2.0, 3.0, 4.0]
    assert opened.columns["when"].time_origin == "2400000.5"
    plain = table["id", "flux", "cube"]
    plain.write(tmp_path / "plain.ecsv")
    opened = open_table(tmp_path / "plain.ecsv")
    assert [row["cube"] for row in _rows(opened)] == [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]
    assert (opened.columns["flux"].unit, _rows(opened)[1]["flux"]) == ("mJy", None)


def test_decimal_commas_between_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id;ra;dec;list;g\n1;10,5;-5,25;1,2,3;12\n2;20;,5;4,5;13,5e1\n3;;7;;\n")
    table = open_table(path)
    rows = pa.Table.from_batches(list(table.batches())).to_pydict()
    assert rows["ra"] == [10.5, 20.0, None]
    assert rows["dec"] == [-5.25, 0.5, 7.0]
    assert rows["g"] == [12.0, 135.0, None]
    assert rows["list"] == ["1,2,3", "4,5", None]
    assert rows["id"] == [1, 2, 3]
    assert table.notes == ("decimal commas are read as points: ra, dec, g",)


def test_commas_are_text_where_there_are_decimal_points(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("ra;dec;flags\n10.5;-5.25;1,2\n20;0.5;4,5\n")
    table = open_table(path)
    assert [str(kind) for kind in table.types.types] == ["double", "double", "string"]
    assert table.notes == ()


@pytest.mark.parametrize(
    "text", ["# id name\n1 a\n2 b\n", "# made today\n# id,name\n1,a\n2,b\n", '# id "name"\n1 "a"\n2 "b"\n']
)
def test_names_in_a_comment_above_rows_with_words(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(text)
    table = open_table(tmp_path / "t.txt")
    assert [row for batch in table.batches() for row in batch.to_pylist()] == [
        {"id": 1, "name": "a"},
        {"id": 2, "name": "b"},
    ]


def test_a_comment_that_is_none_of_names(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("# two words\nra dec\n1 2\n")
    assert open_table(tmp_path / "t.txt").types.names == ["ra", "dec"]
