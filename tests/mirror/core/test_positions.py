"""Positions, motions and dates are found in whatever form catalogues have them, and are the same for everyone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import FK4, FK5, Galactic, SkyCoord
from ssap_mirror.core.quantities.positions import Place, Positions, find_motions, find_positions
from ssap_mirror.core.quantities.positions.epochs import told_dates
from ssap_mirror.core.quantities.positions.motions import motion_conversion, velocity_conversion
from ssap_mirror.errors import ParameterError
from ssap_mirror.tables import Table, open_table

RA, DEC = np.array([10.0, 20.0, 300.0]), np.array([0.0, 5.0, -30.0])
HMS, DMS = ["00 40 00", "01:20:00.0", "20h00m00s"], ["+00 00 00", "5:0", "-30d00m00s"]


def _table(*columns: tuple[str, Any, str, str]) -> Table:
    """Table of (name, values, unit, ucd)."""
    arrays = [pa.array(values) for _, values, _, _ in columns]
    fields = [
        pa.field(name, array.type, metadata={key: text for key, text in (("unit", unit), ("ucd", ucd)) if text})
        for (name, _, unit, ucd), array in zip(columns, arrays, strict=True)
    ]
    return open_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)))


def _place(table: Table, said: Positions | None = None) -> Place | None:
    return find_positions(table.types, said, parameter="positions")


def _icrs(table: Table, place: Place) -> tuple[np.ndarray, np.ndarray]:
    return place.icrs(next(table.batches()))


MAIN = "pos.eq.ra;meta.main", "pos.eq.dec;meta.main"


@pytest.mark.parametrize(
    ("ra", "dec", "columns"),
    [
        (("ra", RA, "deg", ""), ("dec", DEC, "", ""), ("ra", "dec")),
        (("RA", RA, "degrees", ""), ("DEC", DEC, "degree", ""), ("RA", "DEC")),
        (("x", RA, "", MAIN[0]), ("y", DEC, "", MAIN[1]), ("x", "y")),
        (("x", RA, "", "pos.eq.ra; meta.main"), ("y", DEC, "", "POS.EQ.DEC;META.MAIN"), ("x", "y")),
        (("x", RA, "", "pos.eq.ra"), ("y", DEC, "", "pos.eq.dec"), ("x", "y")),
        (("x", RA, "", "POS_EQ_RA_MAIN"), ("y", DEC, "", "POS_EQ_DEC_MAIN"), ("x", "y")),
        (("ra", np.radians(RA), "rad", ""), ("dec", np.radians(DEC), "rad", ""), ("ra", "dec")),
        (("ra", RA / 15, "h", ""), ("dec", DEC, "deg", ""), ("ra", "dec")),
        (("ra", RA / 15, "hourangle", ""), ("dec", DEC, "deg", ""), ("ra", "dec")),
        (("ra", RA * 60, "arcmin", ""), ("dec", DEC * 3600, "arcsec", ""), ("ra", "dec")),
        (("ALPHA_J2000", RA, "", ""), ("DELTA_J2000", DEC, "", ""), ("ALPHA_J2000", "DELTA_J2000")),
        (("ra.deg", RA, "", ""), ("dec.deg", DEC, "", ""), ("ra.deg", "dec.deg")),
        (("RA (deg)", RA, "", ""), ("Dec (deg)", DEC, "", ""), ("RA (deg)", "Dec (deg)")),
        (("_RAJ2000", RA, "", ""), ("_DEJ2000", DEC, "", ""), ("_RAJ2000", "_DEJ2000")),
        (("RA_ICRS", RA, "", ""), ("DE_ICRS", DEC, "", ""), ("RA_ICRS", "DE_ICRS")),
        (("RA", [10, 20, 300], "", ""), ("DEC", [0, 5, -30], "", ""), ("RA", "DEC")),
        (("ra", HMS, "", ""), ("dec", DMS, "", ""), ("ra", "dec")),
        (("ra", HMS, '"h:m:s"', ""), ("dec", DMS, '"d:m:s"', ""), ("ra", "dec")),
        (("ra", ["10.0", "+20", "3e2"], "", ""), ("dec", ["0", "5.", "-30.0"], "", ""), ("ra", "dec")),
        (("where.ra", RA, "", ""), ("where.dec", DEC, "", ""), ("where.ra", "where.dec")),
    ],
)
def test_forms(ra: Any, dec: Any, columns: tuple[str, str]) -> None:
    table = _table(("id", [1, 2, 3], "", ""), ra, dec)
    place = _place(table)
    assert place is not None
    assert place.columns == columns
    np.testing.assert_allclose(_icrs(table, place), [RA, DEC], rtol=0, atol=1e-12)


def test_numbers_come_before_text_and_right_ascension_before_other_coordinates() -> None:
    text = ("RAJ2000", HMS, '"h:m:s"', MAIN[0]), ("DEJ2000", DMS, '"d:m:s"', MAIN[1])
    numbers = ("_RAJ2000", RA, "deg", "pos.eq.ra"), ("_DEJ2000", DEC, "deg", "pos.eq.dec")
    galactic = ("GLON", RA, "deg", "pos.galactic.lon"), ("GLAT", DEC, "deg", "pos.galactic.lat")
    for columns, chosen in (((*text, *numbers), "_RAJ2000"), ((*galactic, *text), "RAJ2000"), (galactic, "GLON")):
        place = _place(_table(*columns))
        assert place is not None
        assert place.longitude.column == chosen
    assert _place(_table(("x", RA, "", ""), ("y", DEC, "", ""))) is None
    # What has the unit of something else is no position.
    assert _place(_table(("ra", RA, "mag", ""), ("dec", DEC, "mag", ""))) is None


SPLIT = {
    "RAh": [0, 1, 20, None], "RAm": [40, 20, 0, None], "RAs": [0.0, None, 0.0, None],
    "DE-": ["-", "+", "-", None], "DEd": [0, 5, 30, None], "DEm": [30, 0, 0, None], "DEs": [0, 0, 36, None],
}  # fmt: skip


@pytest.mark.parametrize("written", ["numbers", "text", "no seconds", "other names", "source names"])
def test_coordinates_in_columns_for_their_parts(written: str) -> None:
    columns: dict[str, Any] = dict(SPLIT)
    last = -30.01
    if written == "text":
        for name in ("RAh", "RAm", "DEd", "DEm"):
            columns[name] = [None if value is None else f"{value:>2}" for value in columns[name]]
    elif written == "no seconds":
        del columns["RAs"], columns["DEs"]
        last = -30.0
    elif written == "other names":
        names = ("RA_h", "RA_m", "RA_s", "DE_sign", "Dec_d", "Dec_m", "Dec_s")
        columns = dict(zip(names, columns.values(), strict=True))
    table = open_table(columns if written != "source names" else {**columns, "rah": [9, 9, 9, 9], "x": [1, 2, 3, 4]})
    place = _place(table)
    assert place is not None
    assert not place.is_numbers
    ra, dec = _icrs(table, place)
    np.testing.assert_allclose(ra, [10.0, 20.0, 300.0, np.nan], atol=1e-12)
    np.testing.assert_allclose(dec, [-0.5, 5.0, last, np.nan], atol=1e-12)
    assert str(place.words()).startswith("positions are those of RA")


def test_parts_of_coordinates_are_taken_only_where_their_sign_is_known() -> None:
    without = {name: values for name, values in SPLIT.items() if name != "DE-"}
    assert _place(open_table(without)) is None, "-0 degrees is 0 to whole numbers"
    place = _place(open_table({**without, "DEd": [-0.0, 5.0, -30.0, None]}))
    assert place is not None
    np.testing.assert_allclose(_icrs(open_table({**without, "DEd": [-0.0, 5.0, -30.0, None]}), place)[1][:2], [-0.5, 5])
    whole = open_table({**SPLIT, "RAdeg": [1.0, 2.0, 3.0, 4.0], "DEdeg": [1.0, 2.0, 3.0, 4.0]})
    numbers = _place(whole)
    assert numbers is not None
    assert numbers.columns == ("RAdeg", "DEdeg")


def test_parts_of_coordinates_of_an_old_equinox() -> None:
    types = open_table(SPLIT).types
    words = {"description": "Hour of right ascension (B1950)"}
    types = types.set(0, types.field("RAh").with_metadata(words))
    place = find_positions(types, parameter="positions")
    assert place is not None
    assert place.frame == "FK4 B1950"
    said = find_positions(types, Positions(frame="FK5"), parameter="positions")
    assert said is not None
    assert said.frame == "FK5 J2000"


@pytest.mark.parametrize(
    ("frame", "astropy"),
    [("galactic", Galactic()), ("FK5", FK5()), ("fk4", FK4(equinox="B1950")), ("FK4 B1975", FK4(equinox="B1975"))],
)
def test_frames_are_transformed_and_told(frame: str, astropy: Any) -> None:
    given = SkyCoord(RA * u.deg, DEC * u.deg).transform_to(astropy)
    axes = (given.l, given.b) if frame == "galactic" else (given.ra, given.dec)
    table = _table(("p", axes[0].deg, "deg", ""), ("q", axes[1].deg, "deg", ""))
    place = _place(table, Positions(ra="p", dec="q", frame=frame))
    assert place is not None
    # The terms of aberration in FK4 are undone to some microarcseconds alone.
    np.testing.assert_allclose(_icrs(table, place), [RA, DEC], rtol=0, atol=1e-8)
    assert "to ICRS" in str(place.words())
    with pytest.raises(ParameterError, match=r"positions.frame: 'horizontal' is none of ICRS"):
        _place(table, Positions(ra="p", dec="q", frame="horizontal"))


def test_names_and_ucds_tell_a_frame_even_of_columns_that_are_said() -> None:
    given = SkyCoord(RA * u.deg, DEC * u.deg).galactic
    table = _table(("l", given.l.deg, "", ""), ("b", given.b.deg, "", ""))
    for said in (None, Positions(ra="l", dec="b")):
        place = _place(table, said)
        assert place is not None
        np.testing.assert_allclose(_icrs(table, place), [RA, DEC], rtol=0, atol=1e-9)
        assert place.words() == "positions are those of l (deg) and b (deg), transformed from galactic to ICRS"


VOTABLE = """<VOTABLE version="1.4"><RESOURCE>
<COOSYS ID="s" system="{system}" {more}/><COOSYS ID="t" system="ICRS"/>
<TIMESYS ID="clock" timeorigin="2457000" timescale="TDB" refposition="BARYCENTER"/>
<TABLE><FIELD name="ra" datatype="double" unit="deg" ucd="pos.eq.ra;meta.main" ref="s"/>
<FIELD name="dec" datatype="double" unit="deg" ucd="pos.eq.dec;meta.main" ref="s"/>
<FIELD name="t" datatype="double" unit="d" ref="clock"/>
<DATA><TABLEDATA><TR><TD>{ra!r}</TD><TD>{dec!r}</TD><TD>1240</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"""


@pytest.mark.parametrize(
    ("system", "more", "frame", "epoch"),
    [
        ("eq_FK4", "", "FK4 B1950", None),
        ("eq_FK4", 'equinox="B1975.0" epoch="B1950"', "FK4 B1975", 1949.99979),
        ("eq_FK5", 'equinox="2000." epoch="J1991.25"', "FK5 J2000", 1991.25),
        ("ICRS", 'epoch="2016.0"', "ICRS", 2016.0),
        ("galactic", "", "galactic", None),
    ],
)
def test_coosys_and_timesys(system: str, more: str, frame: str, epoch: float | None, tmp_path: Path) -> None:
    sky = SkyCoord(10 * u.deg, 5 * u.deg)
    if frame.startswith("FK4"):
        sky = sky.transform_to(FK4(equinox=frame.split()[1]))
    sky = sky.fk5 if frame.startswith("FK5") else sky.galactic if frame == "galactic" else sky
    lon, lat = (sky.l.deg, sky.b.deg) if frame == "galactic" else (sky.ra.deg, sky.dec.deg)
    path = tmp_path / "t.vot"
    path.write_text(VOTABLE.format(system=system, more=more, ra=float(lon), dec=float(lat)))
    table = open_table(path)
    place = _place(table)
    assert place is not None
    assert place.frame == frame
    assert place.epoch == (None if epoch is None else pytest.approx(epoch, abs=1e-5))
    np.testing.assert_allclose(_icrs(table, place), [[10.0], [5.0]], rtol=0, atol=1e-8)
    column = table.columns["t"]
    assert (column.time_origin, column.time_scale) == ("2457000", "TDB")
    assert told_dates(table.types.field("t"), "d").origin_jd == 2457000


def test_what_is_no_angle_has_no_position() -> None:
    table = _table(("ra", ["12:61:00", "north", None, "12 30"], "", ""), ("dec", ["1", "2", "3", "91"], "", ""))
    place = _place(table)
    assert place is not None
    ra, dec = _icrs(table, place)
    assert np.isnan(ra[:3]).all()
    assert (ra[3], dec[3]) == (187.5, 91.0), "what is beyond a pole is seen to by whoever places it"


def test_signs_of_all_kinds() -> None:
    table = _table(("ra", ["0 0 0"] * 4, "", ""), ("dec", ["-00 30 00", "−5°30′12″", "–1:30", "+0:0:36"], "", ""))
    place = _place(table)
    assert place is not None
    np.testing.assert_allclose(_icrs(table, place)[1], [-0.5, -5.50333333333, -1.5, 0.01], atol=1e-9)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (Positions(ra="no", dec="dec"), r"positions.ra: 'no' is not a column"),
        (Positions(units={"no": "deg"}), r"positions.units: 'no' is not a column"),
        (Positions(ra="ok", dec="dec"), r"positions.ra: 'ok' is a column of type bool"),
        (Positions(ra="mag", dec="dec"), r"positions.ra: 'mag' is no angle"),
    ],
)
def test_what_is_said_has_to_be_there(said: Positions, reason: str) -> None:
    table = _table(("mag", RA, "mag", ""), ("dec", DEC, "deg", ""), ("ok", [True] * 3, "", ""))
    with pytest.raises(ParameterError, match=reason):
        _place(table, said)


def test_units_that_are_said() -> None:
    table = _table(("ra", RA / 15, "", ""), ("dec", DEC, "", ""))
    place = _place(table, Positions(units={"ra": "h"}))
    assert place is not None
    np.testing.assert_allclose(_icrs(table, place), [RA, DEC], atol=1e-12)


def test_columns_of_names_that_had_to_change_are_found_by_their_own() -> None:
    table = open_table({"ra": HMS, "RA": RA, "DEC": DEC, "dec": DMS, "b": [1, 2, 3]})
    place = _place(table)
    assert place is not None
    assert place.columns == ("RA_2", "DEC_1")
    assert _place(table, Positions(ra="ra", dec="dec")) is not None


def test_motions() -> None:
    table = _table(("pmRA", RA, "mas/yr", "pos.pm;pos.eq.ra"), ("pmDE", DEC, "mas/yr", ""), ("Plx", RA, "mas", ""))
    found = find_motions(table.types, Positions(), "p")
    assert found is not None
    assert (found.pmra, found.pmdec, found.parallax, found.radial_velocity) == ("pmRA", "pmDE", "Plx", None)
    assert find_motions(table.types.remove(1), Positions(), "p") is None
    with pytest.raises(ParameterError, match=r"p.pmra: 'no' is not a column"):
        find_motions(table.types, Positions(pmra="no", pmdec="pmDE"), "p")


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("", 1), ("mas/yr", 1), ("mas.yr**-1", 1), ("mas yr-1", 1), ("arcsec/yr", 1000), ("mas/d", 365.25),
     ("deg/yr", 3.6e6), ("arcsec/century", 10)],
)  # fmt: skip
def test_units_of_motions(unit: str, factor: float) -> None:
    found = motion_conversion(unit)
    assert found.times / found.over == pytest.approx(factor, rel=1e-15)
    if unit not in ("", "arcsec/century"):
        assert u.Unit(unit.replace("**", "")).to("mas/yr") == pytest.approx(factor, rel=1e-12)


def test_units_of_motions_that_are_none() -> None:
    for unit in ("mas", "km/s", "mag/yr"):
        with pytest.raises(ValueError, match=r"unit|converted"):
            motion_conversion(unit)
    assert velocity_conversion("m/s").over == 1000
    with pytest.raises(ValueError, match="neither km/s nor m/s"):
        velocity_conversion("mas/yr")


@pytest.mark.parametrize(
    ("name", "unit", "metadata", "kind", "origin"),
    [
        ("t", "yr", {}, "years", None),
        ("t", "d", {}, "days", None),
        ("t", "d", {"time_origin": "2457000"}, "days", 2457000),
        ("t", "", {"xtype": "mjd"}, "days", 2400000.5),
        ("t", "BJD - 2457000, days", {}, "days", 2457000),
        ("t", "MJD", {}, "days", 2400000.5),
        ("t", "JD", {}, "days", 0),
        ("t", "HJD-2450000", {}, "days", 2450000),
        ("t", "", {}, "numbers", None),
        ("ref_epoch", "", {}, "numbers", None),
    ],
)
def test_dates(name: str, unit: str, metadata: dict[str, str], kind: str, origin: float | None) -> None:
    found = told_dates(pa.field(name, pa.float64(), metadata=metadata), unit)
    assert (found.kind, found.origin_jd) == (kind, origin)
    assert found.may_be_years == (name != "t" or kind != "numbers")


def test_dates_in_seconds_of_nobody_knows_when() -> None:
    with pytest.raises(ValueError, match="nothing tells since when"):
        told_dates(pa.field("t", pa.float64()), "s")
    assert told_dates(pa.field("t", pa.timestamp("us")), "").kind == "timestamps"
    assert told_dates(pa.field("t", pa.string()), "").kind == "text"
