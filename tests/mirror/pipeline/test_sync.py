"""`sync` makes a whole mirror live or leaves the old one, whatever cuts it off."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ssap_mirror import build_mirror
from ssap_mirror.check.snapshot import verify
from ssap_mirror.core import layout
from ssap_mirror.core.catalog import Catalog, open_catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.core.snapshots import rollback
from ssap_mirror.errors import BusyError, CatalogError, MirrorError, ParameterError, SourceError
from ssap_mirror.pipeline.address import TapAddress
from ssap_mirror.pipeline.known_services import services
from ssap_mirror.pipeline.status import status
from ssap_mirror.pipeline.sync import SyncOptions, sync
from ssap_mirror.sources.source import RequestPolicy

from tests.mirror.conftest import RowMaker
from tests.support import fake_ssap
from tests.support.fake_ssap import FakeService
from tests.support.held import assert_holds
from tests.support.simulated.services.http import Reply, Request, serving

QUICK = RequestPolicy(attempts=2, first_wait_s=0.001, longest_wait_s=0.01, slice_rows=300, survey_rows=400)
ROWS = fake_ssap.rows(1200, seed=6)
OLD_ROWS = ROWS.slice(0, 900)


@pytest.fixture
def service() -> Iterator[FakeService]:
    with fake_ssap.running(FakeService(ROWS)) as running:
        yield running


def contents(catalog: Catalog) -> dict[str, str]:
    """Digests of the files that hold rows."""
    return {item["path"]: item["sha256"] for item in catalog.row_files}


def test_a_mirror_is_made_with_all_that_is_known_of_it(service: FakeService, tmp_path: Path) -> None:
    report = sync("test", source=service.url, home=tmp_path, policy=QUICK)
    assert report.complete
    assert report.rows == len(ROWS)
    assert report.requests == len(service.requests)
    assert "complete" in report.words()
    assert report.to_json()["rows"] == len(ROWS)
    assert_holds(tmp_path, ROWS)
    catalog = open_catalog("test", tmp_path)
    assert report.snapshot == catalog.path
    assert catalog.manifest["source"] == {"kind": "ssap", "url": service.url}
    assert catalog.manifest["harvest"]["complete"]
    assert b"<VOTABLE" in catalog.service_xml
    assert catalog.synthetic, "the service says that its rows are synthetic"
    assert list(layout.staging_dir(tmp_path / "test").iterdir()) == []


def test_the_names_of_services_are_known() -> None:
    known = {item.name: item for item in services()}
    assert known["lamost6-mrs"].schema().names[:2] == ("accref", "mobsid")
    assert known["lamost6-lrs"].kind == "tap"
    assert known["lamost6-lrs"].address == TapAddress("http://dc.g-vo.org/tap", "lamost6.ssa_lrs")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/tmp/x", ".hidden"])
def test_a_name_that_is_no_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="name: "):
        sync("lamost6-mrs", name=name or "..", home=tmp_path)


def test_an_unknown_service_needs_a_source(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"service: 'califa' is no service .*; perhaps califa-dr3 is meant"):
        sync("califa", home=tmp_path)


@pytest.fixture
def live(service: FakeService, tmp_path: Path) -> Catalog:
    """A mirror of fewer rows, live."""
    service.table = OLD_ROWS
    sync("test", source=service.url, home=tmp_path, policy=QUICK)
    service.table = ROWS
    return open_catalog("test", tmp_path)


def test_a_second_sync_brings_what_is_new_and_keeps_the_old_snapshot(
    service: FakeService, live: Catalog, tmp_path: Path
) -> None:
    assert sync("test", source=service.url, home=tmp_path, policy=QUICK).complete
    assert_holds(tmp_path, ROWS)
    assert live.path.is_dir()
    sync("test", source=service.url, home=tmp_path, policy=QUICK, options=SyncOptions(keep=1))
    assert not live.path.exists()


def test_what_a_sync_replaced_stays_until_the_next(service: FakeService, live: Catalog, tmp_path: Path) -> None:
    """Also where none is to be kept: the new one may turn out to be worse."""
    sync("test", source=service.url, home=tmp_path, policy=QUICK, options=SyncOptions(keep=0))
    second = open_catalog("test", tmp_path)
    assert open_catalog(live.path).rows == len(OLD_ROWS)
    sync("test", source=service.url, home=tmp_path, policy=QUICK, options=SyncOptions(keep=0))
    assert not live.path.exists()
    assert rollback(tmp_path / "test").path == second.path


def test_an_incomplete_harvest_leaves_the_old_snapshot_live(
    service: FakeService, live: Catalog, tmp_path: Path
) -> None:
    service.hides = lambda params, numbers: (numbers == 1000) & (params.get("VERB") == "3")
    report = sync("test", source=service.url, home=tmp_path, policy=QUICK)
    assert not report.complete
    assert report.snapshot is None
    assert "NOT COMPLETE" in report.words()
    assert open_catalog("test", tmp_path).path == live.path
    accepted = sync(
        "test", source=service.url, home=tmp_path, policy=QUICK, options=SyncOptions(accept_incomplete=True)
    )
    assert accepted.rows == len(ROWS) - 1
    assert not open_catalog("test", tmp_path).manifest["harvest"]["complete"]


PAGES = {
    "/page": Reply(b"<!DOCTYPE html><html><body>Welcome</body></html>", content_type="text/html"),
    "/text": Reply(b"just text", content_type="text/plain"),
    "/bare": Reply(b"<VOTABLE version='1.4'><RESOURCE/></VOTABLE>", content_type="text/xml"),
}


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/page", r"is not an SSAP service: .*web page"),
        ("/text", "is not an SSAP service"),
        ("/bare", "is not an SSAP service"),
        ("/missing", "404"),
    ],
)
def test_what_is_no_service_is_told_in_one_sentence(path: str, says: str, tmp_path: Path) -> None:
    pages = serving(lambda request: PAGES.get(request.path, Reply(status=404)))
    with pages as url, pytest.raises(SourceError, match=says) as error:
        sync("test", source=url + path, home=tmp_path, policy=QUICK)
    assert "\n" not in str(error.value)


def test_a_host_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(SourceError, match=r"127\.0\.0\.1 cannot be reached"):
        sync("test", source=f"http://127.0.0.1:{port}/ssap.xml", home=tmp_path, policy=QUICK)


def test_a_file_is_a_source_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(ROWS, path)
    report = sync("test", source=path, home=tmp_path)
    assert report.complete
    assert "all 1,200 rows of the parquet file were read" in report.words().lower()
    assert_holds(tmp_path, ROWS)
    doubled = pa.concat_tables([ROWS, ROWS.slice(0, 10)])
    pq.write_table(doubled, path)
    again = sync("test", source=path, home=tmp_path)
    assert (again.rows, again.duplicates) == (1200, 10)
    with pytest.raises(ParameterError, match="source: 'ftp"):
        sync("test", source="ftp://example.org/x", home=tmp_path)


def test_a_file_that_gives_two_rows_one_identity_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    other = ROWS.slice(0, 1).set_column(0, ROWS.schema.field(0), pa.array(["elsewhere"]))
    pq.write_table(pa.concat_tables([ROWS, other]), path)
    with pytest.raises(CatalogError, match="two different rows for mobsid"):
        sync("test", source=path, home=tmp_path)
    assert not layout.current_file(tmp_path / "test").exists()


def test_two_at_once_the_second_says_so(service: FakeService, tmp_path: Path) -> None:
    script = "import sys; from ssap_mirror.core.storage import lock_mirror; from pathlib import Path\n"
    script += "with lock_mirror(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "test")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match=str(holder.pid)):
            sync("test", source=service.url, home=tmp_path, policy=QUICK)
        holder.communicate()
    assert service.requests == []
    assert sync("test", source=service.url, home=tmp_path, policy=QUICK).complete


def test_a_dry_run_says_what_it_will_cost_and_its_survey_is_used(service: FakeService, tmp_path: Path) -> None:
    report = sync("test", source=service.url, home=tmp_path, policy=QUICK, options=SyncOptions(dry_run=True))
    assert report.estimate is not None
    placed = len(ROWS) - ROWS.column("ssa_location").null_count
    assert report.estimate.rows == placed
    assert report.estimate.wire_bytes > 100 * placed
    assert f"{placed:,} rows" in report.words()
    assert report.snapshot is None
    assert not layout.current_file(tmp_path / "test").exists()
    surveyed = sum("POS" in request for request in service.requests)
    assert sync("test", source=service.url, home=tmp_path, policy=QUICK).complete
    cones = [request for request in service.requests if "POS" in request][surveyed:]
    assert all(request.get("VERB") == "3" or float(request["SIZE"]) < 1 for request in cones), "no second survey"


def test_status_tells_how_far_a_harvest_is(service: FakeService, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="No mirror 'test'"):
        status("test", tmp_path)
    sync("test", source=service.url, home=tmp_path, policy=QUICK, options=SyncOptions(dry_run=True))
    found = status("test", tmp_path)
    assert (found.live, found.source) == (None, service.url)
    assert [(sweep.name, sweep.open) for sweep in found.sweeps] == [("survey-POS", 0)]
    assert "survey-POS: " in found.words()
    service.too_slow = lambda params, matches: "TIME" in params and params["VERB"] == "3"
    with pytest.raises(SourceError):
        sync("test", source=service.url, home=tmp_path, policy=QUICK)
    assert status("test", tmp_path).sweeps[1].open > 0
    service.too_slow = lambda params, matches: False
    sync("test", source=service.url, home=tmp_path, policy=QUICK)
    done = status("test", tmp_path)
    assert done.live is not None
    assert done.source is None
    assert "no harvest under way" in done.words()


def test_a_harvest_of_another_source_is_not_mixed_in(service: FakeService, tmp_path: Path) -> None:
    sync("test", source=service.url, home=tmp_path, policy=QUICK, options=SyncOptions(dry_run=True))
    with fake_ssap.running(FakeService(OLD_ROWS)) as other:
        sync("test", source=other.url, home=tmp_path, policy=QUICK)
    assert_holds(tmp_path, OLD_ROWS)


def test_restart_forgets_what_was_fetched(service: FakeService, tmp_path: Path) -> None:
    service.table = OLD_ROWS
    sync("test", source=service.url, home=tmp_path, policy=QUICK, options=SyncOptions(dry_run=True))
    service.table = ROWS
    sync("test", source=service.url, home=tmp_path, policy=QUICK, options=SyncOptions(restart=True))
    assert_holds(tmp_path, ROWS)


def test_a_damaged_journal_is_no_obstacle(service: FakeService, tmp_path: Path) -> None:
    sync("test", source=service.url, home=tmp_path, policy=QUICK, options=SyncOptions(dry_run=True))
    journal = layout.staging_dir(tmp_path / "test") / "journal.jsonl"
    content = journal.read_bytes()
    journal.write_bytes(content.replace(b'"rows"', b'"ro\xffws', 1))
    assert sync("test", source=service.url, home=tmp_path, policy=QUICK).complete
    assert_holds(tmp_path, ROWS)


def test_a_snapshot_that_was_built_and_not_switched_to_is_switched_to(
    service: FakeService, live: Catalog, tmp_path: Path
) -> None:
    # CURRENT is replaced by way of a file beside it, whose name is taken.
    obstacle = tmp_path / "test" / ".CURRENT.new"
    obstacle.mkdir()
    with pytest.raises(MirrorError, match="Is a directory"):
        sync("test", source=service.url, home=tmp_path, policy=QUICK)
    obstacle.rmdir()
    assert open_catalog("test", tmp_path).path == live.path
    asked = len(service.requests)
    assert sync("test", source=service.url, home=tmp_path, policy=QUICK).complete
    assert len(service.requests) == asked
    assert_holds(tmp_path, ROWS)


CHILD = """
import sys
from pathlib import Path
from ssap_mirror import RequestPolicy, sync
policy = RequestPolicy(attempts=2, first_wait_s=0.001, longest_wait_s=0.01, slice_rows=300, survey_rows=400)
sync("test", source=sys.argv[1], home=Path(sys.argv[2]), policy=policy)
"""


def run_child(service: FakeService, home: Path, seconds: float | None, **environment: str) -> int:
    """Sync in another process, killed after a while; its exit code."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, service.url, str(home)],
        env={**os.environ, **environment},
        stderr=subprocess.DEVNULL,
    ) as child:
        try:
            return child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            return child.wait()


