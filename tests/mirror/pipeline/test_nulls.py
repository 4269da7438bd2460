"""Values that stand for a missing one by the user's word are NULL in a mirror, whatever it is made from."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ssap_mirror.core.catalog import Catalog, open_catalog
from ssap_mirror.errors import ParameterError
from ssap_mirror.pipeline.known_services import find_source
from ssap_mirror.pipeline.sync import SyncReport, sync
from ssap_mirror.sources.source import RequestPolicy

from tests.support import fake_ssap, fake_tap
from tests.support.fake_ssap import FakeService
from tests.support.fake_tap import FakeTap

QUICK = RequestPolicy(attempts=2, first_wait_s=0.001, longest_wait_s=0.01, first_poll_s=0.001, job_rows=100)
NULLS = {"ssa_snr": ("-9999", "99"), "obsid": ("-9999",)}
# Cells of the first column, and of the second.
CELLS = (70, 40)


def rows() -> pa.Table:
    """Rows with -9999 and 99 among the values; the first ten rows have real numbers, NULL among them."""
    table = fake_ssap.rows(400, seed=7)
    snr, obsid = table.column("ssa_snr").to_pylist(), table.column("obsid").to_pylist()
    snr[10:60], snr[60:80] = [-9999.0] * 50, [99.0] * 20
    obsid[100:140] = [-9999] * 40
    for name, values in (("ssa_snr", snr), ("obsid", obsid)):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
    return table


ROWS = rows()


def expected(name: str) -> list[object]:
    missing = {float(text) for text in NULLS[name]}
    values = ROWS.sort_by("mobsid").column(name).to_pylist()
    return [None if value in missing else value for value in values]


def held(catalog: Catalog, name: str) -> list[object]:
    table = pa.concat_tables([pq.read_table(path, columns=["mobsid", name]) for path in catalog.files])
    found: list[object] = table.sort_by("mobsid").column(name).to_pylist()
    return found


@contextlib.contextmanager
def ssap_service(home: Path) -> Iterator[str]:
    with fake_ssap.running(FakeService(ROWS)) as service:
        yield service.url


@contextlib.contextmanager
def tap_service(home: Path) -> Iterator[str]:
    # The indexed column has such values: a row is not looked for by them.
    with fake_tap.running(FakeTap(ROWS, indexed=("obsid",))) as service:
        yield f"{service.url}#spectra.lrs"


@contextlib.contextmanager
def file(home: Path) -> Iterator[str]:
    path = home / "rows.parquet"
    pq.write_table(ROWS, path)
    yield str(path)


Running = Callable[[Path], contextlib.AbstractContextManager[str]]


def run(home: Path, source: str | None, nulls: dict[str, tuple[str, ...]] | None = None) -> SyncReport:
    asked = find_source("mine", source, home=home, nulls=nulls)
    return sync("mine", source=asked, home=home, policy=QUICK)


@pytest.mark.parametrize("running", [ssap_service, tap_service, file])
def test_they_are_null_counted_and_remembered(running: Running, tmp_path: Path) -> None:
    with running(tmp_path) as source:
        report = run(tmp_path, source, NULLS)
        catalog = open_catalog("mine", tmp_path)
        assert report.status == "complete"
        for name, cells in zip(NULLS, CELLS, strict=True):
            assert held(catalog, name) == expected(name)
            counted = re.search(rf"(\d+) cells of {name} held what was said to stand for a missing", report.words())
            assert counted is not None
            assert int(counted[1]) == cells
        again = run(tmp_path, None)
        assert again.status == "complete"
        catalog = open_catalog("mine", tmp_path)
        assert [held(catalog, name) for name in NULLS] == [expected(name) for name in NULLS]
        remembered = catalog.manifest["harvest"]["service"]["nulls"]
        assert {name: tuple(values) for name, values in remembered.items()} == NULLS


def test_cells_of_rows_that_come_twice_count_once(tmp_path: Path) -> None:
    with ssap_service(tmp_path) as source:
        asked = find_source("mine", source, home=tmp_path, nulls=NULLS)
        report = sync("mine", source=asked, home=tmp_path, policy=replace(QUICK, slice_rows=40, survey_rows=60))
    assert report.duplicates
    for name, cells in zip(NULLS, CELLS, strict=True):
        assert f" {cells} cells of {name} held" in report.words()


@pytest.mark.parametrize("running", [ssap_service, tap_service])
def test_other_values_than_before_fetch_all_rows(running: Running, tmp_path: Path) -> None:
    with running(tmp_path) as source:
        run(tmp_path, source)
        assert -9999 in held(open_catalog("mine", tmp_path), "obsid")
        report = run(tmp_path, None, {"obsid": ("-9999",)})
        assert report.status == "complete"
        catalog = open_catalog("mine", tmp_path)
        assert catalog.manifest["harvest"]["refresh_of"] is None
        assert held(catalog, "obsid") == expected("obsid")
        assert 99 in held(catalog, "ssa_snr")


@pytest.mark.parametrize("running", [ssap_service, tap_service, file])
@pytest.mark.parametrize(
    ("nulls", "says"),
    [
        ({"gone": ("1",)}, r"nulls\.gone: '1' is said of what is no column of the source"),
        ({"obsid": ("none",)}, r"nulls\.obsid: 'none' cannot be a value of a column of int64"),
    ],
)
def test_what_cannot_be_is_refused(
    running: Running, nulls: dict[str, tuple[str, ...]], says: str, tmp_path: Path
) -> None:
    with running(tmp_path) as source, pytest.raises(ParameterError, match=says):
        run(tmp_path, source, nulls)


def test_values_of_a_file_are_those_before_units_are_converted(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("mobsid,ra,dec,ssa_snr,ssa_specstart\na,1,2,-1,500\nb,3,4,5,-9999\n")
    asked = find_source(
        "lamost6-mrs",
        tmp_path / "rows.csv",
        home=tmp_path,
        units={"ssa_specstart": "nm"},
        nulls={"ssa_specstart": ("-9999",), "ssa_snr": ("-1",)},
    )
    sync("mine", source=asked, home=tmp_path)
    catalog = open_catalog("mine", tmp_path)
    assert held(catalog, "ssa_specstart") == [pytest.approx(5e-7), None]
    assert held(catalog, "ssa_snr") == [None, 5.0]
