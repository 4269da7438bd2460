"""Placing rows, and cutting the sky into tiles."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror.build.placement import NOT_PLACED, Placer, split_sky
from ssap_mirror.core import healpix
from ssap_mirror.core.quantities.points import location_arrays
from ssap_mirror.core.schema import UNLISTED, Column, Schema

LOCATION = Column("where", "double", "2", "deg", utype="ssa:Char.SpatialAxis.Coverage.Location.Value")
RA = Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main")
DEC = Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main")
SINGLE_RA = Column("ra", "float", unit="deg", ucd="pos.eq.ra;meta.main")
SINGLE_DEC = Column("dec", "float", unit="deg", ucd="pos.eq.dec;meta.main")


def rows(schema: Schema, **values: list[object]) -> pa.RecordBatch:
    arrow = schema.arrow_schema()
    return pa.RecordBatch.from_arrays([pa.array(values[f.name], f.type) for f in arrow], schema=arrow)


def test_the_target_places_a_row_and_the_location_does_not() -> None:
    schema = Schema((LOCATION, RA, DEC))
    batch = rows(schema, where=[[10.0, 20.01], None, [np.nan, 1.0]], ra=[10.0, 11.0, 12.0], dec=[20.0, 21.0, 22.0])
    placer = Placer(schema)
    placed = placer.place(batch)
    assert placer.schema is schema
    assert placed.derived == ()
    np.testing.assert_array_equal(placed.cells, healpix.healpix_29([10.0, 11.0, 12.0], [20.0, 21.0, 22.0]))
    assert placed.max_offset_arcsec == pytest.approx(36.0)


@pytest.mark.parametrize(
    ("ra", "dec", "where"),
    [
        (None, 20.0, [10.0, 20.0]),
        (10.0, None, [10.0, 20.0]),
        (np.nan, 20.0, [10.0, 20.0]),
        (np.inf, 20.0, [10.0, 20.0]),
        (10.0, 90.001, None),
        (10.0, 20.0, [10.0, 20.0 + 60.01 / 3600]),
        (10.0, 20.0, [10.0, -20.0]),
    ],
)
def test_rows_without_a_place(ra: float | None, dec: float | None, where: list[float] | None) -> None:
    schema = Schema((LOCATION, RA, DEC))
    batch = rows(schema, where=[where, [1.0, 1.001]], ra=[ra, 1.0], dec=[dec, 1.0])
    placed = Placer(schema).place(batch)
    assert placed.cells[0] == NOT_PLACED
    assert placed.cells[1] != NOT_PLACED
    assert placed.max_offset_arcsec == pytest.approx(3.6), "only rows with a place count"


def test_an_offset_is_measured_across_zero_and_at_the_pole() -> None:
    schema = Schema((LOCATION, RA, DEC))
    batch = rows(schema, where=[[359.9999, 0.0], [180.0, 89.9999]], ra=[0.0001, 0.0], dec=[0.0, 89.9999])
    placed = Placer(schema).place(batch)
    assert (placed.cells != NOT_PLACED).all()
    assert placed.max_offset_arcsec == pytest.approx(0.72, rel=1e-6)


@pytest.mark.parametrize("columns", [(LOCATION,), (LOCATION, SINGLE_RA, SINGLE_DEC), (LOCATION, RA)])
def test_a_service_without_double_positions_gets_them_from_its_location(columns: tuple[Column, ...]) -> None:
    schema = Schema(columns)
    values = {"where": [[10.0, 20.0], None], "ra": [99.0, 99.0], "dec": [9.0, 9.0]}
    placer = Placer(schema)
    placed = placer.place(rows(schema, **{c.name: values[c.name] for c in columns}))
    assert placer.schema.names == (*schema.names, "s_ra", "s_dec")
    assert placer.schema.role("ra") == placer.schema["s_ra"]
    assert placer.schema.role("dec") == placer.schema["s_dec"]
    assert "where" in str(placer.schema["s_ra"].description)
    assert placer.schema["s_ra"].verbosity == UNLISTED
    assert [array.to_pylist() for array in placed.derived] == [[10.0, None], [20.0, None]]
    np.testing.assert_array_equal(placed.cells, [healpix.healpix_29([10.0], [20.0])[0], NOT_PLACED])
    assert Placer(placer.schema).schema is placer.schema, "deriving once is enough"


@pytest.mark.parametrize("columns", [(RA, DEC), (RA, DEC, Column("where", "char", "*", utype=LOCATION.utype))])
def test_a_service_without_a_location_gets_its_target_position_as_one(columns: tuple[Column, ...]) -> None:
    schema = Schema(columns)
    placer = Placer(schema)
    values = {"ra": [10.0, None, 30.0], "dec": [20.0, 20.0, np.nan], "where": ["(10.0, 20.0)", None, None]}
    placed = placer.place(rows(schema, **{c.name: values[c.name] for c in columns}))
    location = placer.schema.role("location")
    assert location is not None
    assert (location.name, location.shape, location.verbosity) == ("s_location", (2,), UNLISTED)
    assert [array.to_pylist() for array in placed.derived] == [[[10.0, 20.0], None, None]]
    assert placed.derived[0].type == location.arrow_type()
    assert placed.cells.tolist() == [healpix.healpix_29([10.0], [20.0])[0], NOT_PLACED, NOT_PLACED]
    assert Placer(placer.schema).schema is placer.schema


def test_single_precision_is_better_than_no_position() -> None:
    schema = Schema((SINGLE_RA, SINGLE_DEC))
    placed = Placer(schema).place(rows(schema, ra=[10.1, None], dec=[20.2, 1.0]))
    ra, dec = np.float32(10.1), np.float32(20.2)
    assert placed.cells[0] == healpix.healpix_29([ra], [dec])[0]
    assert placed.cells[1] == NOT_PLACED


def test_hours_become_degrees() -> None:
    schema = Schema((Column("ra", "double", unit="h", ucd="pos.eq.ra;meta.main"), DEC))
    placed = Placer(schema).place(rows(schema, ra=[10.1], dec=[20.2]))
    assert [array.to_pylist() for array in placed.derived] == [[151.5], [20.2], [[151.5, 20.2]]]
    assert placed.cells.tolist() == healpix.healpix_29([151.5], [20.2]).tolist()


def test_a_unit_that_is_not_understood_is_not_taken_for_degrees() -> None:
    schema = Schema((Column("ra", "double", unit="furlong", ucd="pos.eq.ra;meta.main"), DEC))
    placer = Placer(schema)
    assert placer.place(rows(schema, ra=[10.1], dec=[20.2])).cells.tolist() == [NOT_PLACED]
    assert placer.schema.role("location") is None
    assert "'furlong' is not known" in placer.schema.refused["location"]


def test_columns_that_are_empty_leave_the_position_to_the_next() -> None:
    schema = Schema((LOCATION, RA, DEC, Column("text", "char", "*", utype="ssa:Target.Pos")))
    batch = rows(schema, where=[None, None], ra=[None, None], dec=[None, 5.0], text=["10.5 -20.25", None])
    placer = Placer(schema, batch)
    placed = placer.place(batch)
    assert [array.to_pylist() for array in placed.derived] == [[10.5, None], [-20.25, None], [[10.5, -20.25], None]]
    assert (placer.schema.roles["ra"], placer.schema.roles["location"]) == ("s_ra", "s_location")


def test_a_derived_column_never_takes_a_name_that_is_there() -> None:
    schema = Schema((LOCATION, Column("S_RA", "char", "*")))
    assert Placer(schema).schema.names == ("where", "S_RA", "s_ra_target", "s_dec")


def test_locations_of_any_list_type() -> None:
    points = [[1.0, 2.0], None, [None, 3.0], [4.0, 5.0]]
    for kind in (pa.list_(pa.float64(), 2), pa.list_(pa.float64()), pa.list_(pa.float32(), 2)):
        array = pa.array([[9.0, 9.0], *points], kind).slice(1)
        ra, dec = location_arrays(array)
        np.testing.assert_array_equal(ra, [1.0, np.nan, np.nan, 4.0])
        np.testing.assert_array_equal(dec, [2.0, np.nan, 3.0, 5.0])
    ra, _ = location_arrays(pa.array([[1.0], [], [1.0, 2.0, 3.0], [7.0, 8.0]], pa.list_(pa.float64())))
    np.testing.assert_array_equal(ra, [np.nan, np.nan, np.nan, 7.0])


@pytest.mark.parametrize("max_rows", [1, 10, 100, 5000])
def test_tiles_hold_every_row_once_and_no_tile_too_many(max_rows: int) -> None:
    rng = np.random.default_rng(1)
    ra, dec = rng.normal(100, 3, 2000) % 360, rng.normal(40, 3, 2000)
    cells = np.sort(np.append(healpix.healpix_29(ra, dec), healpix.healpix_29([0.0], [-90.0])))

    def count(low: int, high: int) -> int:
        return int(((cells >= low) & (cells <= high)).sum())

    tiles = list(split_sky(count, max_rows))
    ranges = [healpix.cell_range(*tile) for tile in tiles]
    counts = [count(*span) for span in ranges]
    assert sum(counts) == len(cells)
    assert all(0 < rows <= max_rows for rows in counts)
    assert ranges == sorted(ranges)
    assert all(one[1] < other[0] for one, other in pairwise(ranges))
    for order, npix in tiles:
        if order:
            assert count(*healpix.cell_range(order - 1, npix // 4)) > max_rows, "no cell is split without need"


def test_many_rows_at_one_position_end_at_the_finest_cell() -> None:
    assert list(split_sky(lambda low, high: 5 if low <= 7 <= high else 0, 1)) == [(29, 7)]