def killed_at_random(service: FakeService, live: Catalog, home: Path, kills: int, seed: int) -> int:
    """Kill as many syncs as asked; after each, the live snapshot is whole; at the end, it is what it should be.

    A sync that was killed is begun again until the new snapshot is live; then all begins anew, with the old one live.
    Returns how often that was.
    """
    rng = np.random.default_rng(seed)
    shutil.copytree(home / "test", home / "old", symlinks=True)
    began = time.monotonic()
    assert run_child(service, home / "undisturbed", None) == 0
    whole = time.monotonic() - began
    expected = contents(open_catalog("test", home / "undisturbed"))
    old = contents(live)
    done = finished = 0
    while done < kills:
        done += run_child(service, home, float(rng.uniform(0.1, 1.0)) * whole) != 0
        now = open_catalog("test", home)
        assert verify(now) == []
        assert contents(now) in (old, expected)
        if contents(now) == expected:
            finished += 1
            assert_holds(home, ROWS)
            shutil.rmtree(home / "test")
            shutil.copytree(home / "old", home / "test", symlinks=True)
    assert sync("test", source=service.url, home=home, policy=QUICK).complete
    assert contents(open_catalog("test", home)) == expected
    assert_holds(home, ROWS)
    return finished


def test_kill_9_at_random_instants(service: FakeService, live: Catalog, tmp_path: Path) -> None:
    killed_at_random(service, live, tmp_path, kills=6, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_kill_9_at_200_random_instants(service: FakeService, live: Catalog, tmp_path: Path) -> None:
    assert killed_at_random(service, live, tmp_path, kills=200, seed=2) > 10


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mount a tmpfs of some kilobytes."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(kilobytes: int) -> Path:
        options = ["-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
        done = subprocess.run(["mount", *options], check=False, capture_output=True)
        if done.returncode:
            pytest.skip(f"no tmpfs can be mounted here: {done.stderr.decode().strip()}")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], check=False, capture_output=True)


