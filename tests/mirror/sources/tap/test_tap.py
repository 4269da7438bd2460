"""The harvest of a TAP service brings every row once, proven by the server's own counts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.errors import ParameterError, SourceError
from ssap_mirror.pipeline.address import TapAddress
from ssap_mirror.pipeline.sync import sync
from ssap_mirror.sources.progress import Silent
from ssap_mirror.sources.source import Harvest, RequestPolicy
from ssap_mirror.sources.tap.source import TapSource

from tests.support import fake_ssap, fake_tap
from tests.support.fake_tap import FakeTap

QUICK = RequestPolicy(attempts=3, first_wait_s=0.001, longest_wait_s=0.01, first_poll_s=0.001, job_rows=150)
ROWS = fake_ssap.rows(1000, seed=21)


@pytest.fixture
def service() -> Iterator[FakeTap]:
    with fake_tap.running(FakeTap(ROWS)) as running:
        yield running


def harvest(service: FakeTap, staging: Path, policy: RequestPolicy = QUICK) -> tuple[Harvest, pa.Table]:
    staging.mkdir(exist_ok=True)
    source = TapSource(service.url, "spectra.lrs", "Test spectra", policy)
    found = source.harvest(staging, Silent())
    return found, pa.Table.from_batches(list(found.batches()), schema=found.description.schema.arrow_schema())


def assert_all_rows(table: pa.Table, rows: pa.Table = ROWS) -> None:
    found, expected = table.sort_by("mobsid"), rows.sort_by("mobsid")
    for name in expected.column_names:
        assert found.column(name).to_pylist() == expected.column(name).to_pylist(), name


def test_every_row_comes_once_those_without_a_key_too(service: FakeTap, tmp_path: Path) -> None:
    found, table = harvest(service, tmp_path)
    assert found.verdict.complete
    assert found.rows == len(table) == len(ROWS)
    assert_all_rows(table)
    assert ROWS.column("obsid").null_count > 10
    assert found.record["sweeps"][0]["slices"] >= 8
    assert f"was {len(ROWS):,} before and is {len(ROWS):,} now" in found.verdict.reasons[0]


def test_jobs_are_polite(service: FakeTap, tmp_path: Path) -> None:
    harvest(service, tmp_path)
    assert service.made >= 8
    assert service.jobs == {}, "all were deleted"
    jobs = [query for query in service.queries if query.startswith("SELECT * FROM spectra.")]
    assert len(jobs) == service.made
    assert not any("OFFSET" in query for query in service.queries)
    bounds = re.findall(r"obsid >= (\S+)", " ".join(jobs))
    assert all(bound.isdigit() for bound in bounds), "integers are compared with integers"


def test_the_columns_are_those_of_the_table(service: FakeTap, tmp_path: Path) -> None:
    schema = harvest(service, tmp_path)[0].description.schema
    assert schema.names == tuple(ROWS.column_names)
    assert schema.roles["identity"] == "mobsid"
    assert schema["ssa_location"].unit == "deg"
    assert (schema["mobsid"].verbosity, schema["ssa_snr"].verbosity, schema["mags"].verbosity) == (10, 20, 30)


def test_real_numbers_are_cut_too_and_nan_is_not_lost(tmp_path: Path) -> None:
    dates = ROWS.column("ssa_dateObs").to_pylist()
    dates[50:60] = [float("nan")] * 10
    table = ROWS.set_column(5, ROWS.schema.field(5), pa.array(dates, pa.float64()))
    with fake_tap.running(FakeTap(table, indexed=("ssa_dateObs",))) as service:
        found, rows = harvest(service, tmp_path)
    assert found.verdict.complete
    assert found.record["sweeps"][0]["slices"] > 4
    assert rows.num_rows == len(table)
    values = np.array([np.nan if value is None else value for value in rows.column("ssa_dateObs").to_pylist()])
    assert np.isnan(values).sum() == 10 + ROWS.column("ssa_dateObs").null_count


def test_values_that_crowd_are_not_cut_for_ever(tmp_path: Path) -> None:
    # No range parts equal values: all of them are in one job, however many they are.
    snr = [0.0] * 500 + [number / 500 for number in range(400)] + [None] * 100
    table = ROWS.set_column(ROWS.schema.get_field_index("ssa_snr"), ROWS.schema.field("ssa_snr"), pa.array(snr, "f4"))
    with fake_tap.running(FakeTap(table, indexed=("ssa_snr",))) as service:
        found, rows = harvest(service, tmp_path)
        assert len(service.queries) < 120
    assert found.verdict.complete
    assert_all_rows(rows, table)


def test_a_large_table_without_an_index_is_cut_all_the_same(tmp_path: Path) -> None:
    with fake_tap.running(FakeTap(ROWS, indexed=())) as service:
        found, table = harvest(service, tmp_path)
    assert found.record["sweeps"][0]["slices"] >= 8
    assert_all_rows(table)


def test_what_tap_schema_says_of_a_column_is_kept(service: FakeTap, tmp_path: Path) -> None:
    schema = harvest(service, tmp_path)[0].description.schema
    assert ROWS.schema.field("obsid").metadata.get(b"description") is None
    assert schema["obsid"].description == "About obsid"


def test_names_are_spelled_as_tap_schema_spells_them(tmp_path: Path) -> None:
    names = ["Order" if name == "obsid" else name for name in ROWS.column_names]
    table = ROWS.rename_columns(names)
    with fake_tap.running(FakeTap(table, indexed=("Order",), spelled={"Order": '"Order"'})) as service:
        source = TapSource(service.url, 'spectra."lrs"', "Test", QUICK)
        found = source.harvest(tmp_path, Silent())
    assert found.rows == len(ROWS)
    jobs = [query for query in service.queries if query.startswith("SELECT * FROM spectra.")]
    assert len(jobs) >= 8
    assert all('"Order" ' in query and 'FROM spectra."lrs"' in query for query in jobs)


@pytest.mark.parametrize("indexed", [(), ("accref",), ("mags",)])
def test_a_small_table_without_a_useful_index_comes_in_one_job(indexed: tuple[str, ...], tmp_path: Path) -> None:
    with fake_tap.running(FakeTap(ROWS, indexed=indexed)) as service:
        found, table = harvest(service, tmp_path, dataclasses.replace(QUICK, job_rows=600))
    assert service.made == 1
    assert found.verdict.complete
    assert_all_rows(table)


def test_a_job_that_takes_too_long_is_cut(service: FakeTap, tmp_path: Path) -> None:
    bounds = []

    def fails(query: str) -> str:
        between = re.findall(r"obsid >= (\d+) AND obsid < (\d+)", query)
        if between and int(between[0][1]) - int(between[0][0]) > 2**56:
            bounds.append(between[0])
            return "Query timed out (took too long)."
        return ""

    service.fails = fails
    found, table = harvest(service, tmp_path)
    assert bounds
    assert found.record["sweeps"][0]["cuts"] > 0
    assert_all_rows(table)
    assert service.jobs == {}


def test_a_harvest_that_is_interrupted_leaves_no_job_behind(service: FakeTap, tmp_path: Path) -> None:
    class Impatient(Silent):
        def advance(self, rows: int = 0, size: int = 0, slices: int = 0) -> None:
            raise KeyboardInterrupt

    finished: list[str] = []

    def holds(query: str) -> bool:
        if not finished and service.made >= 2:
            finished.append(query)
        return query not in finished

    service.holds = holds
    with pytest.raises(KeyboardInterrupt):
        TapSource(service.url, "spectra.lrs", "Test", QUICK).harvest(tmp_path, Impatient())
    assert service.made >= 2
    assert service.jobs == {}


def test_a_job_that_the_server_ends_is_cut(service: FakeTap, tmp_path: Path) -> None:
    ended = []

    def aborts(query: str) -> bool:
        if "IS NULL" not in query and not ended:
            ended.append(query)
        return query in ended

    service.aborts = aborts
    found, table = harvest(service, tmp_path)
    assert found.record["sweeps"][0]["cuts"] == 1
    assert found.record["retries"] == 0, "the same question would take as long again"
    assert_all_rows(table)
    assert service.jobs == {}


def test_a_service_that_makes_no_jobs(service: FakeTap, tmp_path: Path) -> None:
    service.refuses_jobs = True
    with pytest.raises(SourceError, match="made no job"):
        harvest(service, tmp_path)


def test_a_job_that_gives_fewer_rows_than_counted_is_run_again(service: FakeTap, tmp_path: Path) -> None:
    spoiled = []

    def spoils(query: str, result: pa.Table) -> pa.Table:
        if query not in spoiled:
            spoiled.append(query)
            return result.slice(0, max(len(result) - 1, 0))
        return result

    service.spoils = spoils
    found, table = harvest(service, tmp_path)
    assert found.record["retries"] >= 8
    assert_all_rows(table)


def test_a_job_that_always_gives_fewer_rows_is_an_error(service: FakeTap, tmp_path: Path) -> None:
    service.spoils = lambda query, result: result.slice(1)
    with pytest.raises(SourceError, match=r"could not be had.*the server counts"):
        harvest(service, tmp_path)
    assert service.jobs == {}


def test_a_harvest_that_failed_goes_on(service: FakeTap, tmp_path: Path) -> None:
    service.fails = lambda query: "disk failure" if "IS NULL" in query else ""
    with pytest.raises(SourceError, match="disk failure"):
        harvest(service, tmp_path)
    made = service.made
    service.fails = lambda query: ""
    found, table = harvest(service, tmp_path)
    assert_all_rows(table)
    assert service.made - made <= 5, "only what was not answered"
    assert found.verdict.complete


def test_a_table_that_grows_meanwhile_is_not_called_complete(service: FakeTap, tmp_path: Path) -> None:
    service.table = ROWS.slice(0, 990)

    def before(query: str) -> None:
        if service.made >= 9:
            service.table = ROWS

    service.before = before
    found, _ = harvest(service, tmp_path)
    assert not found.verdict.complete
    assert "must have changed" in found.verdict.reasons[-1]


def test_no_such_table(service: FakeTap, tmp_path: Path) -> None:
    source = TapSource(service.url, "spectra.nowhere", "Test", QUICK)
    with pytest.raises(SourceError, match=r"does not give the table spectra\.nowhere"):
        source.harvest(tmp_path, Silent())


@pytest.mark.parametrize("table", ["", "a b", "x; DROP TABLE y", "a.b.c.d", "t' OR '1'='1", '"open', '""', 'a."b" c'])
def test_what_is_no_table_is_not_asked_for(service: FakeTap, tmp_path: Path, table: str) -> None:
    with pytest.raises(ParameterError, match="table: "):
        TapSource(service.url, table, "Test", QUICK).harvest(tmp_path, Silent())
    assert service.queries == []


def test_an_estimate_costs_a_count(service: FakeTap, tmp_path: Path) -> None:
    estimate = TapSource(service.url, "spectra.lrs", "Test", QUICK).estimate(tmp_path, Silent())
    assert estimate.rows == len(ROWS)
    assert service.made == 0


def test_a_mirror_is_made_of_it(service: FakeTap, tmp_path: Path) -> None:
    report = sync("lrs", source=TapAddress(service.url, "spectra.lrs"), home=tmp_path, policy=QUICK)
    assert report.complete
    catalog = open_catalog("lrs", tmp_path)
    assert catalog.manifest["source"]["kind"] == "tap"
    names = list(ROWS.column_names)
    assert_all_rows(pa.concat_tables(pq.read_table(path, columns=names) for path in catalog.files))


def test_the_tables_of_one_service_are_not_mixed_up(service: FakeTap, tmp_path: Path) -> None:
    service.fails = lambda query: "disk failure" if "IS NULL" in query else ""
    with pytest.raises(SourceError, match="disk failure"):
        sync("lrs", source=f"{service.url}#spectra.lrs", home=tmp_path, policy=QUICK)
    service.fails = lambda query: ""
    report = sync("lrs", source=f"{service.url}#spectra.few", home=tmp_path, policy=QUICK)
    assert (report.rows, report.complete) == (300, True)
    assert open_catalog("lrs", tmp_path).manifest["source"]["url"] == f"{service.url}#spectra.few"


@pytest.mark.parametrize("indexed", ["first", "obsid"])
def test_columns_whose_names_differ_in_case_alone_are_two(tmp_path: Path, indexed: str) -> None:
    numbers = np.arange(len(ROWS))
    table = ROWS.append_column("first", pa.array(numbers)).append_column("second", pa.array(-2.0 * numbers))
    alike = {"first": "Rmag", "second": "rmag"}
    with fake_tap.running(FakeTap(table, indexed=(indexed,), alike=alike)) as service:
        found, rows = harvest(service, tmp_path)
        asked = " ".join(service.queries)
    assert found.verdict.complete
    assert found.record["sweeps"][0]["slices"] >= 8
    assert_all_rows(rows)
    schema = found.description.schema
    assert [(name, schema[name].source_name) for name in schema.names[-2:]] == [("Rmag_1", "Rmag"), ("rmag_2", "rmag")]
    assert schema["Rmag_1"].description == "About first"
    assert schema["rmag_2"].description == "About second"
    expected, rows = table.sort_by("mobsid"), rows.sort_by("mobsid")
    assert rows.column("Rmag_1").to_pylist() == expected.column("first").to_pylist()
    assert rows.column("rmag_2").to_pylist() == expected.column("second").to_pylist()
    assert ('"Rmag" >=' in asked) == (indexed == "first")
    assert any("differ in case alone" in note and "Rmag is called Rmag_1" in note for note in found.description.notes)
