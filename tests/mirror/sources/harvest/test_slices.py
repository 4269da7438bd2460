"""Slices cover what they say they cover, however they are cut."""

from __future__ import annotations

import itertools
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ssap_mirror.core.healpix import cell_of, healpix_29
from ssap_mirror.core.sphere import separation_arcsec
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
from ssap_mirror.sources.ssap.endpoint import in_collections
from ssap_mirror.sources.ssap.habits import Habits

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
    sizes = [float(dict(slice_.params(size_is_radius=False))["SIZE"]) for slice_ in cells_of(1)]
    assert len(sizes) == 48
    assert max(sizes) < 90


def test_size_is_the_diameter_unless_the_service_takes_a_radius() -> None:
    slice_ = Slice(cell=Cell(3, 7))
    as_diameter, as_radius = (dict(slice_.params(size_is_radius=flag)) for flag in (False, True))
    assert as_diameter["POS"] == as_radius["POS"]
    assert float(as_diameter["SIZE"]) == pytest.approx(2 * float(as_radius["SIZE"]))


@given(st.lists(dates, min_size=0, max_size=60), st.integers(1, 20))
def test_planned_ranges_join_without_a_gap_and_hold_every_value(values: list[float], rows: int) -> None:
    known = np.array(values)
    ranges = [slice_.range for slice_ in plan_ranges("TIME", known, rows)]
    assert len(ranges) >= 2
    assert ranges[0].start is None
    assert ranges[-1].stop is None
    for one, other in itertools.pairwise(ranges):
        assert one.stop == other.start
        assert one.start is None or one.start < one.stop
    covered = np.sum([range_.holds(known) for range_ in ranges], axis=0) if values else np.ones(0)
    assert (covered >= 1).all()


def test_planned_ranges_are_as_large_as_asked_and_cut_between_values() -> None:
    known = np.random.default_rng(1).uniform(58000, 58300, 10_000)
    ranges = [slice_.range for slice_ in plan_ranges("TIME", known, 1000)]
    counts = [int(range_.holds(known).sum()) for range_ in ranges]
    assert sum(counts) == 10_000
    assert max(counts) <= 1001


def test_a_date_that_many_rows_share_is_never_cut() -> None:
    known = np.concatenate([np.full(5000, 58050.25), np.linspace(58000, 58100, 100)])
    ranges = [slice_.range for slice_ in plan_ranges("TIME", known, 500)]
    holding = [range_ for range_ in ranges if range_.holds(np.array([58050.25]))[0]]
    assert len(holding) == 1
    assert known[holding[0].holds(known)].max() < 58052


@given(dates, st.floats(0, 1e-4), st.lists(dates, max_size=10))
def test_halves_join_and_come_to_an_end(start: float, width: float, values: list[float]) -> None:
    slice_ = Slice(Range("TIME", start, start + width))
    for _ in range(100):
        smaller = slice_.cut(np.array(values))
        if smaller is None:
            return
        texts = [dict(each.params(size_is_radius=True))["TIME"].split("/") for each in smaller]
        assert texts[0][1] == texts[1][0], "one date is written in one way"
        assert all(datetime.fromisoformat(low) < datetime.fromisoformat(high) for low, high in texts)
        slice_ = smaller[0]
    pytest.fail("a range was cut a hundred times")


@pytest.mark.parametrize("parameter", ["TIME", "SNR"])
def test_an_open_end_is_cut_again_and_again_without_losing_anything(parameter: str) -> None:
    range_ = Range(parameter, 58000.0 if parameter == "TIME" else 3.0, None)
    for cuts in range(30):
        halves = range_.halves()
        if halves is None:
            # Dates end where no service has any: cutting stops some centuries from now.
            assert parameter == "TIME"
            assert cuts >= 5
            assert range_.start is not None
            assert range_.start > 150_000
            break
        low, high = halves
        assert low.start == range_.start
        assert high.stop is None
        assert low.stop == high.start
        range_ = high


def test_a_range_without_ends_is_never_asked() -> None:
    with pytest.raises(ValueError, match="TIME=/"):
        Slice(Range("TIME")).params(size_is_radius=True)


