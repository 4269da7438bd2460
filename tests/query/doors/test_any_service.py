"""Mirrors of services with other columns and other units: answers equal brute force, or the question is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest
import ssap_query as ssap
from click.testing import CliRunner
from ssap_mirror.core.schema import Column, Schema
from ssap_query.cli import group
from ssap_query.server.application import application

from tests.support.serving import serving

HC = 6.62607015e-34 * 299792458 / 1.602176634e-19  # m eV
ROWS = 300

MirrorOf = Callable[[pa.Table, Schema, Path, str, int], Path]


class Truth:
    """What a made-up service knows of its spectra, in the units of the standard."""

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        self.ra, self.dec = rng.uniform(0, 360, ROWS), np.degrees(np.arcsin(rng.uniform(-1, 1, ROWS)))
        self.ra[:40], self.dec[:40] = 120 + rng.normal(0, 0.3, 40), 45 + rng.normal(0, 0.3, 40)
        self.t = rng.uniform(58000, 58300, ROWS)
        self.exposure = rng.choice([600.0, 43200.0, 864000.0], ROWS)
        self.low = rng.uniform(3e-7, 8e-7, ROWS)
        self.high = self.low + rng.uniform(1e-8, 3e-7, ROWS)
        self.snr = rng.uniform(0, 100, ROWS)

    def cone(self, ra: float, dec: float, size: float) -> set[int]:
        one, other = np.radians([self.dec, np.full(ROWS, dec)])
        cosine = np.sin(one) * np.sin(other) + np.cos(one) * np.cos(other) * np.cos(np.radians(self.ra - ra))
        return set(np.flatnonzero(np.degrees(np.arccos(np.clip(cosine, -1, 1))) <= size / 2).tolist())

    def band(self, low: float, high: float) -> set[int]:
        return set(np.flatnonzero((self.low <= high) & (self.high >= low)).tolist())

    def time(self, low: float, high: float) -> set[int]:
        half = self.exposure / 172800
        return set(np.flatnonzero((self.t - half <= high) & (self.t + half >= low)).tolist())


TRUTH = Truth()


def iso(days: np.ndarray) -> list[str]:
    return np.datetime_as_string(
        np.datetime64("1858-11-17", "us") + (days * 86400e6).astype("timedelta64[us]"), "us"
    ).tolist()


def sexagesimal(value: float, per_unit: float) -> str:
    seconds = round(abs(value) / per_unit * 3600, 7)
    sign = "-" if value < 0 else ""
    return f"{sign}{int(seconds // 3600):02}:{int(seconds // 60 % 60):02}:{seconds % 60:011.8f}"


DOUBLE, TEXT = ("double", None), ("char", "*")
Columns = dict[Column, list[object]]


def made(name: str, kind: tuple[str, str | None], values: object, **said: str) -> Columns:
    return {Column(name, *kind, **said): values if isinstance(values, list) else values.tolist()}  # type: ignore[attr-defined, arg-type]


SSA = "ssa:Char.{}Axis.Coverage.{}"
#: How a service says where, in which band and when.
POSITIONS: dict[str, Columns] = {
    "deg": made("ra", DOUBLE, TRUTH.ra, unit="deg", ucd="pos.eq.ra;meta.main")
    | made("dec", DOUBLE, TRUTH.dec, unit="deg", ucd="pos.eq.dec;meta.main"),
    "degrees": made("RA", DOUBLE, TRUTH.ra, unit="degrees", ucd="POS_EQ_RA_MAIN")
    | made("DE", DOUBLE, TRUTH.dec, unit="degrees", ucd="POS_EQ_DEC_MAIN"),
    "hours": made("s_ra", DOUBLE, TRUTH.ra / 15, unit="h") | made("s_dec", DOUBLE, np.radians(TRUTH.dec), unit="rad"),
    "pair": made(
        "where", ("double", "2"), np.radians(np.stack([TRUTH.ra, TRUTH.dec], 1)), unit="rad,rad",
        utype=SSA.format("Spatial", "Location.Value"),
    ),
    "text": made(
        "where", TEXT, [f"{ra!r} {dec!r}" for ra, dec in zip(TRUTH.ra.tolist(), TRUTH.dec.tolist(), strict=True)],
        utype=SSA.format("Spatial", "Location.Value"),
    ),
    "sexagesimal": made("ra", TEXT, [sexagesimal(x, 15) for x in TRUTH.ra], ucd="pos.eq.ra")
    | made("dec", TEXT, [sexagesimal(x, 1) for x in TRUTH.dec], ucd="pos.eq.dec"),
}  # fmt: skip
BANDS: dict[str, Columns] = {
    "nm": made("em_min", DOUBLE, TRUTH.low * 1e9, unit="nm") | made("em_max", DOUBLE, TRUTH.high * 1e9, unit="nm"),
    "keV": made("e0", DOUBLE, HC / TRUTH.high / 1e3, unit="keV", utype=SSA.format("Spectral", "Bounds.Start"))
    | made("e1", DOUBLE, HC / TRUTH.low / 1e3, unit="keV", utype=SSA.format("Spectral", "Bounds.Stop")),
    "centre": made(
        "mid",
        DOUBLE,
        (TRUTH.low + TRUTH.high) / 2 * 1e10,
        unit="Angstrom",
        utype="Char.SpectralAxis.Coverage.Location.Value",
    )
    | made("width", DOUBLE, (TRUTH.high - TRUTH.low) * 1e9, unit="nm", ucd="em.wl; instr.bandwidth"),
}
TIMES: dict[str, Columns] = {
    "days": made("t", DOUBLE, TRUTH.t, unit="d", ucd="time.epoch")
    | made("exp", DOUBLE, TRUTH.exposure / 86400, unit="d", ucd="time.duration"),
    "JD": made("t", DOUBLE, TRUTH.t + 2400000.5, unit="d", time_origin="JD-origin", ucd="time.epoch")
    | made("exp", DOUBLE, TRUTH.exposure / 60, unit="min", utype=SSA.format("Time", "Support.Extent")),
    "text": made("t_min", TEXT, iso(TRUTH.t - TRUTH.exposure / 172800))
    | made("t_max", TEXT, iso(TRUTH.t + TRUTH.exposure / 172800)),
    "years": made(
        "t", DOUBLE, 2000 + (TRUTH.t - 51544.5) / 365.25, unit="yr", utype=SSA.format("Time", "Location.Value")
    )
    | made("exp", DOUBLE, TRUTH.exposure / 3600, unit="h", utype=SSA.format("Time", "Bounds.Extent")),
}
NUMBER = made("n", ("int", None), list(range(ROWS)), ucd="meta.id;meta.main")


def mirror_with(mirror_of: MirrorOf, home: Path, *parts: Columns) -> ssap.Mirror:
    columns: Columns = dict(NUMBER)
    for part in parts:
        columns |= part
    schema = Schema(tuple(columns))
    arrays = [pa.array(values, column.arrow_type()) for column, values in columns.items()]
    mirror_of(pa.table(arrays, schema=schema.arrow_schema()), schema, home, "any", 100)
    return ssap.open("any", home)


def numbers(found: ssap.ResultSet) -> set[int]:
    return set(found.to_arrow()["n"].to_pylist())


@pytest.mark.parametrize(
    ("position", "band", "time"),
    [
        ("deg", "nm", "days"), ("degrees", "keV", "JD"), ("hours", "centre", "text"), ("pair", "nm", "years"),
        ("text", "keV", "days"), ("sexagesimal", "centre", "JD"),
    ],
)  # fmt: skip
def test_answers_equal_brute_force(position: str, band: str, time: str, tmp_path: Path, mirror_of: MirrorOf) -> None:
    snr = made("sn", DOUBLE, TRUTH.snr, utype="Spectrum.Derived.SNR")
    mirror = mirror_with(mirror_of, tmp_path, POSITIONS[position], BANDS[band], TIMES[time], snr)
    rng = np.random.default_rng(11)
    for _ in range(12):
        ra, dec, size = 120 + rng.normal(0, 0.5), 45 + rng.normal(0, 0.5), rng.uniform(0.1, 60)
        assert numbers(mirror.search(pos=(ra, dec), size=size)) == TRUTH.cone(ra, dec, size)
        low, high = sorted(rng.uniform(2e-7, 1e-6, 2))
        assert numbers(mirror.search(band=(low, high))) == TRUTH.band(low, high)
        first, last = sorted(rng.uniform(57990, 58310, 2))
        assert numbers(mirror.search(time=(first, last))) == TRUTH.time(first, last)
        least = rng.uniform(0, 100)
        assert numbers(mirror.search(snr=(least, None), band=low)) == {
            n for n in TRUTH.band(low, low) if TRUTH.snr[n] >= least
        }
    with pytest.raises(ssap.ParameterError, match="this mirror has no column for REDSHIFT"):
        mirror.search(redshift=0.1)


def test_a_question_that_no_column_answers(tmp_path: Path, mirror_of: MirrorOf) -> None:
    wrong = made("t", DOUBLE, TRUTH.t, unit="furlong", ucd="time.epoch")
    mirror = mirror_with(mirror_of, tmp_path, POSITIONS["deg"], wrong)
    for asked, reason in (({"time": "2018-05-01"}, "furlong"), ({"band": 5e-7}, "no column for BAND")):
        with pytest.raises(ssap.ParameterError, match=reason):
            mirror.search(**asked)
        found = mirror.search(**asked, ignore_unanswerable=True)
        assert len(found) == ROWS
        assert "is ignored" in found.notes[0]
        assert len(mirror.search(**asked, dialect="dachs")) == ROWS


def test_the_doors_say_what_cannot_be_answered(tmp_path: Path, mirror_of: MirrorOf) -> None:
    mirror_with(mirror_of, tmp_path, POSITIONS["hours"], BANDS["nm"])
    command = ["query", "--home", str(tmp_path), "-m", "any", "--snr", "5"]
    run = CliRunner().invoke(group, command)
    assert isinstance(run.exception, ssap.ParameterError)
    assert "this mirror has no column for SNR" in str(run.exception)
    run = CliRunner().invoke(group, [*command, "--ignore-unanswerable"])
    assert run.exit_code == 0
    assert len(run.stdout.splitlines()) == ROWS + 1
    assert "SNR is ignored" in run.stderr
    with serving(application({"any": ssap.open("any", tmp_path)})) as url:
        answer = httpx.get(f"{url}/any/ssap?REQUEST=queryData&SNR=5&MAXREC=3").text
    assert "<INFO" in answer
    assert "this mirror has no column for SNR" in answer
    assert answer.count("<TR>") == 3


def test_what_is_compared_with_what(tmp_path: Path, mirror_of: MirrorOf) -> None:
    mirror = mirror_with(mirror_of, tmp_path, POSITIONS["hours"], BANDS["nm"], TIMES["days"])
    explained = str(mirror.explain("REQUEST=queryData&BAND=5e-7&POS=10,20&TIME=2018"))
    assert "BAND is compared with _em_min, _em_max [m], worked out from em_min [nm] and em_max [nm]" in explained
    assert "POS is compared with s_location [deg], worked out from s_ra [h] and s_dec [rad]" in explained
    assert "TIME is compared with t, _t_exptime [MJD], worked out from exp [d]" in explained
    described = {one.name: one.description for one in mirror.search(format="metadata").inputs}
    assert "worked out from em_min [nm]" in described["BAND"]
    assert "SNR" not in described
    run = CliRunner().invoke(group, ["info", "--home", str(tmp_path), "any"])
    assert "BAND            _em_min, _em_max [m], worked out from em_min [nm] and em_max [nm]" in run.stdout
    assert "SNR             not answered: no column" in run.stdout


def test_hidden_columns_are_shown_to_who_names_them(tmp_path: Path, mirror_of: MirrorOf) -> None:
    mirror = mirror_with(mirror_of, tmp_path, BANDS["nm"])
    assert "_em_min" not in mirror.search(columns="all").schema.names
    assert "_em_min" not in mirror.search(verb=3).schema.names
    found = mirror.search(columns=["_em_min", "em_min"]).to_arrow()
    np.testing.assert_allclose(found["_em_min"], found["em_min"].to_numpy() / 1e9, rtol=1e-15)
    assert mirror.sql("SELECT count(_em_max) AS n FROM spectra").to_arrow()["n"].to_pylist() == [ROWS]


def test_a_mirror_without_any_position_says_so_loudly(tmp_path: Path, mirror_of: MirrorOf) -> None:
    nowhere = made("where", ("double", "2"), [None] * ROWS, utype=SSA.format("Spatial", "Location.Value"))
    mirror = mirror_with(mirror_of, tmp_path, nowhere, BANDS["nm"])
    assert mirror.info()["without"] == {"position": ROWS, "date": ROWS, "band": 0}
    assert "NO ROW HAS A POSITION" in CliRunner().invoke(group, ["info", "--home", str(tmp_path), "any"]).stdout
    found = mirror.search(pos=(1, 2), size=10)
    assert len(found) == 0
    assert "no row of this mirror has a position" in found.notes[0]
    plain = mirror_with(mirror_of, tmp_path / "other", BANDS["nm"])
    with pytest.raises(ssap.ParameterError, match="no column for POS"):
        plain.search(pos=(1, 2))
