"""Every role in every unit: numbers that requests are compared with are worked out, or a sentence says why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.coordinates import SkyCoord
from ssap_mirror.build.hats_files import BuildInfo
from ssap_mirror.build.hidden_columns import Survey
from ssap_mirror.build.placement import Placer
from ssap_mirror.build.snapshot import build_snapshot
from ssap_mirror.core.schema import UNLISTED, Column, Schema
from ssap_mirror.core.schema.roles import ROLES, UNITS

HC = 6.62607015e-34 * 299792458 / 1.602176634e-19  # m eV
C = 299792458.0

ANGLES = {
    None: 1.0, "deg": 1.0, "degrees": 1.0, "rad": 180 / np.pi, "h": 15.0, "hourangle": 15.0, "arcmin": 1 / 60,
    "arcsec": 1 / 3600, "mas": 1 / 3.6e6,
}  # fmt: skip
DURATIONS = {
    None: 1.0, "s": 1.0, "ks": 1e3, "min": 60.0, "h": 3600.0, "d": 86400.0, "day": 86400.0, "yr": 31557600.0,
    "a": 31557600.0,
}  # fmt: skip
LENGTHS = {None: 1.0, "m": 1.0, "nm": 1e-9, "Angstrom": 1e-10, "AA": 1e-10, "um": 1e-6, "micron": 1e-6, "cm": 1e-2}
#: Unit -> what divided by a value is the wavelength in m.
INVERSE = {
    "Hz": C, "MHz": C / 1e6, "GHz": C / 1e9, "eV": HC, "keV": HC / 1e3, "GeV": HC / 1e9, "TeV": HC / 1e12,
    "1/cm": 1e-2, "cm-1": 1e-2, "cm**-1": 1e-2, "m-1": 1.0,
}  # fmt: skip
#: Unit of dates -> what MJD 58239.25 is in it.
DATES = {
    None: 58239.25, "d": 58239.25, "day": 58239.25, "MJD": 58239.25, "JD": 2458239.75, "JD-2450000": 8239.75,
    "yr": 2000 + (58239.25 - 51544.5) / 365.25, "a": 2000 + (58239.25 - 51544.5) / 365.25,
}  # fmt: skip
NOT_UNDERSTOOD = "furlong"


def column(role: str, unit: str | None = None, datatype: str = "double", key: int = 0, **said: str) -> Column:
    """Column that is known by one of a role's keys."""
    kind, colon, text = ROLES[role][key].partition(":")
    known = {"utype": f"ssa:{kind}"} if not colon else {} if kind == "name" else {"ucd": text}
    name = text if kind == "name" else role
    arraysize = "*" if datatype == "char" else None
    return Column(name, datatype, arraysize, unit, **{**known, **said})  # type: ignore[arg-type]


def worked_out(columns: dict[Column, list[object]]) -> tuple[Schema, dict[str, list[object]]]:
    """What a build makes of a few rows: the schema, and the values of the roles that it has."""
    schema = Schema(tuple(columns))
    arrays = [pa.array(values, c.arrow_type()) for c, values in columns.items()]
    rows = pa.RecordBatch.from_arrays(arrays, schema=schema.arrow_schema())
    placer = Placer(schema, rows)
    whole = pa.RecordBatch.from_arrays([*rows.columns, *placer.place(rows).derived], names=placer.schema.names)
    survey = Survey(placer.schema)
    survey.add(whole)
    hidden = survey.hidden_columns()
    found = hidden.add_to(whole)
    assert found.schema.names == list(hidden.schema.names)
    return hidden.schema, {role: found.column(name).to_pylist() for role, name in hidden.schema.roles.items()}


def numbers_of(role: str) -> dict[str | None, float]:
    return {"deg": ANGLES, "s": DURATIONS, "m": LENGTHS, "": {None: 1.0, "": 1.0, "1": 1.0}}[UNITS[role]]


SINGLE = (
    "aperture",
    "s_resolution",
    "t_resolution",
    "t_exptime",
    "em_res",
    "em_res_power",
    "snr",
    "redshift",
    "var_ampl",
)


@pytest.mark.parametrize(("role", "unit"), [(role, unit) for role in SINGLE for unit in numbers_of(role)])
def test_numbers(role: str, unit: str | None) -> None:
    schema, values = worked_out({column(role, unit): [3.25, None, np.nan]})
    assert values[role][0] == pytest.approx(3.25 * numbers_of(role)[unit], rel=1e-14)
    assert values[role][1] is None
    assert schema.refused == {}
    direct = unit in (None, "", "1", UNITS[role]) or numbers_of(role)[unit] == 1.0
    assert (schema.roles[role] == f"_{role}") is not direct