def test_a_cell_is_cut_into_its_quarters() -> None:
    smaller = Slice(cell=Cell(2, 5)).cut()
    assert [slice_.cell for slice_ in smaller] == [Cell(3, 20), Cell(3, 21), Cell(3, 22), Cell(3, 23)]
    assert WHOLE.cut() is None


@pytest.mark.parametrize(
    "slice_",
    [WHOLE, Slice(Range("TIME", None, 58000.123456)), Slice(Range("SNR", 3.5), Cell(4, 9))],
    ids=lambda p: p.key,
)
def test_slices_survive_json(slice_: Slice) -> None:
    assert Slice.from_json(slice_.to_json()) == slice_


def test_dates_are_written_to_the_microsecond() -> None:
    assert iso_of_mjd(58100.000000000011574) == "2017-12-13T00:00:00.000001"


def test_missing_positions_are_covered() -> None:
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(0, 360, 5000), rng.uniform(-90, 90, 5000)
    few = slice(0, 40)
    slices = cover_positions(ra[few], dec[few], ra, dec, 500, 50_000)
    held = [
        at
        for at in (slice_.cell for slice_ in slices)
        for cell in cell_of(healpix_29(ra[few], dec[few]), at.order)
        if cell == at.pixel
    ]
    assert len(held) == 40
    assert cover_positions(ra[:0], dec[:0], ra, dec, 500, 50_000) == []


def test_many_missing_rows_are_not_asked_for_one_by_one() -> None:
    rng = np.random.default_rng(4)
    ra, dec = rng.uniform(0, 360, 200_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 200_000)))
    many = slice(0, 1000)
    assert len(cover_positions(ra[many], dec[many], ra, dec, 2000, 50_000)) < 200


def test_no_cell_of_missing_rows_is_sure_to_overflow() -> None:
    rng = np.random.default_rng(4)
    ra, dec = rng.uniform(0, 360, 200_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 200_000)))
    many = slice(0, 1000)
    for slice_ in cover_positions(ra[many], dec[many], ra, dec, 2000, 5000):
        assert np.sum(cell_of(healpix_29(ra, dec), slice_.cell.order) == slice_.cell.pixel) < 5000


def test_cells_around_missing_rows_are_large_where_these_are_many() -> None:
    rng = np.random.default_rng(5)
    ra = np.append(rng.normal(120.0, 0.5, 20_000), rng.normal(200.0, 0.5, 20_000))
    dec = np.append(rng.normal(20.0, 0.5, 20_000), rng.normal(-30.0, 0.5, 20_000))
    # 300 of one field, one of the other.
    sought = np.append(np.arange(300), [20_000])
    slices = cover_positions(ra[sought], dec[sought], ra, dec, 2000, 50_000)
    assert max(slice_.cell.order for slice_ in slices) > min(slice_.cell.order for slice_ in slices)


def test_slices_of_a_service_that_wants_collection_have_one_each() -> None:
    plain, cell = Slice(Range("TIME", 58000.0, None)), Slice(cell=Cell(1, 7), collection="wide")
    asked = in_collections([plain, cell], ("deep", "wide"))
    assert [slice_.collection for slice_ in asked] == ["deep", "wide", "wide"]
    assert asked[0].params(size_is_radius=False) == [("COLLECTION", "deep"), *plain.params(size_is_radius=False)]
    assert in_collections([plain], ()) == [plain]
    # Parts belong to the same collection, and none is another's in the journal.
    parts = [part for slice_ in asked for part in slice_.cut() or ()]
    assert [part.collection for part in parts] == ["deep", "deep", "wide", "wide", *["wide"] * 4]
    assert len({slice_.key for slice_ in [plain, *asked, *parts]}) == len(parts) + 4
    assert [Slice.from_json(slice_.to_json()) for slice_ in asked] == asked
    assert Slice(collection="deep").is_whole
    assert not any(slice_.is_whole for slice_ in asked)


def test_several_collections_that_somebody_names_are_asked_for_one_by_one() -> None:
    several = Habits((("COLLECTION", "a"), ("K", "1"), ("collection", "b")))
    assert (several.collections, several.always) == (("a", "b"), (("K", "1"),))
    one = Habits((("COLLECTION", "a"), ("K", "1")))
    assert (one.collections, one.always) == ((), one.parameters)
