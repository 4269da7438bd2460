"""Pictures: each shows the numbers that it should, with units, and says what its rows are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import MirrorError, ParameterError
from ssap_query import crossmatch
from ssap_query.engine.rows import InMemoryRows
from ssap_query.mirror.result import ResultSet

pytest.importorskip("matplotlib", reason="the extra plot is not installed")

from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from ssap_query import plots
from ssap_query.plots import save
from ssap_query.plots.kinds import KINDS, plot

from tests.support.extras import optional
from tests.support.spectra_files import mrs_fits

_MADE_UP = MappingProxyType({"mirror": "mine, snapshot x", "synthetic": "true: the rows are made up"})


@pytest.fixture(scope="module")
def result_of(schema: Schema) -> Callable[..., ResultSet]:
    """Makes a result of columns of LAMOST's table."""

    def make(columns: Mapping[str, Any], infos: Mapping[str, str] = _MADE_UP) -> ResultSet:
        chosen = schema.select(columns)
        types = chosen.arrow_schema()
        table = pa.table([pa.array(values, types.field(name).type) for name, values in columns.items()], schema=types)
        return ResultSet(chosen, InMemoryRows(table), infos=infos)

    return make


def heights(axes) -> float:
    return sum(patch.get_height() for patch in axes.patches)


def words(axes) -> str:
    return " ".join(text.get_text() for text in axes.texts)


def test_signal_to_noise(result_of) -> None:
    axes = plots.snr(result_of({"ssa_snr": [*range(1, 1000), None, float("nan")]}))
    assert heights(axes) == 994
    assert axes.get_xlabel() == "signal to noise (ssa_snr)"
    assert "SYNTHETIC rows, not observations; 999 spectra with a value; 5 above 994 not shown" in words(axes)
    assert "mine" in words(axes)
    honest = plots.snr(result_of({"ssa_snr": [1.0, 2.0]}, {}))
    assert "SYNTHETIC" not in words(honest)


def test_dates(result_of) -> None:
    axes = plots.time(result_of({"ssa_dateObs": [58150.0, 58150.5, 58400.0, None]}))
    assert heights(axes) == 3
    low, high = axes.get_xlim()
    # matplotlib counts days from 1970-01-01, which is MJD 40587.
    assert low < 58150 - 40587 < 58400 - 40587 < high
    assert axes.get_xlabel() == "date of observation (UTC)"
    assert "3 spectra with a date; 2018-02-01 to 2018-10-09" in words(axes)
    axes = plots.density(result_of({"ssa_dateObs": [58150.0, 58400.0], "rv_br1": [1.0, 2.0]}), "ssa_dateObs", "rv_br1")
    assert axes.get_xlabel() == "date of observation (UTC)"
    assert axes.collections[0].get_offsets()[:, 0].tolist() == [58150 - 40587, 58400 - 40587]


def test_bands(result_of) -> None:
    found = result_of({"ssa_specstart": [5e-7, 6e-7, None], "ssa_specend": [7e-7, 8e-7, 9e-7]})
    axes = plots.bands(found)
    (line,) = axes.lines
    np.testing.assert_allclose(line.get_xdata(), [500, 600, 700, 800], rtol=1e-6)
    assert line.get_ydata().tolist() == [1, 2, 1, 0]
    assert axes.get_xlabel() == "wavelength [nm]"


def test_one_column_against_another(result_of) -> None:
    few = plots.density(
        result_of({"ssa_snr": [1.0, 2.0, None], "rv_br1_err": [0.1, 0.2, 0.3]}), "ssa_snr", "rv_br1_err"
    )
    assert few.collections[0].get_offsets().tolist() == pytest.approx(np.array([[1, 0.1], [2, 0.2]]))
    assert (few.get_xlabel(), few.get_ylabel()) == ("ssa_snr", "rv_br1_err [km/s]")
    # In steps: a cell has as many of them as the next one, or bands would be seen.
    rng = np.random.default_rng(3)
    steps = np.round(rng.uniform(0, 1.5, 60_000), 2)
    many = result_of({"ssa_snr": rng.uniform(0, 100, 60_000), "rv_br1_err": steps})
    (mesh,) = [one for one in plots.density(many, "ssa_snr", "rv_br1_err").collections if isinstance(one, QuadMesh)]
    across = np.asarray(mesh.get_array().filled(0)).sum(axis=1)[1:-1]
    assert across.min() > 0.7 * across.max()