@pytest.mark.parametrize("role", SINGLE)
def test_numbers_of_a_unit_that_is_not_understood(role: str) -> None:
    schema, values = worked_out({column(role, NOT_UNDERSTOOD): [3.25]})
    assert role not in values
    assert NOT_UNDERSTOOD in schema.refused[role]


@pytest.mark.parametrize("unit", [*LENGTHS, *INVERSE])
@pytest.mark.parametrize("key", range(2))
def test_bands_of_start_and_stop(unit: str | None, key: int) -> None:
    start, stop = column("em_min", unit, key=key), column("em_max", unit, key=key)
    schema, values = worked_out({start: [4.0, 5.0, None], stop: [8.0, None, 9.0]})
    if unit in INVERSE:
        expected = ([INVERSE[unit] / 8, None, INVERSE[unit] / 9], [INVERSE[unit] / 4, INVERSE[unit] / 5, None])
    else:
        expected = ([4 * LENGTHS[unit], 5 * LENGTHS[unit], None], [8 * LENGTHS[unit], None, 9 * LENGTHS[unit]])
    for role, wanted in zip(("em_min", "em_max"), expected, strict=True):
        assert values[role] == [None if x is None else pytest.approx(x, rel=1e-14) for x in wanted]
    assert (schema.roles["em_min"] == "_em_min") is (unit not in (None, "m"))


@pytest.mark.parametrize("unit", [*LENGTHS, *INVERSE])
def test_bands_of_centre_and_extent(unit: str | None) -> None:
    schema, values = worked_out({column("em_mid", unit): [6.0, 6.0], column("em_extent", unit): [4.0, None]})
    ends = [4 * LENGTHS[unit], 8 * LENGTHS[unit]] if unit in LENGTHS else [INVERSE[unit] / 8, INVERSE[unit] / 4]
    assert [values["em_min"], values["em_max"]] == [[pytest.approx(end, rel=1e-14), None] for end in ends]
    assert schema["_em_min"].verbosity == UNLISTED
    assert "em_mid" in str(schema["_em_min"].description)


def test_a_width_in_another_unit_than_the_middle() -> None:
    _, values = worked_out({column("em_mid", "nm"): [500.0], column("em_extent", "Angstrom"): [100.0]})
    assert (values["em_min"], values["em_max"]) == ([pytest.approx(495e-9)], [pytest.approx(505e-9)])
    schema, values = worked_out({column("em_mid", "keV"): [5.0], column("em_extent", "nm"): [1.0]})
    assert "em_min" not in values
    assert "cannot be added" in schema.refused["em_min"]


def test_bands_of_a_unit_that_is_not_understood() -> None:
    schema, values = worked_out({column("em_min", NOT_UNDERSTOOD): [1.0], column("em_max", "nm"): [2.0]})
    assert not {"em_min", "em_max"} & values.keys()
    assert NOT_UNDERSTOOD in schema.refused["em_min"]


@pytest.mark.parametrize("unit", DATES)
@pytest.mark.parametrize("exposure", DURATIONS)
def test_midpoints_and_exposures(unit: str | None, exposure: str | None) -> None:
    days = 0.5 * 86400 / DURATIONS[exposure]
    schema, values = worked_out(
        {column("t_mid", unit): [DATES[unit], None], column("t_exptime", exposure): [days, days]}
    )
    assert values["t_mid"] == [pytest.approx(58239.25, abs=1e-8), None]
    assert values["t_exptime"][0] == pytest.approx(43200.0)
    if unit in (None, "d", "day", "MJD"):
        assert schema.roles["t_mid"] == "t_mid"
        assert "t_min" not in values
    else:
        assert values["t_min"] == [pytest.approx(58239.0, abs=1e-8), None]
        assert values["t_max"] == [pytest.approx(58239.5, abs=1e-8), None]


@pytest.mark.parametrize("unit", DATES)
@pytest.mark.parametrize("key", range(3))
def test_starts_and_stops(unit: str | None, key: int) -> None:
    columns = {column("t_min", unit, key=key): [DATES[unit]], column("t_max", unit, key=key): [DATES[unit]]}
    _, values = worked_out({**columns, column("t_mid", "d"): [1.0]})
    assert values["t_min"] == values["t_max"] == [pytest.approx(58239.25, abs=1e-8)]
    schema, values = worked_out(columns)
    assert values["t_mid"] == [pytest.approx(58239.25, abs=1e-8)], "who wants one date gets the middle"
    assert schema.roles["t_mid"] == "_t_mid"


