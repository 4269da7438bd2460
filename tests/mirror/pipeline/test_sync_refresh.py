"""A second sync fetches what changed, and the snapshot is as if everything had been fetched."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror.check.snapshot import verify
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.errors import SourceError
from ssap_mirror.pipeline.sync import SyncOptions, SyncReport, sync
from ssap_mirror.sources.progress import Silent
from ssap_mirror.sources.source import RequestPolicy

from tests.support import fake_ssap
from tests.support.fake_ssap import FakeService
from tests.support.held import assert_holds

QUICK = RequestPolicy(attempts=2, first_wait_s=0.001, longest_wait_s=0.01, slice_rows=300, survey_rows=400)
BY_SWEEPS = dataclasses.replace(QUICK, whole_table_rows=100)
ROWS = fake_ssap.rows(1200, seed=9)


@pytest.fixture(params=[QUICK, BY_SWEEPS], ids=["whole", "by sweeps"])
def policy(request: pytest.FixtureRequest) -> RequestPolicy:
    """Of a table that may be asked for as a whole, and of one that is too large for that."""
    found: RequestPolicy = request.param
    return found


@pytest.fixture
def service(policy: RequestPolicy, tmp_path: Path) -> Iterator[FakeService]:
    """A service whose rows are mirrored; what was asked so far is forgotten."""
    with fake_ssap.running(FakeService(ROWS)) as running:
        assert sync("test", source=running.url, home=tmp_path, policy=QUICK).complete
        running.requests.clear()
        yield running


def refresh(service: FakeService, home: Path, policy: RequestPolicy, *, full: bool = False) -> SyncReport:
    return sync("test", source=service.url, home=home, policy=policy, options=SyncOptions(full=full))


def status_of(policy: RequestPolicy) -> str:
    """How complete a refresh can be: sweeps cannot see rows without date and position, which might be gone."""
    return "complete" if policy is QUICK else "not proven"


def full_rows_asked(service: FakeService) -> list[dict[str, str]]:
    """Requests for full rows but those of the description, the estimate, and the look for volatile columns."""
    asked_for = (asked for asked in service.requests if asked.get("VERB") == "3" and asked.get("MAXREC") != "200")
    return [asked for asked in asked_for if set(asked) & {"POS", "TIME", "SNR"}]


def replaced(rows: pa.Table, name: str, at: slice, value: object) -> pa.Table:
    values = rows.column(name).to_pylist()
    values[at] = [value] * len(values[at])
    number = rows.schema.get_field_index(name)
    return rows.set_column(number, rows.schema.field(name), pa.array(values, rows.schema.field(name).type))


def test_nothing_changed(service: FakeService, policy: RequestPolicy, tmp_path: Path) -> None:
    before = open_catalog("test", tmp_path)
    report = refresh(service, tmp_path, policy)
    assert report.status == status_of(policy)
    assert full_rows_asked(service) == []
    assert "0 rows are new, 0 were fetched again" in report.reasons[0]
    after = open_catalog("test", tmp_path)
    assert after.path != before.path
    assert_holds(tmp_path, ROWS)
    assert [path.stat().st_ino for path in after.files] == [path.stat().st_ino for path in before.files], "hard links"


class Notes(Silent):
    """Remembers what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


@pytest.mark.parametrize("file", ["rows", "manifest.json", "hats.properties", "CURRENT"])
def test_a_damaged_snapshot_is_no_base(tmp_path: Path, file: str) -> None:
    """Its rows would get fresh checksums: all are fetched, and the next snapshot is sound."""
    with fake_ssap.running(FakeService(ROWS)) as service:
        sync("test", source=service.url, home=tmp_path, policy=QUICK)
        live = open_catalog("test", tmp_path)
        path = {"rows": live.files[0], "CURRENT": tmp_path / "test" / "CURRENT"}.get(file, live.path / file)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        notes = Notes()
        assert sync("test", source=service.url, home=tmp_path, policy=QUICK, progress=notes).complete
    (said,) = (text for text in notes.told if text.endswith("; all rows are fetched"))
    assert "CURRENT" in said or "is damaged" in said
    assert verify(open_catalog("test", tmp_path)) == []
    assert_holds(tmp_path, ROWS)


