"""The harvest of an SSAP service brings every row exactly once, or says that it did not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from ssap_mirror.errors import SourceError
from ssap_mirror.sources.progress import Silent
from ssap_mirror.sources.source import Harvest, RequestPolicy
from ssap_mirror.sources.ssap.source import SsapSource

from tests.support import fake_ssap
from tests.support.fake_ssap import FakeService

QUICK = RequestPolicy(attempts=2, first_wait_s=0.001, longest_wait_s=0.01, slice_rows=300, survey_rows=400)
ROWS = fake_ssap.rows(1900)


@pytest.fixture
def service() -> Iterator[FakeService]:
    with fake_ssap.running(FakeService(ROWS)) as running:
        yield running


def harvest(service: FakeService, staging: Path, policy: RequestPolicy = QUICK) -> tuple[Harvest, pa.Table]:
    """Harvest, and the rows with each identity once."""
    staging.mkdir(exist_ok=True)
    source = SsapSource(service.url, "Test spectra", policy=policy)
    found = source.harvest(staging, Silent())
    table = pa.Table.from_batches(list(found.batches()), schema=found.description.schema.arrow_schema())
    # Of several rows with one identity the last counts, as in a build.
    names = table.column("mobsid").to_numpy(zero_copy_only=False)[::-1]
    last = len(table) - 1 - np.unique(names, return_index=True)[1]
    return found, table.take(pa.array(last))


def assert_all_rows(table: pa.Table, rows: pa.Table = ROWS) -> None:
    expected = rows.sort_by("mobsid")
    assert table.column_names == expected.column_names
    for name in expected.column_names:
        assert table.column(name).to_pylist() == expected.column(name).to_pylist(), name


def sweeps(found: Harvest) -> dict[str, dict[str, int]]:
    return {sweep["name"]: sweep for sweep in found.record["sweeps"]}


def test_every_row_comes_those_without_date_or_position_too(service: FakeService, tmp_path: Path) -> None:
    found, table = harvest(service, tmp_path)
    assert found.verdict.complete
    assert found.rows == len(ROWS)
    assert_all_rows(table)
    undated = ROWS.column("ssa_dateObs").null_count
    assert found.record["rows_by_sweep"]["harvest"] == len(ROWS) - undated
    assert found.record["rows_by_sweep"]["fetch-1"] == undated - 3, "three rows have neither date nor position"
    assert found.record["rows_without_date"] == undated
    assert found.record["size_is_radius"]
    assert f"no row but these {len(ROWS):,}" in found.verdict.reasons[-1]


def test_columns_levels_and_parameters_are_described(service: FakeService, tmp_path: Path) -> None:
    description = harvest(service, tmp_path)[0].description
    levels = {column.name: column.verbosity for column in description.schema}
    assert levels["mobsid"] == levels["ssa_location"] == 10
    assert levels["ssa_snr"] == 20
    assert levels["mags"] == 30
    assert description.schema["mags"].unit == "mag"
    assert {"POS", "TIME", "SNR"} <= {parameter.name for parameter in description.parameters}
    assert b"<VOTABLE" in description.header


def test_levels_known_beforehand_are_kept(service: FakeService, tmp_path: Path) -> None:
    source = SsapSource(service.url, "Test", known=fake_ssap.columns(), policy=QUICK)
    schema = source.harvest(tmp_path, Silent()).description.schema
    assert [column.verbosity for column in schema] == [column.verbosity for column in fake_ssap.columns()]


def test_time_slices_are_planned_so_well_that_none_overflows(service: FakeService, tmp_path: Path) -> None:
    # A plate of a third of all rows has one date: no slice can be smaller, so the limit has to allow for it.
    found, _ = harvest(service, tmp_path, dataclasses.replace(QUICK, slice_rows=700))
    assert sweeps(found)["harvest"]["cuts"] == 0
    assert sweeps(found)["harvest"]["slices"] == 3


def test_a_date_with_more_rows_than_the_limit_is_had_with_a_higher_one(service: FakeService, tmp_path: Path) -> None:
    found, table = harvest(service, tmp_path, dataclasses.replace(QUICK, slice_rows=100))
    assert found.verdict.complete
    assert_all_rows(table)


def test_a_row_hidden_from_time_is_found_by_the_survey(service: FakeService, tmp_path: Path) -> None:
    hidden = 1500
    service.hides = lambda params, numbers: (numbers == hidden) & ("TIME" in params)
    found, table = harvest(service, tmp_path)
    assert found.verdict.complete
    assert_all_rows(table)
    undated = ROWS.column("ssa_dateObs").null_count
    assert found.record["rows_without_date"] == undated
    assert found.record["rows_by_sweep"]["harvest"] == len(ROWS) - undated - 1


def test_a_row_hidden_from_positions_comes_by_time(service: FakeService, tmp_path: Path) -> None:
    service.hides = lambda params, numbers: (numbers % 7 == 0) & ("POS" in params)
    found, table = harvest(service, tmp_path)
    assert found.verdict.complete
    assert_all_rows(table)


def test_a_row_that_is_seen_and_never_given_is_told(service: FakeService, tmp_path: Path) -> None:
    service.hides = lambda params, numbers: (numbers == 1500) & (params.get("VERB") == "3")
    found, _ = harvest(service, tmp_path)
    assert not found.verdict.complete
    assert found.rows == len(ROWS) - 1
    assert "1 rows were seen, but could not be fetched" in " ".join(found.verdict.reasons)


def test_diameters_are_asked_of_a_service_that_takes_diameters(service: FakeService, tmp_path: Path) -> None:
    service.size_is_radius = False
    found, table = harvest(service, tmp_path)
    assert not found.record["size_is_radius"]
    assert_all_rows(table)


@pytest.mark.parametrize(
    ("ignored", "first", "second"), [("TIME", "POS", "SNR"), ("POS", "TIME", "SNR"), ("SNR", "TIME", "POS")]
)
def test_parameters_that_a_service_does_not_look_at_are_not_relied_on(
    service: FakeService, tmp_path: Path, ignored: str, first: str, second: str
) -> None:
    service.ignores = (ignored,)
    found, table = harvest(service, tmp_path)
    assert found.verdict.complete
    assert_all_rows(table)
    assert f"the sweep by {first} gave" in found.verdict.reasons[0]
    parameters = [request for request in service.requests if request.get("VERB") == "1" and second in request]
    assert len(parameters) > 1


def test_a_service_that_obeys_nothing_is_asked_for_everything(service: FakeService, tmp_path: Path) -> None:
    service.ignores = ("TIME", "POS", "SNR")
    found, table = harvest(service, tmp_path)
    assert found.verdict.complete
    assert_all_rows(table)


def test_a_service_without_binary2_is_read_as_tabledata(service: FakeService, tmp_path: Path) -> None:
    service.binary2 = False
    found, table = harvest(service, tmp_path)
    assert found.rows == len(ROWS)
    # TABLEDATA writes NULL floats as NaN.
    assert table.column("mobsid").to_pylist() == ROWS.sort_by("mobsid").column("mobsid").to_pylist()
    assert not any("BINARY2" in request.get("RESPONSEFORMAT", "") for request in service.requests[3:])


@pytest.mark.parametrize("limit", [150, 1000])
def test_a_limit_that_the_service_does_not_tell_of_is_found_out(
    service: FakeService, tmp_path: Path, limit: int
) -> None:
    service.silent_limit = limit
    found, table = harvest(service, tmp_path, dataclasses.replace(QUICK, slice_rows=1000, survey_rows=5000))
    assert f"cuts its answers at {limit:,} rows" in " ".join(found.verdict.reasons)
    assert found.verdict.complete
    assert "ranges of TIME that cannot be cut have more rows" in " ".join(found.verdict.reasons) or limit > 700
    # Some rows have neither position nor SNR, and no date, or that of the plate that has to be divided by the sky.
    blind = [
        row["mobsid"]
        for row in ROWS.to_pylist()
        if row["ssa_location"] is None
        and row["ssa_snr"] is None
        and row["ssa_dateObs"] in (None, *([58050.25] if limit < 700 else []))
    ]
    assert_all_rows(table, ROWS.filter(pc.invert(pc.is_in(ROWS.column("mobsid"), pa.array(blind, pa.string())))))
    assert "would be missed" in found.verdict.reasons[-1]


def test_a_service_that_wants_a_position_is_swept_by_position(service: FakeService, tmp_path: Path) -> None:
    service.needs_position = True
    found, table = harvest(service, tmp_path)
    assert found.verdict.status == "not proven"  # rows without a position, if there are any, cannot be had
    assert "no third parameter" in found.verdict.reasons[-1]
    assert "the sweep by POS gave" in found.verdict.reasons[0]
    assert_all_rows(table, ROWS.filter(ROWS.column("ssa_location").is_valid()))


def test_slices_that_take_too_long_are_cut(service: FakeService, tmp_path: Path) -> None:
    service.too_slow = lambda params, matches: matches > 250 and "POS" in params
    found, table = harvest(service, tmp_path)
    assert sweeps(found)["survey-POS"]["cuts"] > 0
    assert_all_rows(table)


def test_a_table_too_large_to_ask_for_as_a_whole_is_swept_by_a_third_parameter(
    service: FakeService, tmp_path: Path
) -> None:
    found, table = harvest(service, tmp_path, dataclasses.replace(QUICK, whole_table_rows=100))
    assert "survey-SNR" in sweeps(found)
    assert "survey-whole" not in sweeps(found)
    assert "no sweep by POS, TIME, SNR can see" in found.verdict.reasons[-1]
    without = [
        row["mobsid"]
        for row in ROWS.to_pylist()
        if row["ssa_dateObs"] is None and row["ssa_location"] is None and row["ssa_snr"] is None
    ]
    assert found.rows == len(ROWS) - len(without)
    assert set(table.column("mobsid").to_pylist()) == set(ROWS.column("mobsid").to_pylist()) - set(without)


def test_an_identity_that_several_rows_share_is_none(tmp_path: Path) -> None:
    shared = ROWS.set_column(1, ROWS.schema.field("mobsid"), pa.array(["the same"] * len(ROWS)))
    with fake_ssap.running(FakeService(shared)) as service:
        staging = tmp_path / "staging"
        staging.mkdir()
        found = SsapSource(service.url, "Test", policy=QUICK).harvest(staging, Silent())
    assert found.record["identity"] == "accref"
    assert found.description.schema.role("identity").name == "accref"
    assert found.rows == len(ROWS)


def test_a_finished_harvest_asks_for_nothing_again(service: FakeService, tmp_path: Path) -> None:
    found, _ = harvest(service, tmp_path)
    asked = len(service.requests)
    again, table = harvest(service, tmp_path)
    assert len(service.requests) - asked <= 18, "only what the service can do is asked for again"
    assert again.rows == found.rows
    assert_all_rows(table)


def test_an_answer_that_was_altered_on_disk_is_fetched_again(service: FakeService, tmp_path: Path) -> None:
    harvest(service, tmp_path)
    victim = sorted((tmp_path / "answers").iterdir())[-5]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    assert_all_rows(harvest(service, tmp_path)[1])


def test_a_harvest_that_fails_goes_on_where_it_stopped(service: FakeService, tmp_path: Path) -> None:
    healthy = service.answer
    service.too_slow = lambda params, matches: "TIME" in params and params["VERB"] == "3"
    with pytest.raises(SourceError, match=r"of the sweep .harvest.* could not be had"):
        harvest(service, tmp_path)
    surveyed = sum("POS" in request for request in service.requests)
    service.too_slow = lambda params, matches: False
    found, table = harvest(service, tmp_path)
    assert healthy is not None
    assert_all_rows(table)
    again = sum("POS" in request and request.get("VERB") == "1" for request in service.requests) - surveyed
    assert again <= 3, "the survey is not repeated"
    assert found.verdict.complete


@pytest.fixture
def changing(service: FakeService) -> Callable[[pa.Table], None]:
    """Have the service's table replaced when the first full rows have been asked for."""

    def change(table: pa.Table) -> None:
        def before(params: dict[str, str]) -> None:
            if sum(request.get("VERB") == "3" and "TIME" in request for request in service.requests) == 4:
                service.table = table

        service.before = before

    return change


