"""Slices cover what they say they cover, however they are cut."""

from __future__ import annotations

import itertools
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ssap_mirror.core.healpix import cell_of, healpix_29, separation_arcsec
from ssap_mirror.sources.harvest.slices import (
    WHOLE,
    Cell,
    Range,
    Slice,
    cells_of,
    cover_positions,
    iso_of_mjd,
    plan_ranges,
)

dates = st.floats(57000, 60000, allow_nan=False)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_every_position_is_in_the_disc_of_its_cell(order: int) -> None:
    rng = np.random.default_rng(order)
    ra, dec = rng.uniform(0, 360, 20_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 20_000)))
    dec[:4], ra[:4] = (90, -90, 89.9999, 41.8103), (0, 10, 300, 45)
    pixels = cell_of(healpix_29(ra, dec), order)
    for pixel in np.unique(pixels):
        inside = pixels == pixel
        centre_ra, centre_dec, radius = Cell(order, int(pixel)).disc()
        assert (separation_arcsec(centre_ra, centre_dec, ra[inside], dec[inside]) < radius * 3600).all()


def test_the_first_cells_cover_the_sphere_with_sizes_that_servers_take() -> None:
    sizes = [float(dict(part.params(size_is_radius=False))["SIZE"]) for part in cells_of(1)]
    assert len(sizes) == 48
    assert max(sizes) < 90


def test_size_is_the_diameter_unless_the_service_takes_a_radius() -> None:
    part = Slice(cell=Cell(3, 7))
    as_diameter, as_radius = (dict(part.params(size_is_radius=flag)) for flag in (False, True))
    assert as_diameter["POS"] == as_radius["POS"]
    assert float(as_diameter["SIZE"]) == pytest.approx(2 * float(as_radius["SIZE"]))


@given(st.lists(dates, min_size=0, max_size=60), st.integers(1, 20))
def test_planned_ranges_join_without_a_gap_and_hold_every_value(values: list[float], rows: int) -> None:
    known = np.array(values)
    spans = [part.span for part in plan_ranges("TIME", known, rows)]
    assert len(spans) >= 2
    assert spans[0].start is None
    assert spans[-1].stop is None
    for one, other in itertools.pairwise(spans):
        assert one.stop == other.start
        assert one.start is None or one.start < one.stop
    covered = np.sum([span.holds(known) for span in spans], axis=0) if values else np.ones(0)
    assert (covered >= 1).all()


def test_planned_ranges_are_as_large_as_asked_and_cut_between_values() -> None:
    known = np.random.default_rng(1).uniform(58000, 58300, 10_000)
    spans = [part.span for part in plan_ranges("TIME", known, 1000)]
    counts = [int(span.holds(known).sum()) for span in spans]
    assert sum(counts) == 10_000
    assert max(counts) <= 1001


def test_a_date_that_many_rows_share_is_never_cut() -> None:
    known = np.concatenate([np.full(5000, 58050.25), np.linspace(58000, 58100, 100)])
    spans = [part.span for part in plan_ranges("TIME", known, 500)]
    holding = [span for span in spans if span.holds(np.array([58050.25]))[0]]
    assert len(holding) == 1
    assert known[holding[0].holds(known)].max() < 58052


@given(dates, st.floats(0, 1e-4), st.lists(dates, max_size=10))
def test_halves_join_and_come_to_an_end(start: float, width: float, values: list[float]) -> None:
    part = Slice(Range("TIME", start, start + width))
    for _ in range(100):
        parts = part.parts(np.array(values))
        if parts is None:
            return
        texts = [dict(smaller.params(size_is_radius=True))["TIME"].split("/") for smaller in parts]
        assert texts[0][1] == texts[1][0], "one date is written in one way"
        assert all(datetime.fromisoformat(low) < datetime.fromisoformat(high) for low, high in texts)
        part = parts[0]
    pytest.fail("a range was cut a hundred times")


@pytest.mark.parametrize("parameter", ["TIME", "SNR"])
def test_an_open_end_is_cut_again_and_again_without_losing_anything(parameter: str) -> None:
    span = Range(parameter, 58000.0 if parameter == "TIME" else 3.0, None)
    for cuts in range(30):
        halves = span.halves()
        if halves is None:
            # Dates end where no service has any: cutting stops some centuries from now.
            assert parameter == "TIME"
            assert cuts >= 5
            assert span.start is not None
            assert span.start > 150_000
            break
        low, high = halves
        assert low.start == span.start
        assert high.stop is None
        assert low.stop == high.start
        span = high


def test_a_range_without_ends_is_never_asked() -> None:
    with pytest.raises(ValueError, match="TIME=/"):
        Slice(Range("TIME")).params(size_is_radius=True)


def test_a_cell_is_cut_into_its_quarters() -> None:
    parts = Slice(cell=Cell(2, 5)).parts()
    assert [part.cell for part in parts] == [Cell(3, 20), Cell(3, 21), Cell(3, 22), Cell(3, 23)]
    assert WHOLE.parts() is None


@pytest.mark.parametrize(
    "part", [WHOLE, Slice(Range("TIME", None, 58000.123456)), Slice(Range("SNR", 3.5), Cell(4, 9))], ids=lambda p: p.key
)
def test_slices_survive_json(part: Slice) -> None:
    assert Slice.from_json(part.to_json()) == part


def test_dates_are_written_to_the_microsecond() -> None:
    assert iso_of_mjd(58100.000000000011574) == "2017-12-13T00:00:00.000001"


def test_missing_positions_are_covered() -> None:
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(0, 360, 5000), rng.uniform(-90, 90, 5000)
    few = slice(0, 40)
    slices = cover_positions(ra[few], dec[few], ra, dec)
    cells = {(part.cell.order, part.cell.pixel) for part in slices}
    order = slices[0].cell.order
    assert {(order, int(pixel)) for pixel in cell_of(healpix_29(ra[few], dec[few]), order)} <= cells
    assert cover_positions(ra[:0], dec[:0], ra, dec) == []