def test_the_sky(result_of) -> None:
    ra, dec = [10.0, 10.0, 350.0, None], [0.0, 0.0, 60.0, 1.0]
    axes = plots.sky(result_of({"ra": ra, "dec": dec}), order=2)
    mesh = next(one for one in axes.collections if isinstance(one, QuadMesh))
    density = mesh.get_array()
    cell = 41252.96 / 192
    assert {round(float(value) * cell, 6) for value in np.unique(density.compressed())} == {1.0, 2.0}
    # East is to the left: RA 10 is in the left half, RA 350 in the right one.
    rows, columns = np.nonzero(~density.mask & (np.abs(density.data * cell - 2) < 1e-6))
    assert columns.max() <= 360
    assert abs(rows.mean() / 2 - 90) < 15
    assert "3 spectra" in words(axes)
    assert not plots.sky(result_of({"ra": [], "dec": []})).images


def test_a_field_that_lies_across_zero(result_of) -> None:
    axes = plots.field(result_of({"ra": [359.9, 0.1, 0.1], "dec": [10.0, 10.2, 10.2]}))
    assert sorted(axes.collections[0].get_offsets()[:, 0].tolist()) == pytest.approx([-0.1, 0.1])
    assert axes.xaxis_inverted()
    assert "3 spectra; 2 positions" in words(axes)
    assert axes.xaxis.get_major_formatter()(-0.1) == "359.9"
    with pytest.raises(ParameterError, match="positions over 90 degrees; draw them as sky"):
        plots.field(result_of({"ra": [0.0, 90.0], "dec": [0.0, 0.0]}))


def test_velocities_of_one_object(result_of) -> None:
    columns = {
        "ssa_targname": ["a"] * 5,
        "ssa_dateObs": [58000.0, 58000.0, 58001.0, 58002.0, None],
        "rv_br1": [10.0, 10.0, 12.0, 900.0, 1.0],
        "rv_br1_err": [1.0, 1.0, 2.0, 3.0, 1.0],
        "rv_br_flag": [0, 0, 0, 2, 0],
    }
    axes = plots.velocities(result_of(columns))
    # Both arms of an exposure have its velocity: it is one point.
    assert axes.get_legend_handles_labels()[1] == ["no flag (2)", "flagged (1)"]
    assert axes.get_ylabel() == "rv_br1 [km/s]"
    assert axes.get_ylim()[1] < 20
    assert "a; 3 exposures; 1 flagged outside" in words(axes)
    # Bars are shown whole, as far as they are of velocities without a flag.
    assert axes.get_ylim()[0] < 9
    assert axes.get_ylim()[1] > 14
    axes = plots.velocities(result_of({**columns, "coadd": [0, 0, 1, 0, 0]}))
    assert "a; 2 exposures; 1 of co-adds left out" in words(axes)
    with pytest.raises(ParameterError, match="objects are among the rows, and one can be drawn: a, b"):
        plots.velocities(result_of({**columns, "ssa_targname": ["a", "a", "b", "a", "a"]}))
    with pytest.raises(ParameterError, match="rv: 'rv_x' is no column"):
        plots.velocities(result_of(columns), "rv_x")


def test_scatter_of_velocities(result_of) -> None:
    rows = [
        # Object, date, velocity, flag, co-added?
        ("a", 1.0, 10.0, 0, 0),
        ("a", 1.0, 10.0, 0, 0),
        ("a", 2.0, 14.0, 0, 0),
        ("a", 3.0, 500.0, 2, 0),
        ("a", 4.0, 90.0, 0, 1),
        ("b", 1.0, 1.0, 0, 0),
        ("b", 2.0, 2.0, None, None),
        ("b", 3.0, 3.0, 0, 0),
        ("c", 1.0, 5.0, 0, 0),
    ]
    names = ("ssa_targname", "ssa_dateObs", "rv_br1", "rv_br_flag", "coadd")
    axes = plots.scatter(result_of(dict(zip(names, zip(*rows, strict=True), strict=True))))
    found = sorted(axes.collections[0].get_offsets().tolist())
    assert found == pytest.approx(np.array([[2, np.sqrt(8)], [3, 1]]))
    assert axes.get_ylabel() == "standard deviation of rv_br1 [km/s]"


def table_of(ra: list[float], dec: list[float], **more: list[float]) -> pa.Table:
    return pa.table({"ra": ra, "dec": dec, **more})


