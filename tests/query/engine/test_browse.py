"""Looking through what a request finds: pages, counts, histograms and the sky, against all rows sorted by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import ssap_query as ssap
from ssap_mirror.core import healpix
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import ParameterError
from ssap_query.engine.browse.histogram import histogram
from ssap_query.engine.browse.match import Match, match_of
from ssap_query.engine.browse.page import PageOrder, count_rows, page_rows
from ssap_query.engine.browse.sky_density import sky_density
from ssap_query.engine.browse.sorting import sorted_page
from ssap_query.mirror.answer import plan_request, read_request

#: Each way to the rows: a scan with and without conditions, row groups, many cones, nothing, best first, limits.
REQUESTS = {
    "all": "",
    "bright": "&SNR=60/",
    "cone": "&POS=56.1,21.6&SIZE=8",
    "cone and more": "&POS=56.1,21.6&SIZE=8&SNR=20/",
    "many cones": "&SIZE=3&POS=" + ",".join(f"{ra},{dec}" for ra in range(40, 110, 6) for dec in range(0, 60, 10)),
    "many cones, best": "&TOP=70&SIZE=3&POS="
    + ",".join(f"{a},{d}" for a in range(40, 110, 6) for d in range(0, 60, 10)),
    "nothing": "&POS=10,-85&SIZE=0.001",
    "best": "&POS=56.1,21.6&SIZE=20&TOP=30",
    "limited": "&SNR=20/&MAXREC=40",
}


def matched(mirror: ssap.Mirror, request: str) -> tuple[Match, pa.Table]:
    """The match of a request, and all its rows as the other doors give them."""
    parsed = read_request(mirror.schema, "REQUEST=queryData" + REQUESTS[request], columns="all")
    way = plan_request(mirror.engine, parsed).way
    assert way is not None
    return match_of(way), mirror.ssap("REQUEST=queryData" + REQUESTS[request], columns="all").to_arrow()


def missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def sorted_by_hand(rows: pa.Table, name: str, *, descending: bool) -> list[str]:
    values = list(zip(rows[name].to_pylist(), rows["mobsid"].to_pylist(), strict=True))
    known = [pair for pair in values if not missing(pair[0])]
    known.sort(key=lambda pair: pair[0], reverse=descending)  # stable in both directions
    return [identity for _, identity in known] + [identity for value, identity in values if missing(value)]


@pytest.mark.parametrize("request_", REQUESTS)
def test_pages_together_are_the_answer(request_: str, mirror: ssap.Mirror) -> None:
    match, rows = matched(mirror, request_)
    assert count_rows(match) == len(rows)
    size = max(7, len(rows) // 3 + 1)
    pages = [page_rows(match, PageOrder(start, size)) for start in range(0, len(rows) + 1, size)]
    assert pa.concat_tables(pages).to_pylist().__repr__() == rows.to_pylist().__repr__()


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("name", ["ssa_snr", "objtype", "ssa_score"])
def test_sorted_over_all_of_it(request_: str, name: str, mirror: ssap.Mirror) -> None:
    match, rows = matched(mirror, request_)
    for descending in (False, True):
        expected = sorted_by_hand(rows, name, descending=descending)
        for start in (0, max(0, len(rows) - 5)):
            order = PageOrder(start, 11, mirror.schema[name], descending)
            assert page_rows(match, order)["mobsid"].to_pylist() == expected[start : start + 11], (descending, start)


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("name", ["ssa_snr", "rv_b_flag"])
def test_histograms_count_every_row_once(request_: str, name: str, mirror: ssap.Mirror) -> None:
    match, rows = matched(mirror, request_)
    found = histogram(match, name)
    values = np.array([value for value in rows[name].to_pylist() if not missing(value)], float)
    values = values[np.isfinite(values)]
    assert found.known == len(values) == sum(found.counts) + found.below + found.above
    if not len(values):
        assert found.counts == ()
        return
    assert (found.least, found.largest) == (values.min(), values.max())
    assert found.below <= 0.03 * len(values) + 1
    assert found.above <= 0.03 * len(values) + 1
    if len(found.counts) > 1:
        width = (found.high - found.low) / len(found.counts)
        # What lies on an edge may be in either bin, by the rounding of the edge.
        edges = found.low + width * np.arange(1, len(found.counts))
        clear = not (np.abs(values[:, None] - edges).min(axis=1) < 1e-9 * max(1.0, np.abs(values).max())).any()
        if clear:
            inside = values[(values >= found.low) & (values <= found.high)]
            bins = np.clip(np.floor((inside - found.low) / width), 0, len(found.counts) - 1).astype(int)
            assert np.bincount(bins, minlength=len(found.counts)).tolist() == list(found.counts)


@pytest.mark.parametrize("request_", REQUESTS)
def test_the_sky_has_every_row(request_: str, mirror: ssap.Mirror) -> None:
    match, rows = matched(mirror, request_)
    found = sky_density(match)
    assert found.counts.sum() + found.unplaced == len(rows)
    ra, dec = (
        np.array([math.nan if v is None else v for v in rows[name].to_pylist()], float) for name in ("ra", "dec")
    )
    known = np.isfinite(ra) & np.isfinite(dec)
    by_hand = np.unique(healpix.cell_of(healpix.healpix_29(ra[known], dec[known]), found.order), return_counts=True)
    counted = dict(zip(found.cells.tolist(), found.counts.tolist(), strict=True))
    # A row whose fibre is far from its target is unplaced though both have a position.
    expected = dict(zip(by_hand[0].tolist(), by_hand[1].tolist(), strict=True))
    assert counted.keys() <= expected.keys()
    assert all(rows <= expected[cell] for cell, rows in counted.items())


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory, schema: Schema, awkward, mirror_of: Callable) -> ssap.Mirror:
    """Numbers that are none, and numbers that leave no room for the others."""
    table = awkward.table.slice(0, 200)
    values = [math.nan, math.inf, -math.inf, None, 3e38, -3e38, *np.linspace(1, 2, 194)]
    index = table.schema.get_field_index("ssa_snr")
    table = table.set_column(index, table.schema.field(index), pa.array(values, pa.float32()))
    home = tmp_path_factory.mktemp("strange")
    mirror_of(table, schema, home, "strange", 60)
    return ssap.open("strange", home)


def test_nan_and_infinities(strange: ssap.Mirror) -> None:
    match, rows = matched(strange, "all")
    found = histogram(match, "ssa_snr")
    assert found.known == 196
    assert sum(found.counts) + found.below + found.above == 196
    assert 0.9 < found.low < found.high < 2.1  # two values of 1e38 would leave one bar of the rest
    assert (found.below, found.above) >= (1, 1)
    column = strange.schema["ssa_snr"]
    for descending in (False, True):
        last = page_rows(match, PageOrder(198, 10, column, descending))["ssa_snr"].to_pylist()
        assert [missing(value) for value in last] == [True, True]
    first = page_rows(match, PageOrder(0, 1, column, descending=True))["ssa_snr"].to_pylist()
    assert first == [math.inf]
    assert len(rows) == 200


def test_rows_that_are_there_already() -> None:
    from ssap_mirror.core.schema import Column

    values = [3.0, None, 1.0, math.nan, 2.0, 1.0, 9.0]
    table = pa.table({"x": values, "n": range(7), "l": [[1]] * 7})
    column = Column.from_arrow(table.schema.field("x"))

    def page(*order: Any) -> list[int]:
        return sorted_page(table.schema, lambda: table.to_batches(2), PageOrder(*order))["n"].to_pylist()

    assert page(0, 10) == list(range(7))
    assert page(2, 3) == [2, 3, 4]
    assert page(0, 10, column) == [2, 5, 4, 0, 6, 3, 1]
    assert page(1, 3, column, True) == [0, 4, 2]
    assert page(5, 10, column, True) == [3, 1]
    assert page(9, 10) == []
    with pytest.raises(ParameterError, match="have no order"):
        page(0, 1, Column.from_arrow(table.schema.field("l")))


def test_a_column_that_has_the_name_of_row_numbers(
    tmp_path: Path, mirror_of: Callable, schema: Schema, awkward
) -> None:
    from dataclasses import replace

    renamed = replace(
        schema, columns=tuple(replace(c, name="file_index") if c.name == "fiberid" else c for c in schema.columns)
    )
    table = awkward.table.slice(0, 50).rename_columns(list(renamed.names))
    mirror_of(table, renamed, tmp_path, "numbered", 60)
    with pytest.raises(ParameterError, match="cannot be looked through in pages"):
        matched(ssap.open("numbered", tmp_path), "all")