def test_rows_come_go_and_change(service: FakeService, policy: RequestPolicy, tmp_path: Path) -> None:
    more = fake_ssap.rows(1230, seed=10).slice(1200)
    service.table = pa.concat_tables([replaced(ROWS.slice(20), "ssa_dateObs", slice(500, 510), 58333.5), more])
    service.table = service.table.combine_chunks()
    report = refresh(service, tmp_path, policy)
    assert report.status == status_of(policy)
    undetectable = 0 if policy is QUICK else 3
    assert report.rows == 1210 + undetectable, "the first three rows have neither date nor position"
    expected = service.table if not undetectable else pa.concat_tables([service.table, ROWS.slice(0, 3)])
    assert_holds(tmp_path, expected)
    assert "30 rows are new" in report.reasons[0]
    assert len(full_rows_asked(service)) > 0


def test_what_a_survey_does_not_see_needs_a_full_sync(
    service: FakeService, policy: RequestPolicy, tmp_path: Path
) -> None:
    service.table = replaced(ROWS, "obsid", slice(100, 110), 42)
    report = refresh(service, tmp_path, policy)
    assert_holds(tmp_path, ROWS)
    assert "columns of rows that look as before were not compared" in report.reasons[1]
    assert refresh(service, tmp_path, policy, full=True).complete
    assert_holds(tmp_path, service.table)


def test_a_date_of_publication_shows_what_else_changed(
    service: FakeService, policy: RequestPolicy, tmp_path: Path
) -> None:
    changed = replaced(ROWS, "obsid", slice(100, 110), 42)
    service.table = replaced(changed, "ssa_pdate", slice(100, 110), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    assert refresh(service, tmp_path, policy).status == status_of(policy)
    assert_holds(tmp_path, service.table)


def test_much_that_changed_is_fetched_in_large_slices(
    service: FakeService, policy: RequestPolicy, tmp_path: Path
) -> None:
    links = [
        f"{row['accref']}&moved" if row["ssa_dateObs"] is not None or row["ssa_location"] is not None else row["accref"]
        for row in ROWS.to_pylist()
    ]
    service.table = ROWS.set_column(0, ROWS.schema.field(0), pa.array(links))
    report = refresh(service, tmp_path, policy)
    assert report.status == status_of(policy)
    assert_holds(tmp_path, service.table)
    assert len(full_rows_asked(service)) < 40


def test_other_columns_mean_that_all_is_fetched(service: FakeService, policy: RequestPolicy, tmp_path: Path) -> None:
    catalog = open_catalog("test", tmp_path)
    before = len(catalog.schema)
    service.columns = fake_ssap.columns().select(name for name in fake_ssap.columns().names if name != "mags")
    report = refresh(service, tmp_path, policy)
    assert report.complete
    assert len(open_catalog("test", tmp_path).schema) == before - 1
    assert_holds(tmp_path, ROWS.drop_columns("mags"))


def test_a_service_that_lost_most_rows_is_not_believed(
    service: FakeService, policy: RequestPolicy, tmp_path: Path
) -> None:
    service.table = ROWS.slice(1000)
    report = refresh(service, tmp_path, policy)
    assert not report.complete
    assert report.snapshot is None
    assert_holds(tmp_path, ROWS)


def test_a_refresh_that_fails_goes_on(service: FakeService, policy: RequestPolicy, tmp_path: Path) -> None:
    service.table = replaced(ROWS, "ssa_dateObs", slice(500, 510), 58333.5)
    service.too_slow = lambda params, matches: params.get("VERB") == "3" and "POS" in params
    with pytest.raises(SourceError, match="could not be had"):
        refresh(service, tmp_path, policy)
    assert_holds(tmp_path, ROWS)
    service.too_slow = lambda params, matches: False
    service.requests.clear()
    assert refresh(service, tmp_path, policy).status == status_of(policy)
    assert_holds(tmp_path, service.table)
    assert not any(request.get("VERB") == "1" and "TIME" in request for request in service.requests[20:])


def test_another_source_is_not_refreshed_from(service: FakeService, policy: RequestPolicy, tmp_path: Path) -> None:
    other_rows = fake_ssap.rows(700, seed=12)
    with fake_ssap.running(FakeService(other_rows)) as other:
        refused = refresh(other, tmp_path, policy)
        assert (refused.status, refused.snapshot) == ("incomplete", None), "it has many fewer rows"
        assert "--allow-shrink" in refused.reasons[0]
        allowed = SyncOptions(allow_shrink=True)
        report = sync("test", source=other.url, home=tmp_path, policy=policy, options=allowed)
        assert report.status in ("complete", "not proven")
    assert_holds(tmp_path, other_rows)
    assert np.unique(other_rows.column("mobsid").to_pylist()).size == 700
