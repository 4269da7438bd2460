"""Looks at what is at hand: a limit that nobody tells of, rows that have changed meanwhile, whole rows again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.pipeline.sync import SyncReport, sync
from ssap_mirror.sources.harvest.audit import AUDIT, Audit
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.harvest.journal import Journal
from ssap_mirror.sources.harvest.ledger import ANSWERS, JOURNAL, Answer, Ledger
from ssap_mirror.sources.harvest.slices import WHOLE
from ssap_mirror.sources.progress import Silent
from ssap_mirror.sources.source import RequestPolicy
from ssap_mirror.sources.ssap.endpoint import Endpoint
from ssap_mirror.sources.ssap.hidden_limit import suspects
from ssap_mirror.sources.ssap.looks.second_look import look_again
from ssap_mirror.sources.ssap.probe import probe
from ssap_mirror.sources.ssap.sweeps import Sweeps

from tests.support import fake_ssap
from tests.support.fake_ssap import FakeService
from tests.support.held import assert_holds

QUICK = RequestPolicy(attempts=2, first_wait_s=0.001, longest_wait_s=0.01, slice_rows=300, survey_rows=400)
ROWS = fake_ssap.rows(900, seed=8)
DATED = len(ROWS) - ROWS.column("ssa_dateObs").null_count


@pytest.fixture
def service() -> Iterator[FakeService]:
    with fake_ssap.running(FakeService(ROWS)) as running:
        yield running


@pytest.fixture
def sweeps(service: FakeService, tmp_path: Path) -> Iterator[Sweeps]:
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(contextlib.closing(Client(QUICK)))
        found = probe(Endpoint(service.url, client, tmp_path), None, "Test")
        ledger = Ledger(stack.enter_context(Journal(tmp_path / JOURNAL)), tmp_path / ANSWERS)
        schema, surveyed = found.description.schema, found.traits.survey_columns
        audit = stack.enter_context(Audit(tmp_path / AUDIT, schema, "mobsid", surveyed))
        yield Sweeps(found, ledger, audit, Silent())


def replaced(name: str, at: slice, value: object) -> pa.Table:
    values = ROWS.column(name).to_pylist()
    values[at] = [value] * len(values[at])
    number = ROWS.schema.get_field_index(name)
    return ROWS.set_column(number, ROWS.schema.field(name), pa.array(values, ROWS.schema.field(name).type))


def refresh(service: FakeService, home: Path, **policy: int) -> SyncReport:
    return sync("test", source=service.url, home=home, policy=replace(QUICK, **policy))


def test_only_equal_and_large_counts_are_suspicious() -> None:
    def answers(*rows: int) -> list[Answer]:
        return [Answer(number, "survey-POS", WHOLE, Path(), count) for number, count in enumerate(rows)]

    assert [answer.number for answer in suspects(answers(400, 500, 12, 500))] == [1, 3]
    assert suspects(answers(400, 500, 400)) == [], "others are larger, and were not cut off there"
    assert suspects(answers(3, 3, 3)) == []
    assert suspects([]) == []


def test_answers_that_are_cut_off_at_one_number_show_a_limit(service: FakeService, sweeps: Sweeps) -> None:
    service.hides = lambda params, numbers: (np.arange(len(numbers)) >= 120) & ("TIME" in params)
    sweeps.survey("POS")
    sweeps.harvest("TIME")
    assert sweeps.ledger.answer_limit == 120
    # The plate of one date can be divided by the sky alone.
    at_once = [row for row in ROWS.to_pylist() if row["ssa_dateObs"] == 58050.25]
    assert sweeps.audit.rows() == DATED - sum(row["ssa_location"] is None for row in at_once)
    assert max(answer.rows for answer in sweeps.harvested()) < 120


def test_slices_that_are_equally_full_by_plan_show_none(service: FakeService, sweeps: Sweeps) -> None:
    sweeps.survey("POS")
    service.requests.clear()
    sweeps.harvest("TIME")
    assert sweeps.ledger.answer_limit is None
    assert len(service.requests) == len(sweeps.harvested()) == 3


def test_what_is_forgotten_for_a_limit_is_no_longer_at_hand(sweeps: Sweeps) -> None:
    sweeps.harvest("TIME")
    before = sweeps.audit.rows()
    sweeps.learn_limit(max(answer.rows for answer in sweeps.harvested()))
    assert sweeps.audit.rows() < before
    sweeps.harvest("TIME")
    assert sweeps.audit.rows() == before


def test_a_second_look_shows_rows_that_have_changed_meanwhile(service: FakeService, sweeps: Sweeps) -> None:
    sweeps.survey("POS")
    sweeps.harvest("TIME")
    look_again(sweeps)
    assert sweeps.audit.restless() == 0
    # A third look is none: it is the second of a harvest that goes on.
    assert sweeps.ledger.sweeps().count("again") == 1


def test_a_second_look_sees_a_change_in_columns_that_no_survey_has(service: FakeService, sweeps: Sweeps) -> None:
    sweeps.survey("POS")
    sweeps.harvest("TIME")
    service.table = replaced("obsid", slice(None), 7)
    look_again(sweeps)
    assert sweeps.audit.restless() > 100


def test_a_limit_stays_in_the_manifest_for_the_next_refresh(service: FakeService, tmp_path: Path) -> None:
    service.silent_limit = 250
    assert refresh(service, tmp_path).rows >= 890
    assert open_catalog("test", tmp_path).manifest["harvest"]["answer_limit"] == 250
    service.requests.clear()
    report = refresh(service, tmp_path)
    assert any("cuts its answers at 250 rows" in reason for reason in report.reasons)
    large = [asked for asked in service.requests if int(asked.get("MAXREC", 0)) > 900]
    assert all({"POS", "TIME", "SNR"} & set(asked) or asked["MAXREC"] in ("2000", "50000") for asked in large)
    assert report.status != "incomplete"


def test_a_refresh_compares_whole_rows(service: FakeService, tmp_path: Path) -> None:
    assert refresh(service, tmp_path).complete
    report = refresh(service, tmp_path, full_sample=20)
    assert report.complete
    assert any("20 of them picked at random, are as they were" in reason for reason in report.reasons)
    assert open_catalog("test", tmp_path).manifest["harvest"]["refresh_of"] is not None
    service.table = replaced("obsid", slice(0, None, 2), 7)
    assert refresh(service, tmp_path).complete, "no survey sees that"
    assert refresh(service, tmp_path, full_sample=20).complete
    assert open_catalog("test", tmp_path).manifest["harvest"]["refresh_of"] is None, "one that differs: all are fetched"
    assert_holds(tmp_path, service.table)