def test_a_disk_that_is_too_small_is_told_before_the_harvest(
    service: FakeService, small_disk: Callable[[int], Path]
) -> None:
    with pytest.raises(CatalogError, match=r"MB free, and some .* MB are needed for the harvest of about .* rows"):
        sync("test", source=service.url, home=small_disk(20_000), policy=QUICK)
    assert not any(request.get("VERB") == "3" and "TIME" in request for request in service.requests)


def test_a_disk_that_is_too_small_for_a_file_is_told_before_it_is_read(
    tmp_path: Path, small_disk: Callable[[int], Path]
) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("name,ra,dec\n" + "".join(f"star{n},{n % 360},{n % 90}\n" for n in range(200_000)))
    with pytest.raises(CatalogError, match=r"MB free, and some .* MB are needed for the rows of .*rows.csv"):
        sync("test", source=file, home=small_disk(1_000))


def test_a_copy_of_made_up_rows_says_so(spectra_schema: Schema, spectra_rows: RowMaker, tmp_path: Path) -> None:
    source = {"kind": "file", "url": "synthetic"}
    build_mirror([spectra_rows(50)], spectra_schema, tmp_path / "first", title="Rows", synthetic=True, source=source)
    snapshot = open_catalog("first", tmp_path).path
    for folder in (tmp_path / "first", snapshot):
        assert sync("copy", source=folder, home=tmp_path).complete
        copy = open_catalog("copy", tmp_path)
        assert (copy.title, copy.synthetic) == ("Rows (synthetic)", True)