def test_text_dates() -> None:
    texts = ["2018-05-01T06:00:00", "2018-05-01", None, "soon"]
    schema, values = worked_out({column("t_mid", datatype="char"): texts, column("t_exptime", "s"): [3600.0] * 4})
    assert values["t_min"] == [pytest.approx(58239.25 - 1 / 48), 58239.0, None, None]
    assert values["t_max"] == [pytest.approx(58239.25 + 1 / 48), pytest.approx(58240.0), None, None]
    assert values["t_max"][1] < 58240.0
    assert "ISO 8601" in str(schema["_t_mid"].description)


def test_dates_of_a_time_system() -> None:
    said = {"time_origin": "JD-origin", "time_scale": "TT"}
    _, values = worked_out({column("t_mid", "d", **said): [2458239.75 + 69.184 / 86400]})
    assert values["t_mid"] == [pytest.approx(58239.25, abs=1e-9)]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({column("t_mid", NOT_UNDERSTOOD): [58239.0]}, "no unit of dates"),
        ({column("t_mid", "d"): [58239.0], column("t_exptime", NOT_UNDERSTOOD): [1.0]}, NOT_UNDERSTOOD),
        ({column("t_mid", "d"): [2458239.5, None]}, "2,458,239.5 to 2,458,239.5, are no MJD"),
        ({column("t_mid", "d", time_scale="LOCAL"): [58239.0]}, "time scale 'LOCAL'"),
    ],
)
def test_dates_that_are_not_understood(columns: dict[Column, list[object]], reason: str) -> None:
    schema, values = worked_out(columns)
    assert not {"t_mid", "t_min", "t_max"} & values.keys()
    assert reason in schema.refused["t_mid"]


@pytest.mark.parametrize("unit", ANGLES)
@pytest.mark.parametrize("key", range(5))
def test_positions_of_two_columns(unit: str | None, key: int) -> None:
    ra, dec = column("ra", unit, key=key), column("dec", "deg", key=key)
    _, values = worked_out({ra: [10.0, None], dec: [-20.0, -20.0]})
    expected = 10.0 * ANGLES[unit]
    assert values["ra"] == [pytest.approx(expected, rel=1e-14), None]
    assert values["location"] == [[pytest.approx(expected, rel=1e-14), -20.0], None]


@pytest.mark.parametrize("unit", ANGLES)
@pytest.mark.parametrize("key", range(3))
def test_positions_of_the_observation_in_two_columns(unit: str | None, key: int) -> None:
    ra, dec = column("location_ra", unit, key=key), column("location_dec", "deg", key=key)
    schema, values = worked_out({ra: [10.0], dec: [20.0]})
    assert values["location"] == [[pytest.approx(10.0 * ANGLES[unit], rel=1e-14), 20.0]]
    if ANGLES[unit] == 1.0:
        assert schema.roles["location"] == "s_location"


@pytest.mark.parametrize("unit", [unit for unit in ANGLES if unit not in ("h", "hourangle")])
def test_declinations_in_units(unit: str | None) -> None:
    ra, dec = column("ra", "deg"), column("dec", unit)
    _, values = worked_out({ra: [10.0], dec: [-0.5]})
    assert values["location"] == [[10.0, pytest.approx(-0.5 * ANGLES[unit], rel=1e-14)]]


@pytest.mark.parametrize("unit", [None, "deg", "degrees", "deg,deg", "deg deg", "rad", "hourangle,deg"])
def test_positions_in_pairs(unit: str | None) -> None:
    pair = Column("where", "double", "2", unit, utype="ssa:Char.SpatialAxis.Coverage.Location.Value")
    schema, values = worked_out({pair: [[1.0, 0.5], None]})
    factors = {"rad": (180 / np.pi, 180 / np.pi), "hourangle,deg": (15.0, 1.0)}.get(str(unit), (1.0, 1.0))
    assert values["location"] == [[pytest.approx(factors[0]), pytest.approx(0.5 * factors[1])], None]
    assert (schema.roles["location"] == "where") is (factors == (1.0, 1.0))


@pytest.mark.parametrize(
    "text",
    [
        "10.5 -20.25", "10.5,-20.25", "(10.5, -20.25)", "  10.5   -20.25 ", "00:42:00 -20:15:00",
        "00 42 00.0 -20 15 00", "00h42m00s -20d15m00s", "Position ICRS 10.5 -20.25",
    ],
)  # fmt: skip
def test_positions_in_text(text: str) -> None:
    where = Column("where", "char", "*", utype="obscore:Char.SpatialAxis.Coverage.Location.Value")
    _, values = worked_out({where: [text, None, "here", "10.5", "1 2 3 4", "370:00:61 1"]})
    assert values["location"] == [[pytest.approx(10.5), pytest.approx(-20.25)], *[None] * 5]
    assert values["ra"] == [pytest.approx(10.5), *[None] * 5]