def test_matches_and_completeness() -> None:
    second = 1 / 3600
    stars = table_of([10.0, 20.0, 30.0, 40.0], [0.0] * 4, mag=[5.0, 5.0, 9.0, 9.0])
    spectra = table_of([10 + second, 20.0, 30.0], [0.0, 0.5 * second, 1.0])
    axes = plots.matches(crossmatch(stars, spectra, 2.0))
    offsets = sorted(axes.collections[0].get_offsets().tolist())
    assert offsets == pytest.approx(np.array([[0, 0.5], [1, 0]]), abs=1e-6)
    assert axes.get_legend_handles_labels()[1] == ["50% within 0.75 arcsec", "95% within 0.975 arcsec"]
    assert axes.xaxis_inverted()
    shares = plots.completeness(crossmatch(stars, spectra, 2.0, join="left"), "mag")
    (line, *_) = shares.lines
    assert line.get_ydata().tolist() == [1.0, 0.0]
    assert "2 of 4 objects have a spectrum" in words(shares)
    with pytest.raises(ParameterError, match="'separation_arcsec' is no column"):
        plots.matches(stars_as_result())


def stars_as_result() -> ResultSet:
    table = table_of([1.0], [2.0])
    return ResultSet(Schema.from_arrow(table.schema), InMemoryRows(table))


def test_a_spectrum(tmp_path: Path) -> None:
    optional("specutils")
    (tmp_path / "x.fits").write_bytes(mrs_fits(31, (11,)))
    axes = plots.spectrum(tmp_path / "x.fits", ["3111R", "31B"])
    assert axes.get_legend_handles_labels()[1] == ["3111R", "31B"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("wavelength [Angstrom]", "relative flux")
    assert np.flatnonzero(np.isnan(axes.lines[1].get_ydata())).tolist() == [3]
    with pytest.raises(ParameterError, match="identity: '7' is none of 31B"):
        plots.spectrum(tmp_path / "x.fits", ["7"])


@pytest.mark.parametrize("form", ["png", "pdf", "svg"])
def test_files(form: str, result_of, tmp_path: Path) -> None:
    plot(result_of({"ssa_snr": [1.0, 2.0]}), tmp_path / f"x.{form}", "snr")
    start = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[form]
    assert (tmp_path / f"x.{form}").read_bytes().startswith(start)


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    yield
    if (pyplot := sys.modules.get("matplotlib.pyplot")) is not None:
        pyplot.close("all")


def test_pyplot_knows_a_picture_where_it_is_loaded(result_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = result_of({"ssa_snr": [1.0, 2.0]})
    with monkeypatch.context() as nobody_looks:
        for name in ("matplotlib.pyplot", "ipykernel"):
            nobody_looks.delitem(sys.modules, name, raising=False)
        plots.snr(found)
        assert "matplotlib.pyplot" not in sys.modules
    from matplotlib import pyplot

    axes = plots.snr(found)
    assert pyplot.gcf() is axes.figure
    # A picture that was only to be a file is none to be shown.
    plot(found, tmp_path / "x.png", "snr")
    assert len(pyplot.get_fignums()) == 1
    save(axes, str(tmp_path / "x.pdf"))
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")


def test_on_axes_of_the_caller(result_of) -> None:
    axes = Figure().add_subplot()
    assert plots.snr(result_of({"ssa_snr": [1.0, 2.0]}), axes=axes) is axes
    file = BytesIO()
    save(axes, file)
    assert file.getvalue().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_lack_what_is_drawn(kind: str, result_of, tmp_path: Path) -> None:
    options = {"x": "ssa_snr", "y": "nothing"} if kind == "density" else {}
    options |= {"x": "ssa_snr"} if kind == "completeness" else {}
    without = "ssa_length" if kind == "snr" else "ssa_snr"
    with pytest.raises(MirrorError, match="no column"):
        plot(result_of({without: [1]}), tmp_path / "x.png", kind, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("nothing", {}, "kind: 'nothing' is none of sky"),
        ("density", {"x": "ssa_snr"}, "y: '' is needed for a picture of kind density"),
        ("snr", {"order": 5}, "order: 5 has no meaning for a picture of kind snr"),
        ("sky", {"order": 10}, "order: 10 is not from 0 to 9"),
        ("density", {"x": "ssa_targname", "y": "ssa_targname"}, "'ssa_targname' has no numbers"),
    ],
)
def test_what_cannot_be_drawn(kind: str, options: dict[str, Any], said: str, result_of, tmp_path: Path) -> None:
    found = result_of({"ssa_targname": ["a"], "ssa_snr": [1.0], "ra": [1.0], "dec": [1.0]})
    with pytest.raises(ParameterError, match=said):
        plot(found, tmp_path / "x.png", kind, **options)
    with pytest.raises(ParameterError, match=r"ends in none of \.png"):
        plot(found, tmp_path / "x.gif", "snr")
