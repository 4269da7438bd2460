"""Rows that are told apart without DuckDB are those that it would take."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from ssap_query.engine.compile import CANDIDATES, ROW, compile_query
from ssap_query.engine.cones.select_rows import rows_inside
from ssap_query.ssap.values.cones import FIBRE, TARGET, Cone, Region, SkyPosition, separation_deg

CENTRES = [(0.0, 0.0), (359.9999, -45.0), (123.4, 89.99), (77.0, -90.0), (200.0, 60.0)]
RADII = [1e-5, 0.01, 1 / 6, 3.0, 90.0, 120.0, 179.999]


def pairs(location, null=None) -> pa.Array:
    """Positions as a column has them."""
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ravel(location)), 2, mask=null)


def axes(pairs: pa.Array) -> list[pa.Array]:
    """The same positions as two columns have them."""
    return [
        pa.array([None if pair is None else pair[axis] for pair in pairs.to_pylist()], pa.float64()) for axis in (0, 1)
    ]


def by_duckdb(schema, position: SkyPosition, columns, cones) -> list[int]:
    names = [schema.roles[role] for role in position.roles]
    candidates = pa.table([np.arange(len(columns[0])), *columns], names=[ROW, *names])
    query = compile_query(schema, [ROW], CANDIDATES, [Region(tuple(cones), position).within()])
    connection = duckdb.connect()
    connection.register("candidates", candidates)
    return [row for (row,) in connection.execute(query.sql, list(query.values)).fetchall()]


@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("radius", RADII)
def test_the_same_rows_as_duckdb(centre, radius, schema) -> None:
    rng = np.random.default_rng(5)
    near = np.column_stack([centre[0] + rng.normal(0, 2 * radius, 400), centre[1] + rng.normal(0, radius, 400)])
    location = np.concatenate([near, np.column_stack([rng.uniform(0, 360, 200), rng.uniform(-90, 90, 200)])])
    location = np.column_stack([location[:, 0] % 360, np.clip(location[:, 1], -90, 90)])
    cones = [Cone(*centre, radius), Cone(10.0, 20.0, radius / 2)]
    for column in (pairs(location), pairs(location, pa.array(rng.random(len(location)) < 0.1)), pairs([])):
        for position, columns in ((FIBRE, [column]), (TARGET, axes(column))):
            found = rows_inside(columns, cones)
            assert found is not None
            assert found.tolist() == by_duckdb(schema, position, columns, cones)


def test_a_row_on_the_edge_is_left_to_duckdb() -> None:
    row = (10.0, 20.3)
    edge = separation_deg(*row, 10.1, 20.0)
    location = pairs([row, (10.1, 20.0)])
    for columns in ([location], axes(location)):
        assert rows_inside(columns, [Cone(10.1, 20.0, edge, tolerance_deg=0.0)]) is None
        assert rows_inside(columns, [Cone(10.1, 20.0, edge + 1e-8)]).tolist() == [0, 1]
        assert rows_inside(columns, [Cone(10.1, 20.0, edge - 1e-8)]).tolist() == [1]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_position_is_left_to_duckdb(bad) -> None:
    for location in (pairs([(bad, 20.0), (10.0, 20.0)]), pairs([(10.0, bad), (10.0, 20.0)])):
        for columns in ([location], axes(location)):
            assert rows_inside(columns, [Cone(10.0, 20.0, 1.0)]) is None


def test_half_a_position_is_left_to_duckdb() -> None:
    half = [pa.array([10.0, 10.0]), pa.array([None, 20.0], pa.float64())]
    assert rows_inside(half, [Cone(10.0, 20.0, 1.0)]) is None


def test_open_files_are_few_and_one_thread_each(mirror) -> None:
    from ssap_query.engine.index.file_pool import FilePool
    from ssap_query.engine.index.row_groups import RowGroupReader
    from ssap_query.engine.snapshot_cache import SnapshotCache

    groups = RowGroupReader(SnapshotCache(), mirror.catalog.checksums)
    paths = [str(path) for path in mirror.catalog.files][:3]
    files = FilePool(2)
    for path in paths * 2:
        with files.borrow(path, groups.footer(path).metadata) as file, files.borrow(path, None) as other:
            assert file is not other
            assert file.read_row_group(0, columns=["ra"]).equals(other.read_row_group(0, columns=["ra"]))
        assert len(files) <= 2
    with files.borrow(paths[-1], None) as again:
        pass
    assert again is file or again is other
    with pytest.raises(pa.ArrowInvalid, match="row_group"), files.borrow(paths[-1], None) as file:
        file.read_row_group(10**6)
    assert len(files) < 2
    files.close()
    with files.borrow(paths[0], None) as file:
        assert file.metadata.num_rows > 0
    assert len(files) == 0