def test_coordinates_in_text() -> None:
    ra, dec = Column("a", "char", "*", ucd="POS_EQ_RA_MAIN"), Column("d", "char", "*", ucd="POS_EQ_DEC_MAIN")
    _, values = worked_out({ra: ["00:42:00", "00 42 00", "10.5", ""], dec: ["-00:15:00", "-00 15 00", "-0.25", "1"]})
    assert values["location"] == [*[[pytest.approx(10.5), pytest.approx(-0.25)]] * 3, None]


def test_a_mere_name_does_not_make_text_a_position() -> None:
    schema, values = worked_out({Column("ra", "char", "*"): ["10.5"], Column("dec", "char", "*"): ["1.0"]})
    assert "location" not in values
    assert "nothing but its name" in schema.refused["location"]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({column("ra", NOT_UNDERSTOOD): [1.0], column("dec"): [1.0]}, NOT_UNDERSTOOD),
        ({column("ra", frame="AZ_EL"): [1.0], column("dec", frame="AZ_EL"): [1.0]}, "frame 'AZ_EL'"),
        ({Column("p", "double", utype="ssa:Char.SpatialAxis.Coverage.Location.Value"): [1.0]}, "does not hold pairs"),
    ],
)
def test_positions_that_are_not_understood(columns: dict[Column, list[object]], reason: str) -> None:
    schema, values = worked_out(columns)
    assert "location" not in values
    assert reason in schema.refused["location"]


EVERY_UNIT = (*dict.fromkeys([*ANGLES, *DURATIONS, *LENGTHS, *INVERSE, *DATES, "km/s", "mag", "Jy", NOT_UNDERSTOOD]),)
#: Roles that are looked at together -> units that they may have.
TOGETHER: dict[tuple[str, ...], tuple[str | None, ...]] = {
    **{(role,): (*numbers_of(role),) for role in SINGLE},
    ("em_min", "em_max"): (*LENGTHS, *INVERSE),
    ("em_mid", "em_extent"): (*LENGTHS, *INVERSE),
    ("t_mid",): (*DATES,),
    ("t_min", "t_max"): (*DATES,),
    ("ra", "dec"): (*ANGLES,),
    ("location_ra", "location_dec"): (*ANGLES,),
}
REPLACED = {"em_mid": "em_min", "em_extent": "em_max", "ra": "location", "dec": "location"}
REPLACED |= {"location_ra": "location", "location_dec": "location"}


@pytest.mark.parametrize(
    ("roles", "unit"),
    [(roles, unit) for roles, own in TOGETHER.items() for unit in EVERY_UNIT if unit not in own],
)
def test_a_unit_of_another_kind_is_refused_and_never_passed_over(roles: tuple[str, ...], unit: str) -> None:
    schema, values = worked_out({column(role, unit): [3.25, None] for role in roles})
    for role in (*roles, *(REPLACED[role] for role in roles if role in REPLACED)):
        # A mirror has columns of coordinates in any case, for the index; here they hold nothing.
        assert not any(values.get(role, []))
    assert "location" not in values
    told = {REPLACED.get(role, role) for role in roles} & schema.refused.keys()
    assert told
    assert all(unit in schema.refused[role] for role in told)


def test_every_role_that_has_a_unit_is_among_them() -> None:
    tested = {role for roles in TOGETHER for role in roles}
    # Pairs in one column have their own tests; the place of the target is shown and compared with nothing.
    assert set(UNITS) - tested == {"location", "target_pos"}


def test_positions_in_other_frames_are_transformed_as_those_of_any_table() -> None:
    sky = SkyCoord(10.5, -20.25, unit="deg")
    old, galactic = sky.fk4, sky.galactic
    for columns in (
        {column("ra", "deg", frame="FK4 B1950"): [old.ra.deg], column("dec", "deg", frame="FK4 B1950"): [old.dec.deg]},
        {
            Column("x", "double", ucd="pos.galactic.lon"): [galactic.l.deg],
            Column("y", "double", ucd="pos.galactic.lat"): [galactic.b.deg],
        },
        {Column("RAB1950", "double", unit="h"): [old.ra.hour], Column("DEB1950", "double", unit="deg"): [old.dec.deg]},
    ):
        schema, values = worked_out({column: [float(value) for value in cells] for column, cells in columns.items()})
        assert values["ra"] == [pytest.approx(10.5, abs=1e-9)]
        assert values["location"] == [pytest.approx([10.5, -20.25], abs=1e-9)]
        description = schema[schema.roles["ra"]].description
        assert description is not None
        assert "transformed from" in description
    # The second frame of radio catalogues is ICRS to some milliarcseconds, and POS is asked of the numbers as they are.
    schema, _ = worked_out(
        {column("ra", "deg", frame="FK5 J2000"): [1.0], column("dec", "deg", frame="FK5 J2000"): [1.0]}
    )
    assert (schema.roles["ra"], schema.roles["dec"]) == ("ra", "dec")