def test_staging_on_another_disk_is_told_before_the_harvest(
    service: FakeService, tmp_path: Path, small_disk: Callable[[int], Path]
) -> None:
    (tmp_path / "mirrors" / "test").mkdir(parents=True)
    (tmp_path / "mirrors" / "test" / "staging").symlink_to(small_disk(20_000))
    with pytest.raises(CatalogError, match="another file system"):
        sync("test", source=service.url, home=tmp_path / "mirrors", policy=QUICK)
    assert not service.requests


@pytest.mark.parametrize("kilobytes", [60, 300, 900, 1300, 1700])
def test_a_disk_that_runs_full_is_told_and_the_next_sync_goes_on(
    service: FakeService, small_disk: Callable[[int], Path], kilobytes: int
) -> None:
    unchecked = dataclasses.replace(QUICK, disk_share=0.0)
    disk = small_disk(kilobytes)
    with pytest.raises(MirrorError) as error:
        sync("test", source=service.url, home=disk, policy=unchecked)
    assert "\n" not in str(error.value)
    subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
    assert sync("test", source=service.url, home=disk, policy=QUICK).complete
    assert_holds(disk, ROWS)


def test_a_folder_that_cannot_be_written_is_told(service: FakeService, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(MirrorError, match="cannot be written"):
        sync("test", source=service.url, home=tmp_path / "file", policy=QUICK)


def test_a_read_only_disk_is_told_and_the_old_snapshot_is_live(
    service: FakeService, small_disk: Callable[[int], Path]
) -> None:
    disk = small_disk(200_000)
    sync("test", source=service.url, home=disk, policy=QUICK)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(MirrorError, match="cannot be written: Read-only"):
        sync("test", source=service.url, home=disk, policy=QUICK)
    assert_holds(disk, ROWS)


def test_the_policy_is_kept(service: FakeService, tmp_path: Path) -> None:
    running, most = 0, 0
    answer = service.answer

    def watched(request: Request) -> Reply:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            assert request.headers["user-agent"].startswith("ssap-mirror/")
            assert "http" in request.headers["user-agent"]
            return answer(request)
        finally:
            running -= 1

    with serving(watched) as url:
        sync("test", source=f"{url}/ssap.xml", home=tmp_path, policy=dataclasses.replace(QUICK, requests_at_a_time=2))
    # How many meet is up to the machine; more than two never do.
    assert 1 <= most <= 2
