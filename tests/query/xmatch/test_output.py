"""Columns, names and units of the result; files; what is accepted by errors; memory."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from ssap_mirror.errors import MirrorError, ParameterError
from ssap_query.xmatch import Limits, Positions, crossmatch

from tests.support.extras import optional

LEFT = pa.table(
    {"name": ["a", "b"], "ra": [10.0, 20.0], "dec": [0.0, 0.0], "mag": pa.array([1.0, 2.0], pa.float32())},
    schema=pa.schema(
        [
            pa.field("name", pa.string(), metadata={"description": "a name"}),
            pa.field("ra", pa.float64(), metadata={"unit": "deg", "ucd": "pos.eq.ra;meta.main"}),
            pa.field("dec", pa.float64(), metadata={"unit": "deg", "ucd": "pos.eq.dec;meta.main"}),
            pa.field("mag", pa.float32(), metadata={"unit": "mag"}),
        ]
    ),
)
RIGHT = {"star": [1, 2], "RA": [20.0, 10.0001], "DEC": [0.0, 0.0]}


def names(**options):
    return crossmatch(LEFT, RIGHT, **options).to_arrow().column_names


def test_columns_and_suffixes():
    both = ["separation_arcsec", "position_angle_deg"]
    assert names() == ["name", "ra", "dec", "mag", "star", "RA_2", "DEC_2", *both]
    assert names(suffixes=("_l", "_r")) == ["name", "ra_l", "dec_l", "mag", "star", "RA_r", "DEC_r", *both]
    assert names(left_columns=["mag", "name"], right_columns=["star"]) == ["mag", "name", "star", *both]
    assert names(left_columns=["ra"], right_columns=[]) == ["ra", *both]
    assert names(left_columns=[], right_columns=["RA"]) == ["RA", *both]
    assert names(find="anti", right_columns=["star"]) == LEFT.column_names
    assert names(find="best-other", left_columns=["name"], right_columns=["star"]) == ["name", "star", *both]


def test_metadata_stays_and_is_written(tmp_path):
    match = crossmatch(LEFT, RIGHT, right_columns=["star"])
    path = tmp_path / "out.parquet"
    match.write(path)
    for schema in (match.arrow_schema, match.to_arrow().schema, match.reader().schema, pq.read_schema(path)):
        assert schema.field("name").metadata[b"description"] == b"a name"
        assert schema.field("mag").metadata[b"unit"] == b"mag"
        assert schema.field("mag").type == pa.float32()
        assert schema.field("separation_arcsec").metadata[b"unit"] == b"arcsec"
        assert schema.field("position_angle_deg").metadata[b"ucd"] == b"pos.posAng"
    assert pq.read_table(path).equals(match.to_arrow())
    assert match.schema["mag"].unit == "mag"


def read_back(path):
    """The rows of a file, by a reader that is not ours."""
    from astropy.table import Table

    match path.suffix:
        case ".parquet":
            return pq.read_table(path).to_pylist()
        case ".json":
            document = json.loads(path.read_text())
            heads = [column["name"] for column in document["columns"]]
            return [dict(zip(heads, row, strict=True)) for row in document["data"]]
        case ".ecsv":
            optional("pandas")
            return Table.read(path).to_pandas().to_dict("records")
        case ending:
            with path.open(newline="") as file:
                return list(csv.DictReader(file, delimiter="\t" if ending == ".tsv" else ",", strict=True))


ODD_NAMES = ("_q", "first, last", "_RAJ2000", "rowid", 'the "best"', "per cent %", "x.y", "order", "μ_Å", "two  words")


@pytest.mark.parametrize("ending", ["csv", "tsv", "json", "ecsv", "parquet"])
def test_columns_of_any_name_keep_their_values(ending, tmp_path):
    values = {name: [10 * n, 10 * n + 1] for n, name in enumerate(ODD_NAMES)}
    with (tmp_path / "stars.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([ODD_NAMES[0], "RA", *ODD_NAMES[1:], "DEC"])
        for n, ra in enumerate(RIGHT["RA"]):
            first, *others = (column[n] for column in values.values())
            rows.writerow([first, ra, *others, 0.0])
    crossmatch(LEFT, tmp_path / "stars.csv").write(tmp_path / f"out.{ending}")
    found = sorted(read_back(tmp_path / f"out.{ending}"), key=lambda row: row["name"])
    assert [[int(row[name]) for name in ODD_NAMES] for row in found] == [
        [values[name][n] for name in ODD_NAMES] for n in (1, 0)
    ]


@pytest.mark.parametrize("given", ["csv", "parquet"])
@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_identifiers_beyond_double_precision_stay_whole(given, ending, tmp_path, rng):
    ra = np.arange(30) * 10.0
    signed = [None, 2**63 - 1, -(2**63), *(rng.integers(2**53, 2**62, 27) | 1).tolist()]
    unsigned = [2**64 - 1, None, 2**63, *(rng.integers(2**63, 2**64 - 1, 27, np.uint64) | np.uint64(1)).tolist()]
    table = pa.table({"signed": signed, "unsigned": pa.array(unsigned, pa.uint64()), "ra": ra, "dec": ra * 0})
    path = tmp_path / f"stars.{given}"
    (pq.write_table if given == "parquet" else pa.csv.write_csv)(table, path)
    crossmatch(pa.table({"row": np.arange(30), "ra": ra, "dec": ra * 0}), path).write(tmp_path / f"out.{ending}")
    found = sorted(read_back(tmp_path / f"out.{ending}"), key=lambda row: int(row["row"]))
    for name, wanted in (("signed", signed), ("unsigned", unsigned)):
        assert [None if row[name] in (None, "") else int(row[name]) for row in found] == wanted


def test_a_match_of_a_match():
    first = crossmatch(LEFT, RIGHT, left_columns=["name", "ra", "dec"], right_columns=["star"]).to_arrow()
    again = crossmatch(first, first, left_columns=["name", "separation_arcsec"], right_columns=["separation_arcsec"])
    assert again.to_arrow().column_names == [
        "name",
        "separation_arcsec_1",
        "separation_arcsec_2",
        "separation_arcsec",
        "position_angle_deg",
    ]
    assert again.to_arrow()["separation_arcsec"].to_pylist() == [0.0, 0.0]
    assert crossmatch(first, RIGHT, 0.001, "anti").to_arrow().column_names == first.column_names


@pytest.mark.parametrize(
    ("options", "name", "part"),
    [
        ({"left_columns": ["nope"]}, "left_columns", "is not a column"),
        ({"right_columns": ["star", "star"]}, "right_columns", "chosen twice"),
        ({"right_columns": "star"}, "right_columns", "not a list"),
        ({"left_columns": [], "right_columns": []}, "left_columns", "chooses no columns"),
        ({"suffixes": ("", "")}, "suffixes", "two columns with the name"),
        ({"radius_arcsec": 0}, "radius_arcsec", "above 0"),
        ({"radius_arcsec": -1.0}, "radius_arcsec", "above 0"),
        ({"radius_arcsec": 3600.1}, "radius_arcsec", "at most 3600"),
        ({"radius_arcsec": float("nan")}, "radius_arcsec", "above 0"),
        ({"radius_arcsec": "1"}, "radius_arcsec", "not a number"),
        ({"find": "nearest"}, "find", "none of best, all, best-per-target, symmetric, unmatched"),
        ({"sigma": 3.0}, "sigma", "needs the errors"),
        ({"sigma": -1.0}, "sigma", "above 0"),
        ({"left_positions": Positions(ra="ra", dec="nope")}, "left_positions.dec", "is not a column"),
        ({"left_positions": Positions(ra="ra", dec="name")}, "left_positions", "hold no angles"),
    ],
)
def test_bad_arguments(options, name, part):
    with pytest.raises(ParameterError, match=part) as caught:
        crossmatch(LEFT, RIGHT, **options)
    assert caught.value.name == name


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: Positions(ra="ra"), "only one of ra and dec"),
        (lambda: Positions(pmdec="x"), "only one of pmra and pmdec"),
        (lambda: Positions(sigma_arcsec=-1.0), "not an error in arcsec"),
        (lambda: Limits(threads=0), "at least 1"),
        (lambda: crossmatch(LEFT, RIGHT, limits=Limits(memory="much")), "amount of memory"),
        (lambda: crossmatch(LEFT, RIGHT, limits=Limits(temp_directory="/no/such/folder")), "not a folder"),
        (lambda: crossmatch(LEFT, RIGHT).write("out.docx"), "ends in none of"),
    ],
)
def test_bad_values(make, part):
    with pytest.raises(ParameterError, match=part):
        make()


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    match = crossmatch(LEFT, RIGHT)
    with pytest.raises(MirrorError, match="cannot be written"):
        match.write(tmp_path / "no" / "such.parquet")
    (tmp_path / "taken.parquet").mkdir()
    with pytest.raises(MirrorError, match="cannot be written"):
        match.write(tmp_path / "taken.parquet")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["taken.parquet"]


@pytest.mark.extra("pandas", "polars")
def test_conversions():
    match = crossmatch(LEFT, RIGHT, left_columns=["name", "mag"], right_columns=["star"])
    assert match.to_pandas()["star"].tolist() == [2, 1]
    assert match.to_polars()["star"].to_list() == [2, 1]
    table = match.to_astropy()
    assert table["star"].tolist() == [2, 1]
    assert str(table["separation_arcsec"].unit) == "arcsec"
    assert table["name"].description == "a name"
    assert repr(match) == "<Match find='best' radius=1 arcsec, not yet counted>"
    assert len(match) == 2
    assert repr(match) == "<Match find='best' radius=1 arcsec, 2 rows>"


@pytest.mark.parametrize("find", ["best", "all", "best-other"])
def test_errors_decide(find):
    """3 sigma of errors of 0.3 and 0.4 arcsec is 1.5 arcsec; without an error a row counts as exact."""
    offsets = np.array([0.8, 1.0, 1.4, 1.6, 5.0])
    left = pa.table(
        {"row": np.arange(5), "ra": np.arange(5) * 10.0, "dec": np.zeros(5), "err": [0.3, None, 0.3, 0.3, 9.0]}
    )
    right = pa.table({"ra": np.arange(5) * 10.0, "dec": offsets / 3600})
    sides = {"left_positions": Positions(sigma_arcsec="err"), "right_positions": Positions(sigma_arcsec=0.4)}
    match = crossmatch(left, right, 4.0, find, sigma=3.0, **sides)
    assert match.to_arrow()["row"].to_pylist() == [0, 1, 2]
    assert len(match) == 3
    assert match.notes == ("1 of 5 rows of the left table have no error: taken as zero",)
    wide = crossmatch(left, right, 6.0, find, sigma=3.0, **sides)
    assert wide.to_arrow()["row"].to_pylist() == [0, 1, 2, 4]
    # Rows that share a position but not an error
    many = pa.concat_tables([left.slice(2, 1)] * 20 + [left.slice(2, 1).set_column(3, "err", pa.array([0.0]))] * 20)
    assert len(crossmatch(many, right, 4.0, sigma=3.0, **sides)) == 20


@pytest.mark.parametrize(
    ("unit", "value"),
    [("mas", 300.0), ("uas", 3e5), ("arcsec", 0.3), ("deg", 0.3 / 3600), ("", 0.3), ("rad", np.radians(0.3 / 3600))],
)
def test_errors_have_units(unit, value):
    field = pa.field("err", pa.float64(), metadata={"unit": unit})
    right = pa.table({"ra": [0.0, 10.0], "dec": [0.95 / 3600, 0.85 / 3600]})
    left = pa.table({"ra": [0.0, 10.0], "dec": [0.0, 0.0]}).append_column(field, pa.array([value] * 2))
    found = crossmatch(left, right, 4.0, sigma=3.0, left_positions=Positions(sigma_arcsec="err")).to_arrow()
    assert found["ra"].to_pylist() == [10.0]


def with_units(table, **units):
    schema = pa.schema([f.with_metadata({"unit": units[f.name]}) if f.name in units else f for f in table.schema])
    return table.cast(schema)


def test_units_of_positions_and_motions():
    left = pa.table({"ra": [np.radians(10.0)], "dec": [np.radians(5.0)]})
    right = pa.table({"ra": [10.0], "dec": [5.0], "pmra": [1.0], "pmdec": [0.0], "rv": [0.0]})
    assert len(crossmatch(with_units(left, ra="rad", dec="rad"), right, 0.001)) == 1
    hours = with_units(pa.table({"ra": [10.0 / 15], "dec": [5.0]}), ra="hourangle", dec="deg")
    assert len(crossmatch(hours, right, 0.001)) == 1
    for unit, expected in {
        "mas/yr": 0.01,
        "mas.yr-1": 0.01,
        "arcsec / yr": 10.0,
        "deg yr**-1": 36000.0,
        "": 0.01,
    }.items():
        moving = with_units(right, pmra=unit, rv="m/s")
        still = {"ra": [10.0], "dec": [5.0]}
        match = crossmatch(
            moving, still, 3600.0, left_positions=Positions(epoch=2000.0), right_positions=Positions(epoch=2010.0)
        )
        if expected > 3600:
            assert len(match) == 0
        else:
            assert match.to_arrow()["separation_arcsec"].to_pylist() == pytest.approx([expected], rel=1e-5)
    for column, unit in {"ra": "m", "pmra": "km/s", "rv": "mas"}.items():
        with pytest.raises(ParameterError, match=f"'{unit}' (cannot be converted|is)"):
            crossmatch(
                with_units(right, **{column: unit}),
                right,
                left_positions=Positions(
                    ra="ra", dec="dec", pmra="pmra", pmdec="pmdec", radial_velocity="rv", epoch=2000.0
                ),
                right_positions=Positions(epoch=2010.0),
            )


def test_positions_by_ucd_and_by_name():
    def found(columns, ucds=None):
        fields = [pa.field(n, pa.float32() if n.endswith("_f") else pa.float64(),
                           metadata={"ucd": (ucds or {}).get(n, "")}) for n in columns]  # fmt: skip
        table = pa.table(
            [pa.array([v], f.type) for v, f in zip(columns.values(), fields, strict=True)], pa.schema(fields)
        )
        return len(crossmatch(table, {"ra": [10.0], "dec": [5.0]}))

    good = {"x": 10.0, "y": 5.0}
    bad = {"ra": 1.0, "dec": 1.0}
    main = {"x": "pos.eq.ra;meta.main", "y": "pos.eq.dec;meta.main"}
    assert found({**bad, **good}, main)
    assert found({**bad, **good}, {"x": "POS_EQ_RA_MAIN", "y": "POS_EQ_DEC_MAIN"})
    assert found(good, {"x": "pos.eq.ra", "y": "pos.eq.dec"})
    # The usual name comes before a UCD that does not say "main"
    assert not found({**bad, **good}, {"x": "pos.eq.ra", "y": "pos.eq.dec"})
    # Two pairs are main: the one in double precision is meant
    single = {"x_f": 1.0, "y_f": 1.0}
    singles = {"x_f": "pos.eq.ra;meta.main", "y_f": "pos.eq.dec;meta.main"}
    assert found({**single, **good}, {**main, **singles})
    for ra, dec in (("RAJ2000", "DEJ2000"), ("RA_ICRS", "DE_ICRS"), ("s_ra", "s_dec"), ("ra_deg", "dec_deg")):
        assert found({ra: 10.0, dec: 5.0})
    with pytest.raises(ParameterError, match="has no columns that are positions"):
        found(good)


def test_single_precision_is_told():
    import pyarrow.compute as pc

    coarse = LEFT.set_column(1, "ra", pc.cast(LEFT["ra"], pa.float32()))
    note = "left table: positions are in single precision: up to 0.06 arcsec off"
    assert crossmatch(coarse, RIGHT).notes == (note,)
    assert crossmatch(LEFT, RIGHT).notes == ()


def test_little_memory_is_enough(sky, rng, tmp_path):
    """With 100 MB the join and the output of 300,000 wide rows go to disk and come out the same."""
    n = 300_000
    ra, dec = sky.scatter(rng, n, 0, 30, 0, 60)
    left = sky.table(ra, dec, text=pa.array([f"{i:060d}" for i in range(n)]))
    right = sky.table(*sky.around(rng, ra, dec, 1.5 / 3600), "other", word=pa.array([f"{i:060x}" for i in range(n)]))
    pq.write_table(left, tmp_path / "left.parquet")
    pq.write_table(right, tmp_path / "right.parquet")
    sources = (tmp_path / "left.parquet", tmp_path / "right.parquet")
    roomy = crossmatch(*sources, 1.0).to_arrow()
    spill = tmp_path / "spill"
    spill.mkdir()
    match = crossmatch(*sources, 1.0, limits=Limits(memory="100MB", threads=1, temp_directory=spill))
    assert match.to_arrow().equals(roomy)
    del match
    assert list(spill.iterdir()) == []


def test_importing_loads_neither_astropy_nor_pyarrow_tables():
    code = (
        "import sys, ssap_query.xmatch; "
        "print([m for m in ('astropy', 'healpy', 'pandas', 'polars', 'click', 'scipy') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_matching_files_loads_no_astropy(tmp_path):
    pq.write_table(LEFT, tmp_path / "left.parquet")
    code = (
        "import sys; from ssap_query.xmatch import crossmatch; "
        f"m = crossmatch({str(tmp_path / 'left.parquet')!r}, {str(tmp_path / 'left.parquet')!r}); "
        f"m.write({str(tmp_path / 'out.parquet')!r}); "
        "print(len(m), [x for x in ('astropy', 'healpy', 'pandas', 'polars') if x in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert run.stdout == "2 []\n"


def test_a_match_that_is_held_to_the_end_says_nothing_and_leaves_nothing(tmp_path):
    script = """
from ssap_query.xmatch import Limits, crossmatch
table = {"ra": [1.0, 2.0], "dec": [2.0, 2.0]}
match = crossmatch(table, table, limits=Limits(temp_directory="."))
print(len(match), match.to_arrow().num_rows)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("2 2\n", "")
    assert list(tmp_path.iterdir()) == []
