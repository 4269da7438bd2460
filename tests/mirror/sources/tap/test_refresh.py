"""A second sync of a TAP table fetches what changed, and the snapshot is as if everything had been fetched."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.errors import SourceError
from ssap_mirror.pipeline.sync import SyncOptions, SyncReport, sync
from ssap_mirror.sources.harvest.slices import Slice
from ssap_mirror.sources.source import RequestPolicy
from ssap_mirror.sources.tap.ranges import ranges_around

from tests.support import fake_ssap, fake_tap, held
from tests.support.fake_tap import FakeTap

QUICK = RequestPolicy(
    attempts=2, first_wait_s=0.001, longest_wait_s=0.01, first_poll_s=0.001, job_rows=150, job_cost_rows=50
)
ROWS = fake_ssap.rows(2000, seed=31)
MORE = fake_ssap.rows(2030, seed=32).slice(2000)


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeTap, Path, SyncReport]]:
    """A service, a home with a mirror of it, and what it took."""
    home = tmp_path_factory.mktemp("home")
    with fake_tap.running(FakeTap(ROWS)) as running:
        report = refresh(running, home)
        assert report.complete
        yield running, home, report


@pytest.fixture
def service(mirrored: tuple[FakeTap, Path, SyncReport], tmp_path: Path) -> Iterator[FakeTap]:
    """The service, with the mirror of it in `tmp_path`; what was asked so far is forgotten."""
    running, home, _ = mirrored
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    running.queries.clear()
    yield running
    running.table, running.fails, running.before = ROWS, lambda query: "", lambda query: None
    assert running.jobs == {}


def refresh(
    service: FakeTap, home: Path, *, full: bool = False, restart: bool = False, full_sample: int = 0
) -> SyncReport:
    source, policy = f"{service.url}#spectra.lrs", replace(QUICK, full_sample=full_sample)
    return sync("test", source=source, home=home, policy=policy, options=SyncOptions(full=full, restart=restart))


def assert_holds(home: Path, rows: pa.Table) -> None:
    assert list(open_catalog("test", home).schema.names) == rows.column_names
    held.assert_holds(home, rows, "accref")


def replaced(rows: pa.Table, name: str, at: slice, values: list[object]) -> pa.Table:
    column = rows.column(name).to_pylist()
    column[at] = values
    number = rows.schema.get_field_index(name)
    return rows.set_column(number, rows.schema.field(name), pa.array(column, rows.schema.field(name).type))


def with_other_magnitudes(at: slice) -> pa.Table:
    """Other arrays, which have no average, in a column that no survey sees."""
    return replaced(ROWS, "mags", at, [[1.0, 2.0, 3.0]] * len(ROWS.column("mags").to_pylist()[at]))


def full_jobs(service: FakeTap) -> list[str]:
    return [query for query in service.queries if query.startswith("SELECT * FROM spectra.")]


def refresh_of(home: Path) -> str | None:
    found: str | None = open_catalog("test", home).manifest["harvest"]["refresh_of"]
    return found


def test_nothing_changed(service: FakeTap, mirrored: tuple[FakeTap, Path, SyncReport], tmp_path: Path) -> None:
    before, first = open_catalog("test", tmp_path), mirrored[2]
    report = refresh(service, tmp_path)
    assert report.complete
    assert full_jobs(service) == []
    assert report.requests < first.requests / 2
    assert report.bytes < first.bytes / 2
    assert "0 rows are new, 0 were fetched again" in report.reasons[0]
    assert refresh_of(tmp_path) == before.path.name
    after = open_catalog("test", tmp_path)
    assert [path.stat().st_ino for path in after.files] == [path.stat().st_ino for path in before.files], "hard links"
    assert_holds(tmp_path, ROWS)


def test_rows_come_go_and_change(service: FakeTap, tmp_path: Path) -> None:
    changed = replaced(ROWS.slice(20), "ssa_dateObs", slice(500, 510), [58333.5] * 10)
    service.table = pa.concat_tables([changed, MORE]).combine_chunks()
    report = refresh(service, tmp_path)
    assert report.complete
    assert "30 rows are new" in report.reasons[0]
    assert "20 rows are no longer in the table, and are left out" in report.reasons
    record = open_catalog("test", tmp_path).manifest["harvest"]
    assert record["rows_removed"] == 20
    assert [sweep["name"] for sweep in record["sweeps"]] == ["survey", "fetch-1"]
    assert record["sweeps"][1]["rows"] < 1600
    assert_holds(tmp_path, service.table)


def test_one_row_that_changed_is_fetched_alone(service: FakeTap, tmp_path: Path) -> None:
    service.table = replaced(ROWS, "accref", slice(700, 701), ["http://example.org/moved"])
    report = refresh(service, tmp_path)
    assert report.complete
    assert "0 rows are new, 1 were fetched again" in report.reasons[0]
    assert len(full_jobs(service)) == 1
    assert_holds(tmp_path, service.table)


def test_a_row_without_a_value_of_the_index_is_found_too(service: FakeTap, tmp_path: Path) -> None:
    at = ROWS.column("obsid").to_pylist().index(None)
    service.table = replaced(ROWS, "accref", slice(at, at + 1), ["http://example.org/moved"])
    assert refresh(service, tmp_path).complete
    assert ["IS NULL" in query for query in full_jobs(service)] == [True]
    assert_holds(tmp_path, service.table)


def test_numbers_that_no_survey_sees_show_in_their_averages(service: FakeTap, tmp_path: Path) -> None:
    service.table = replaced(ROWS, "ssa_snr", slice(100, 110), [1.5] * 10)
    report = refresh(service, tmp_path)
    assert report.complete
    assert refresh_of(tmp_path) is None, "then all rows are fetched"
    assert_holds(tmp_path, service.table)
    assert any("averages of 6 columns are those of the rows at hand" in reason for reason in report.reasons)


def test_what_neither_survey_nor_average_sees_needs_a_full_sync(service: FakeTap, tmp_path: Path) -> None:
    service.table = with_other_magnitudes(slice(100, 110))
    report = refresh(service, tmp_path)
    assert report.complete
    assert_holds(tmp_path, ROWS)
    assert report.caveats == (report.reasons[1],)
    assert (
        "3 columns of rows that look as before were not compared (--full compares all)" in report.words().split("\n")[0]
    )
    assert refresh(service, tmp_path, full=True).complete
    assert refresh_of(tmp_path) is None
    assert_holds(tmp_path, service.table)


def test_a_sample_of_whole_rows_shows_what_no_survey_sees(service: FakeTap, tmp_path: Path) -> None:
    report = refresh(service, tmp_path, full_sample=30)
    assert report.complete
    assert any("30 of them picked at random, are as they were" in reason for reason in report.reasons)
    assert refresh_of(tmp_path) is not None
    service.table = with_other_magnitudes(slice(None, None, 2))
    assert refresh(service, tmp_path, full_sample=30).complete
    assert refresh_of(tmp_path) is None, "one that differs means that all are fetched"
    assert_holds(tmp_path, service.table)


def test_a_date_of_publication_shows_what_else_changed(service: FakeTap, tmp_path: Path) -> None:
    changed = replaced(ROWS, "ssa_snr", slice(100, 110), [1.5] * 10)
    service.table = replaced(changed, "ssa_pdate", slice(100, 110), ["2026-01-01T00:00:00"] * 10)
    assert refresh(service, tmp_path).complete
    assert refresh_of(tmp_path) is not None
    assert_holds(tmp_path, service.table)


def test_other_columns_mean_that_all_is_fetched(service: FakeTap, tmp_path: Path) -> None:
    service.table = ROWS.drop_columns("mags")
    assert refresh(service, tmp_path).complete
    assert refresh_of(tmp_path) is None
    assert_holds(tmp_path, service.table)


def test_much_that_changed_means_that_all_is_fetched(service: FakeTap, tmp_path: Path) -> None:
    service.table = replaced(ROWS, "accref", slice(0, 1000), [f"http://example.org/{i}" for i in range(1000)])
    report = refresh(service, tmp_path)
    assert report.complete
    assert refresh_of(tmp_path) is None
    assert [sweep["name"] for sweep in open_catalog("test", tmp_path).manifest["harvest"]["sweeps"]] == [
        "survey",
        "jobs",
        "again",
    ]
    assert_holds(tmp_path, service.table)


def test_a_row_without_an_identity_means_that_all_is_fetched(service: FakeTap, tmp_path: Path) -> None:
    service.table = replaced(ROWS, "mobsid", slice(1999, 2000), [None])
    assert refresh(service, tmp_path).complete
    assert refresh_of(tmp_path) is None
    assert_holds(tmp_path, service.table)


def test_an_identity_that_two_rows_have_is_not_refreshed_by(service: FakeTap, tmp_path: Path) -> None:
    service.table = replaced(ROWS, "mobsid", slice(1999, 2000), [ROWS.column("mobsid")[1500].as_py()])
    assert refresh(service, tmp_path).complete
    assert refresh_of(tmp_path) is None
    assert open_catalog("test", tmp_path).manifest["harvest"]["identity"] == "accref"
    assert_holds(tmp_path, service.table)


@pytest.mark.parametrize("sweep", ["survey", "fetch"])
def test_a_refresh_that_fails_goes_on(sweep: str, service: FakeTap, tmp_path: Path) -> None:
    changed = replaced(ROWS, "ssa_dateObs", slice(500, 540), [58333.5] * 40)
    service.table = replaced(changed, "accref", slice(0, 1), ["http://example.org/moved"])
    full = sweep == "fetch"
    asked = itertools.count()

    def fails(query: str) -> str:
        return "disk failure" if query.startswith("SELECT * FROM spectra.") is full and next(asked) > 0 else ""

    service.fails = fails
    with pytest.raises(SourceError, match="disk failure"):
        refresh(service, tmp_path)
    assert_holds(tmp_path, ROWS)
    done = len([query for query in service.queries if query.startswith("SELECT accref")])
    service.fails = lambda query: ""
    service.queries.clear()
    assert refresh(service, tmp_path).complete
    surveyed = [query for query in service.queries if query.startswith("SELECT accref")]
    assert len(surveyed) < done or (full and surveyed == [])
    assert_holds(tmp_path, service.table)


def test_a_table_that_changes_meanwhile_is_not_called_complete(service: FakeTap, tmp_path: Path) -> None:
    service.table = replaced(ROWS, "accref", slice(700, 701), ["http://example.org/moved"])
    later = pa.concat_tables([service.table, MORE]).combine_chunks()

    def before(query: str) -> None:
        if query.startswith("SELECT * FROM spectra."):
            service.table = later

    service.before = before
    report = refresh(service, tmp_path)
    assert not report.complete
    assert report.snapshot is None
    assert "must have changed meanwhile" in report.reasons[-1]
    assert_holds(tmp_path, ROWS)
    assert refresh(service, tmp_path, restart=True).complete
    assert_holds(tmp_path, later)


def test_a_table_that_lost_most_rows_is_not_believed(service: FakeTap, tmp_path: Path) -> None:
    service.table = ROWS.slice(1500)
    report = refresh(service, tmp_path)
    assert not report.complete
    assert_holds(tmp_path, ROWS)


def test_an_estimate_is_of_what_changed(service: FakeTap, tmp_path: Path) -> None:
    service.table = pa.concat_tables([ROWS, MORE]).combine_chunks()
    source = f"{service.url}#spectra.lrs"
    report = sync("test", source=source, home=tmp_path, policy=QUICK, options=SyncOptions(dry_run=True))
    assert report.estimate is not None
    assert report.estimate.rows == 30
    surveyed = len(service.queries)
    assert refresh(service, tmp_path).complete
    assert not any(query.startswith("SELECT accref") for query in service.queries[surveyed:]), "it is kept"
    assert_holds(tmp_path, service.table)


def test_another_table_of_the_service_is_not_refreshed_from(service: FakeTap, tmp_path: Path) -> None:
    options = SyncOptions(allow_shrink=True)
    assert sync("test", source=f"{service.url}#spectra.few", home=tmp_path, policy=QUICK, options=options).complete
    assert refresh_of(tmp_path) is None
    assert_holds(tmp_path, ROWS.slice(0, 300))


def holds(slice_: Slice, value: float | None) -> bool:
    """Whether a slice has a row of this value, as a server sees it that has NaN above all numbers."""
    if slice_.null is not None or value is None:
        return slice_.null is not None and value is None
    assert slice_.range is not None
    value = np.inf if value != value else value
    low, high = slice_.range.start, slice_.range.stop
    return (low is None or value >= low) and (high is None or value < high)


@pytest.mark.parametrize("kind", ["int64", "float32", "float64"])
def test_ranges_hold_all_rows_that_are_wanted(kind: str) -> None:
    rng = np.random.default_rng(5)
    for _ in range(100):
        count = int(rng.integers(1, 60))
        numbers = rng.integers(2**60, 2**60 + 40, count) if kind == "int64" else rng.normal(0, 1, count).astype(kind)
        values: list[float | None] = numbers.tolist()
        for at in rng.integers(0, count, count // 10):
            values[at] = None if rng.random() < 0.5 or kind == "int64" else float("nan")
        wanted = rng.random(count) < rng.choice([0.02, 0.3, 1.0])
        cost, slices = ranges_around("x", pa.array(values, kind), wanted, 50)
        asked = [sum(holds(slice_, value) for slice_ in slices) for value in values]
        assert all(times == 1 for times, row in zip(asked, wanted, strict=True) if row)
        if not any(value != value for value in values):
            assert cost == sum(asked) + 50 * len(slices)
