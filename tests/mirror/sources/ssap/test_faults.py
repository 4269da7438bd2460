"""Whatever the network and the server do: the copy is complete and equal, or the failure is told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror.errors import SourceError
from ssap_mirror.sources.harvest.answers import AnswerWriter
from ssap_mirror.sources.harvest.samples import BINARY2
from ssap_mirror.sources.progress import Silent
from ssap_mirror.sources.source import Harvest, RequestPolicy
from ssap_mirror.sources.ssap.source import SsapSource

from tests.support import fake_ssap, fault_proxy
from tests.support.fake_ssap import FakeService
from tests.support.fault_proxy import FaultProxy

ROWS = fake_ssap.rows(1500, seed=3)
TOUGH = RequestPolicy(
    attempts=8, first_wait_s=0.001, longest_wait_s=0.01, read_timeout_s=0.5, slice_rows=300, survey_rows=400
)


def harvest(url: str, staging: Path) -> tuple[Harvest, dict[str, dict[str, object]]]:
    source = SsapSource(url, "Test spectra", policy=TOUGH)
    staging.mkdir(exist_ok=True)
    for _ in range(5):
        try:
            found = source.harvest(staging, Silent())
        except SourceError:
            continue  # told, and the next attempt goes on from there
        table = pa.Table.from_batches(list(found.batches()), schema=found.description.schema.arrow_schema())
        return found, {row["mobsid"]: row for row in table.to_pylist()}
    pytest.fail("five harvests in a row failed")


# Overflows are rare; a false one costs a cascade of smaller slices; a stall is as long as the client's patience.
_RATES = {fault_proxy.hidden_overflow: 1.0, fault_proxy.false_overflow: 0.05, fault_proxy.stalled: 0.1}
EXPECTED = {row["mobsid"]: row for row in ROWS.to_pylist()}


@pytest.mark.parametrize("fault", fault_proxy.PLAIN, ids=lambda fault: fault.__name__)
def test_each_fault_alone(fault: fault_proxy.Fault, tmp_path: Path) -> None:
    with (
        fake_ssap.running(FakeService(ROWS)) as service,
        FaultProxy(service.url, (fault,), rate=_RATES.get(fault, 0.2), seed=11).running() as proxy,
    ):
        found, rows = harvest(proxy.url, tmp_path)
    assert sum(proxy.counts.values()) >= 4, "the fault did occur"
    assert found.verdict.complete
    assert rows == EXPECTED


def test_rows_that_are_lost_without_a_word_are_found_by_the_audit(tmp_path: Path) -> None:
    with (
        fake_ssap.running(FakeService(ROWS)) as service,
        FaultProxy(service.url, fault_proxy.SLY, rate=0.5, seed=5).running() as proxy,
    ):
        found, rows = harvest(proxy.url, tmp_path)
    assert proxy.counts["lost_rows"] >= 5
    assert not found.verdict.complete or rows == EXPECTED


def test_all_faults_together(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    judged = []
    with fake_ssap.running(FakeService(ROWS)) as service:
        for seed in range(3):
            faults = fault_proxy.PLAIN + fault_proxy.SLY
            with FaultProxy(service.url, faults, rate=0.3, seed=seed).running() as proxy:
                found, rows = harvest(proxy.url, tmp_path / str(seed))
            counts += proxy.counts
            assert not found.verdict.complete or rows == EXPECTED
            judged.append(found.verdict.complete)
    assert any(judged)
    assert len(counts) >= 11, "of 13 kinds"
    assert sum(counts.values()) >= 60


@pytest.fixture(scope="module", params=["tabledata", "binary2"])
def document(request: pytest.FixtureRequest) -> bytes:
    """A whole answer."""
    formats = {"binary2": {"RESPONSEFORMAT": BINARY2}, "tabledata": {}}
    with fake_ssap.running(FakeService(ROWS.slice(0, 60))) as service:
        params = {"REQUEST": "queryData", "VERB": "3", **formats[request.param]}
        return httpx.get(service.url, params=params).content


def test_an_answer_cut_at_any_byte_is_never_taken_for_whole(document: bytes, tmp_path: Path) -> None:
    writer = AnswerWriter(fake_ssap.columns(), fake_ssap.columns().up_to(10))
    raw, target = tmp_path / "raw", tmp_path / "kept.arrow"
    raw.write_bytes(document)
    assert writer.store(raw, target, 1000).rows == 60
    target.unlink()
    for length in np.random.default_rng(8).integers(0, len(document) - len("</VOTABLE>"), 200).tolist():
        raw.write_bytes(document[:length])
        with pytest.raises(SourceError):
            writer.store(raw, target, 1000)
        assert not target.exists()