def test_rows_that_change_meanwhile_are_fetched_as_they_are_now(
    service: FakeService, changing: Callable[[pa.Table], None], tmp_path: Path
) -> None:
    dates = ROWS.column("ssa_dateObs").to_numpy().copy()
    dates[1000:1010] = 58055.125
    changed = ROWS.set_column(5, ROWS.schema.field(5), pa.array(dates, from_pandas=True))
    changing(changed)
    found, table = harvest(service, tmp_path)
    assert found.verdict.complete
    assert "rows changed" in " ".join(found.verdict.reasons)
    assert_all_rows(table, changed)


def test_rows_that_come_meanwhile_are_found(
    service: FakeService, changing: Callable[[pa.Table], None], tmp_path: Path
) -> None:
    service.table = ROWS.slice(0, 1850)
    changing(ROWS)
    found, table = harvest(service, tmp_path)
    assert found.verdict.complete
    assert_all_rows(table)


def test_rows_that_go_meanwhile_are_left_out(
    service: FakeService, changing: Callable[[pa.Table], None], tmp_path: Path
) -> None:
    rest = ROWS.slice(40)
    changing(rest)
    found, table = harvest(service, tmp_path)
    assert found.verdict.complete
    assert found.rows == len(rest)
    assert_all_rows(table, rest)


