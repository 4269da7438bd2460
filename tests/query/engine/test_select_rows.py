"""Rows that are told apart without DuckDB are those that it would take."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from ssap_query.engine.compile import CANDIDATES, ROW, compile_query
from ssap_query.engine.cones.select_rows import _inside
from ssap_query.ssap.params.position import Cone, cone_predicate, separation_deg

CENTRES = [(0.0, 0.0), (359.9999, -45.0), (123.4, 89.99), (77.0, -90.0), (200.0, 60.0)]
RADII = [1e-5, 0.01, 1 / 6, 3.0, 90.0, 120.0, 179.999]


def pairs(location, null=None) -> pa.Array:
    """Positions as a column has them."""
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ravel(location)), 2, mask=null)


def by_duckdb(schema, location, cones) -> list[int]:
    rows = pa.table({"row": np.arange(len(location))}).rename_columns([ROW])
    candidates = rows.append_column(schema.roles["location"], location)
    query = compile_query(schema, [ROW], CANDIDATES, [cone_predicate(cones)])
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
        found = _inside(column, cones)
        assert found is not None
        assert found.tolist() == by_duckdb(schema, column, cones)


def test_a_row_on_the_edge_is_left_to_duckdb() -> None:
    row = (10.0, 20.3)
    edge = separation_deg(*row, 10.1, 20.0)
    location = pairs([row, (10.1, 20.0)])
    assert _inside(location, [Cone(10.1, 20.0, edge, tolerance_deg=0.0)]) is None
    assert _inside(location, [Cone(10.1, 20.0, edge + 1e-8)]).tolist() == [0, 1]
    assert _inside(location, [Cone(10.1, 20.0, edge - 1e-8)]).tolist() == [1]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_position_is_left_to_duckdb(bad) -> None:
    assert _inside(pairs([(bad, 20.0), (10.0, 20.0)]), [Cone(10.0, 20.0, 1.0)]) is None
    assert _inside(pairs([(10.0, bad), (10.0, 20.0)]), [Cone(10.0, 20.0, 1.0)]) is None


def test_open_files_are_few_and_one_thread_each(mirror) -> None:
    from ssap_query.engine.cones.file_pool import OpenFiles
    from ssap_query.engine.cones.row_groups import RowGroups

    groups = RowGroups()
    paths = [str(path) for path in mirror.catalog.files][:3]
    files = OpenFiles(2)
    for path in paths * 2:
        with files.lent(path, groups.footer(path).metadata) as file, files.lent(path, None) as other:
            assert file is not other
            assert file.read_row_group(0, columns=["ra"]).equals(other.read_row_group(0, columns=["ra"]))
        assert len(files) <= 2
    with files.lent(paths[-1], None) as again:
        pass
    assert again is file or again is other
    with pytest.raises(pa.ArrowInvalid, match="row_group"), files.lent(paths[-1], None) as file:
        file.read_row_group(10**6)
    assert len(files) < 2