def test_hours_minutes_and_seconds_in_columns_of_their_own() -> None:
    parts = {
        Column("RAh", "short", unit="h", ucd="pos.eq.ra"): [0, 0, None],
        Column("RAm", "short", unit="min", ucd="pos.eq.ra"): [42, 42, None],
        Column("RAs", "double", unit="s", ucd="pos.eq.ra"): [0.0, None, None],
        Column("DE-", "char", ucd="pos.eq.dec"): ["-", "+", None],
        Column("DEd", "short", unit="deg", ucd="pos.eq.dec"): [0, 0, None],
        Column("DEm", "short", unit="arcmin", ucd="pos.eq.dec"): [15, 15, None],
        Column("DEs", "float", unit="arcsec", ucd="pos.eq.dec"): [0.0, 36.0, None],
    }
    _, values = worked_out(parts)
    assert values["ra"] == [pytest.approx(10.5), pytest.approx(10.5), None]
    assert values["dec"] == [pytest.approx(-0.25), pytest.approx(0.26), None]


def test_a_column_that_cannot_be_used_leaves_its_role_to_the_next() -> None:
    location = {"utype": "ssa:Char.SpatialAxis.Coverage.Location.Value"}
    columns: dict[Column, list[object]] = {
        Column("ra_alone", "double", **location): [99.0],
        Column("text", "char", "*", **location): ["10.5 1.5"],
        Column("start", "double", unit="m", utype="ssa:Char.SpectralAxis.Coverage.Bounds.Start"): [None],
        Column("stop", "double", unit="m", utype="ssa:Char.SpectralAxis.Coverage.Bounds.Stop"): [None],
        column("em_mid", "nm"): [500.0],
        column("em_extent", "nm"): [100.0],
        Column("snr_text", "char", "*", utype="ssa:Derived.SNR"): ["12"],
        Column("sn", "float", ucd=" stat.snr ; meta.main"): [12.0],
    }
    schema, values = worked_out(columns)
    assert values["location"] == [[10.5, 1.5]]
    assert values["em_min"] == [pytest.approx(450e-9)]
    assert schema.roles["snr"] == "sn"


def test_columns_that_are_there_and_empty_match_nothing() -> None:
    schema, values = worked_out({column("em_min", "m"): [None], column("em_max", "m"): [None]})
    assert values["em_min"] == [None]
    assert schema.refused == {}


def test_a_mere_name_is_no_snr() -> None:
    schema, _ = worked_out({Column("snrg", "double"): [1.0], Column("snr", "double"): [1.0]})
    assert "snr" not in schema.roles


def test_a_snapshot_has_the_hidden_columns_and_says_how_many_rows_tell_nothing(tmp_path: Path) -> None:
    columns = {
        Column("id", "char", "*", ucd="meta.id;meta.main"): ["a", "b", "c"],
        Column("where", "char", "*", utype="ssa:Char.SpatialAxis.Coverage.Location.Value"): ["10 20", None, "11 21"],
        column("t_mid", datatype="char"): ["2018-05-01T06:00:00", "2018-05-01T06:00:00", None],
        column("em_min", "nm"): [400.0, None, None],
        column("em_max", "nm"): [700.0, None, None],
    }
    schema = Schema(tuple(columns))
    arrays = [pa.array(values, c.arrow_type()) for c, values in columns.items()]
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema.arrow_schema())
    catalog = build_snapshot([batch], schema, tmp_path, BuildInfo("text", "Text"))
    assert catalog.schema.names[-5:] == ("_t_min", "_t_max", "_t_mid", "_em_min", "_em_max")
    assert all(c.is_hidden for c in catalog.schema if c.name.startswith("_"))
    assert catalog.manifest["without"] == {"position": 1, "date": 1, "band": 2}
    assert catalog.manifest["coverage"]["em"] == [4e-07, 7e-07]
    assert catalog.manifest["coverage"]["t"] == [58239.25, 58239.25]
    assert catalog.schema.roles["t_mid"] == "_t_mid"