def test_a_table_that_never_rests_is_not_called_complete(service: FakeService, tmp_path: Path) -> None:
    def before(params: dict[str, str]) -> None:
        if params.get("VERB") == "3":
            dates = service.table.column("ssa_dateObs").to_numpy() + 1e-3
            service.table = ROWS.set_column(5, ROWS.schema.field(5), pa.array(dates, from_pandas=True))

    service.before = before
    found, _ = harvest(service, tmp_path, dataclasses.replace(QUICK, slice_rows=1000, survey_rows=2000))
    assert not found.verdict.complete
    assert "did not come to rest" in " ".join(found.verdict.reasons)


def test_an_identity_that_fails_only_in_the_whole_table_is_given_up(tmp_path: Path) -> None:
    # The sample of 2,000 rows shows nothing; two rows of the table share an identity.
    table = fake_ssap.rows(2600, seed=4)
    names = table.column("mobsid").to_pylist()
    one, other = 10, 11
    names[one] = names[other]
    table = table.set_column(1, table.schema.field("mobsid"), pa.array(names))
    with fake_ssap.running(FakeService(table)) as service:
        service.hides = lambda params, numbers: (numbers == one) & (params["MAXREC"] == "2000")
        source = SsapSource(service.url, "Test", policy=dataclasses.replace(QUICK, slice_rows=1100, survey_rows=2500))
        found = source.harvest(tmp_path, Silent())
    assert found.rows == 2600
    assert found.record["identity"] is None
    assert "does not tell rows apart" in " ".join(found.verdict.reasons)
