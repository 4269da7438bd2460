"""Each sweep asks for what it is for, tells the audit, and is not repeated."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ssap_mirror.sources.harvest.audit import AUDIT, Audit
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.harvest.journal import Journal
from ssap_mirror.sources.harvest.ledger import ANSWERS, JOURNAL, Ledger
from ssap_mirror.sources.progress import Silent
from ssap_mirror.sources.source import RequestPolicy
from ssap_mirror.sources.ssap.endpoint import Endpoint
from ssap_mirror.sources.ssap.probe import probe
from ssap_mirror.sources.ssap.sweeps import Sweeps, is_survey
from ssap_mirror.sources.ssap.third_sweep import ThirdSweep

from tests.support import fake_ssap
from tests.support.fake_ssap import FakeService

QUICK = RequestPolicy(attempts=2, first_wait_s=0.001, longest_wait_s=0.01, slice_rows=300, survey_rows=400)
ROWS = fake_ssap.rows(900, seed=8)
PLACED = len(ROWS) - ROWS.column("ssa_location").null_count
DATED = len(ROWS) - ROWS.column("ssa_dateObs").null_count
DATED_OR_PLACED = sum(row["ssa_dateObs"] is not None or row["ssa_location"] is not None for row in ROWS.to_pylist())


@pytest.fixture
def service() -> Iterator[FakeService]:
    with fake_ssap.running(FakeService(ROWS)) as running:
        yield running


@pytest.fixture
def opened(service: FakeService, tmp_path: Path) -> Iterator[Callable[[RequestPolicy], Sweeps]]:
    """Opens sweeps over one staging folder, as a new process would; what was asked so far is forgotten."""
    with contextlib.ExitStack() as stack:

        def open_sweeps(policy: RequestPolicy = QUICK) -> Sweeps:
            stack.close()
            client = stack.enter_context(contextlib.closing(Client(policy)))
            found = probe(Endpoint(service.url, client, tmp_path), None, "Test")
            ledger = Ledger(stack.enter_context(Journal(tmp_path / JOURNAL)), tmp_path / ANSWERS)
            audit = Audit(tmp_path / AUDIT, found.description.schema, "mobsid", found.traits.survey_columns)
            stack.enter_context(audit)
            for answer in ledger.answers():
                audit.add([answer], full=not is_survey(answer.sweep))
            service.requests.clear()
            return Sweeps(found, ledger, audit, Silent())

        yield open_sweeps


@pytest.fixture
def sweeps(opened: Callable[[], Sweeps]) -> Sweeps:
    return opened()


def test_a_survey_by_position_sees_rows_with_a_position_in_few_columns(service: FakeService, sweeps: Sweeps) -> None:
    assert sweeps.survey("POS") == 1
    assert (sweeps.audit.seen(), sweeps.audit.rows()) == (PLACED, 0)
    assert {request["VERB"] for request in service.requests} == {"1"}
    assert all("POS" in request and "TIME" not in request for request in service.requests)
    assert sweeps.ledger.sweeps() == ["survey-POS"]


def test_surveys_of_two_generations_are_two(service: FakeService, sweeps: Sweeps) -> None:
    first = sweeps.survey("POS")
    asked = len(service.requests)
    assert sweeps.survey("POS") == first
    assert len(service.requests) == asked, "one generation is asked for once"
    assert sweeps.survey("POS", 2) > first
    assert sweeps.ledger.sweeps() == ["survey-POS", "survey-POS-2"]


def test_a_harvest_by_time_is_planned_by_the_dates_that_a_survey_saw(service: FakeService, sweeps: Sweeps) -> None:
    sweeps.survey("POS")
    service.requests.clear()
    sweeps.harvest("TIME")
    assert sweeps.audit.rows() == DATED
    assert {request["VERB"] for request in service.requests} == {"3"}
    record = sweeps.ledger.sweep_records()[-1]
    assert (record["name"], record["cuts"]) == ("harvest", 0)
    assert len(service.requests) == record["slices"] == 3


def test_a_harvest_without_a_parameter_is_one_request(service: FakeService, sweeps: Sweeps) -> None:
    service.table = ROWS.slice(0, 500)
    sweeps.harvest()
    assert sweeps.audit.rows() == 500
    assert len(service.requests) == 1


def test_the_whole_table_is_asked_for_at_once_if_it_is_small(
    service: FakeService, opened: Callable[[RequestPolicy], Sweeps]
) -> None:
    sweeps = opened(replace(QUICK, whole_table_rows=PLACED))
    sweeps.survey("POS")
    service.requests.clear()
    assert sweeps.survey_whole() is not None
    assert [request["MAXREC"] for request in service.requests] == [str(PLACED + 1000)], "with room for rows that come"
    assert sweeps.audit.seen() == len(ROWS)


def test_the_whole_table_is_not_asked_for_if_it_is_large(
    service: FakeService, opened: Callable[[RequestPolicy], Sweeps]
) -> None:
    sweeps = opened(replace(QUICK, whole_table_rows=PLACED - 1))
    sweeps.survey("POS")
    service.requests.clear()
    assert sweeps.survey_whole() is None
    assert service.requests == []


def test_a_whole_table_that_is_refused_is_none(service: FakeService, sweeps: Sweeps) -> None:
    service.too_slow = lambda params, matches: not {"POS", "TIME"} & set(params)
    assert sweeps.survey_whole() is None


def test_what_is_missing_is_fetched_at_its_position(service: FakeService, sweeps: Sweeps) -> None:
    since = sweeps.survey("POS")
    sweeps.harvest("TIME")
    undated = {row["mobsid"] for row in ROWS.to_pylist() if row["ssa_dateObs"] is None and row["ssa_location"]}
    assert set(sweeps.audit.missing(since).identities) == undated
    service.requests.clear()
    sweeps.fetch_missing(since)
    assert len(sweeps.audit.missing(since)) == 0
    assert all("POS" in request and request["VERB"] == "3" for request in service.requests)
    assert sweeps.ledger.sweeps() == ["survey-POS", "harvest", "fetch-1"]


def test_what_is_not_found_at_its_position_is_fetched_where_it_was_seen(service: FakeService, sweeps: Sweeps) -> None:
    service.table = ROWS.filter(ROWS.column("ssa_location").is_valid()).combine_chunks()
    since = sweeps.survey("TIME")
    service.hides = lambda params, numbers: np.full(len(numbers), "POS" in params)
    service.requests.clear()
    sweeps.fetch_missing(since)
    assert len(sweeps.audit.missing(since)) == 0
    assert sweeps.ledger.sweeps() == ["survey-TIME", "fetch-1", "fetch-2"]
    assert all("TIME" in request for request in service.requests if "POS" not in request)


def test_what_only_the_whole_table_shows_is_looked_for_by_other_parameters(
    service: FakeService, sweeps: Sweeps
) -> None:
    since = sweeps.survey_whole()
    assert since is not None
    sweeps.harvest("TIME")
    neither = ROWS.slice(0, 3)  # neither dates nor positions
    with_snr = 3 - neither.column("ssa_snr").null_count
    service.requests.clear()
    sweeps.fetch_missing(since)
    assert len(sweeps.audit.missing(since)) == 0
    asked = [request for request in service.requests if "SNR" in request]
    assert {request["VERB"] for request in asked} == {"1", "3"}
    unconstrained = [request for request in service.requests if not {"SNR", "POS", "TIME"} & set(request)]
    assert len(unconstrained) == (with_snr < 3)


def test_rows_are_fetched_by_their_date_of_publication(service: FakeService, sweeps: Sweeps) -> None:
    sweeps.fetch_published(58500.0)
    later = ROWS.column("ssa_pdate").to_pylist().count("2019-03-31T12:30:00")
    assert sweeps.audit.rows() == later > 100
    assert [request["MTIME"] for request in service.requests if "POS" not in request] == ["2019-01-17T00:00:00/"]


def test_a_third_parameter_is_chosen_by_the_values_that_were_harvested(sweeps: Sweeps) -> None:
    assert "no row at hand has a value for SNR" in str(sweeps.choose_third())
    sweeps.harvest("TIME")
    third = sweeps.choose_third()
    assert isinstance(third, ThirdSweep)
    snr = [row["ssa_snr"] for row in ROWS.to_pylist() if row["ssa_dateObs"] is not None]
    assert third.parameter == "SNR"
    assert third.rows == pytest.approx(len(snr) - snr.count(None), rel=0.02), "copies at the edges of slices aside"


def test_another_process_asks_for_nothing_again(
    service: FakeService, opened: Callable[[], Sweeps], sweeps: Sweeps
) -> None:
    since = sweeps.survey("POS")
    sweeps.harvest("TIME")
    sweeps.fetch_missing(since)
    again = opened()
    assert again.audit.rows() == DATED_OR_PLACED
    assert again.survey("POS") == since
    again.harvest("TIME")
    again.fetch_missing(since)
    assert service.requests == []
