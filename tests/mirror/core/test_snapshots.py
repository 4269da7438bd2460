"""Which snapshot is live: one rename, one writer, and nothing half done whatever happens."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ssap_mirror.build.snapshot import BuildInfo, build_snapshot
from ssap_mirror.check.snapshot import verify
from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, live_name, open_catalog
from ssap_mirror.core.hats_properties import parse_properties
from ssap_mirror.core.schema import Schema
from ssap_mirror.core.snapshots import list_snapshots, make_live, prune, rollback
from ssap_mirror.errors import BusyError, CatalogError, MirrorError, ParameterError

RowMaker = Callable[..., pa.RecordBatch]
INFO = BuildInfo("spectra", "Test spectra")


@pytest.fixture
def mirror(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> Path:
    """A mirror of four snapshots that share files; the last one is live."""
    previous: Catalog | None = None
    for rows in (100, 110, 120, 130):
        batch = spectra_rows(200).slice(0, rows)
        catalog = build_snapshot([batch], spectra_schema, tmp_path / "m", INFO, tile_rows=60, previous=previous)
        make_live(tmp_path / "m", catalog)
        previous = catalog
    return tmp_path / "m"


def live_rows(mirror: Path) -> int:
    return open_catalog(mirror).rows


def test_snapshots_are_listed_by_age(mirror: Path) -> None:
    snapshots = list_snapshots(mirror)
    assert [snapshot.live for snapshot in snapshots] == [False, False, False, True]
    assert [open_catalog(snapshot.path).rows for snapshot in snapshots] == [100, 110, 120, 130]
    assert layout.current_file(mirror).read_text() == f"{snapshots[-1].name}\n"


def test_rollback_steps_back_until_there_is_nothing_older(mirror: Path) -> None:
    for rows in (120, 110, 100):
        assert rollback(mirror).rows == rows == live_rows(mirror)
    with pytest.raises(CatalogError, match="no snapshot older than the live one"):
        rollback(mirror)
    assert live_rows(mirror) == 100
    assert len(list_snapshots(mirror)) == 4


def test_rollback_refuses_a_snapshot_that_cannot_be_opened(mirror: Path) -> None:
    older = list_snapshots(mirror)[-2]
    (older.path / layout.MANIFEST).write_text("{")
    with pytest.raises(CatalogError, match="is damaged"):
        rollback(mirror)
    assert live_rows(mirror) == 130


@pytest.mark.parametrize(
    ("keep", "left"), [(0, [130]), (1, [120, 130]), (2, [110, 120, 130]), (9, [100, 110, 120, 130])]
)
def test_prune_keeps_the_live_one_and_so_many_others(mirror: Path, keep: int, left: list[int]) -> None:
    names = [snapshot.name for snapshot in list_snapshots(mirror)]
    assert prune(mirror, keep) == tuple(names[: 4 - len(left)])
    assert [open_catalog(snapshot.path).rows for snapshot in list_snapshots(mirror)] == left
    assert not layout.staging_dir(mirror).exists()
    assert all(verify(open_catalog(snapshot.path)) == [] for snapshot in list_snapshots(mirror)), "shared files stay"


def test_prune_never_removes_the_live_one(mirror: Path) -> None:
    rollback(mirror)
    rollback(mirror)
    prune(mirror, 0)
    assert live_rows(mirror) == 110
    assert len(list_snapshots(mirror)) == 1


def test_prune_of_a_negative_number(mirror: Path) -> None:
    with pytest.raises(ParameterError, match="keep: -1"):
        prune(mirror, -1)


def test_only_a_snapshot_of_the_mirror_can_be_live(mirror: Path, live_mirror: Catalog) -> None:
    with pytest.raises(CatalogError, match="is not a snapshot of the mirror"):
        make_live(mirror, live_mirror)
    assert live_rows(mirror) == 130


def test_an_open_reader_goes_on_undisturbed(mirror: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> None:
    reader = open_catalog(mirror)
    make_live(mirror, build_snapshot([spectra_rows(10)], spectra_schema, mirror, INFO))
    assert live_rows(mirror) == 10
    assert verify(reader) == []


@pytest.mark.parametrize("step", ["write_file", "sync"])
def test_a_switch_that_fails_leaves_the_old_snapshot_live(
    mirror: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    older = open_catalog(list_snapshots(mirror)[0].path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if step == "write_file":
        monkeypatch.setattr(storage, "write_file", full)
    else:
        monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MirrorError, match="cannot be written: No space left on device"):
        make_live(mirror, older)
    assert live_rows(mirror) == 130
    assert sorted(path.name for path in mirror.iterdir()) == [
        ".lock",
        "CURRENT",
        "HISTORY",
        "collection.properties",
        "snapshots",
    ]


HOLD = """
    import sys
    from pathlib import Path
    from ssap_mirror.core.storage import lock_mirror
    with lock_mirror(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.read()
    """


def test_a_second_writer_is_told_who_the_first_is(mirror: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> None:
    command = [sys.executable, "-c", textwrap.dedent(HOLD), str(mirror)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        for write in (
            lambda: build_snapshot([spectra_rows(10)], spectra_schema, mirror, INFO),
            lambda: make_live(mirror, open_catalog(mirror)),
            lambda: rollback(mirror),
            lambda: prune(mirror, 0),
        ):
            with pytest.raises(BusyError, match=f"is being written by process {holder.pid};"):
                write()
        holder.kill()
    assert rollback(mirror).rows == 120, "the lock of a process ends with it"


def test_who_holds_the_lock_may_take_it_again_and_another_thread_may_not(tmp_path: Path) -> None:
    told: list[str] = []

    def other() -> None:
        try:
            with storage.lock_mirror(tmp_path):
                told.append("entered")
        except BusyError as error:
            told.append(str(error))

    def in_a_thread() -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    with storage.lock_mirror(tmp_path):
        with storage.lock_mirror(tmp_path / "." / ""):
            in_a_thread()
        in_a_thread()
    in_a_thread()
    assert [text.startswith(f"mirror {tmp_path} is being written by process {os.getpid()}") for text in told] == [
        True,
        True,
        False,
    ]
    assert told[-1] == "entered"


BUILD = """
    import sys
    from pathlib import Path
    import pyarrow.parquet as pq
    from ssap_mirror import Schema, build_mirror
    mirror, rows = Path(sys.argv[1]), pq.read_table(sys.argv[2])
    schema = Schema.from_arrow(rows.schema)
    print("ready", flush=True)
    for _ in range(int(sys.argv[3])):
        build_mirror(rows.to_batches(max_chunksize=500), schema, mirror, tile_rows=200)
    """


def start_build(mirror: Path, rows: Path, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(BUILD), str(mirror), str(rows), str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def assert_collection_is_whole(mirror: Path) -> None:
    """What collection.properties names, of this build or the one before, is there and complete."""
    named = parse_properties((mirror / layout.COLLECTION).read_text())
    snapshot = mirror / named["hats_primary_table_url"]
    assert verify(open_catalog(snapshot)) == []
    for key in ("default_margin", "all_indexes"):
        if key in named:
            assert (mirror / named[key].split()[-1] / layout.PROPERTIES).is_file()


def supplemented(mirror: Path) -> set[str]:
    """Names of the snapshots that have a margin and an index."""
    return {path.parent.name for path in mirror.glob(f"supplements/*/{layout.SUPPLEMENTS}")}


@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_killed_at_any_instant_the_mirror_is_whole(mirror: Path, spectra_rows: RowMaker, kills: int) -> None:
    """Kills at random instants of building and switching; what is live is sound and of one build or another."""
    rows = mirror.parent / "rows.parquet"
    pq.write_table(pa.Table.from_batches([spectra_rows(1500)]), rows)
    chance = random.Random(kills)
    for _ in range(kills):
        with start_build(mirror, rows, 1000) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0, 1.0))
            process.send_signal(signal.SIGKILL)
        catalog = open_catalog(mirror)
        assert catalog.rows in (130, 1500)
        assert verify(catalog) == []
        for snapshot in list_snapshots(mirror):
            assert open_catalog(snapshot.path).rows, "among the snapshots everything is whole"
        assert_collection_is_whole(mirror)
        prune(mirror, 0)
        assert_collection_is_whole(mirror)
        assert supplemented(mirror) <= {*layout.snapshot_names(mirror)}
    with start_build(mirror, rows, 1) as process:
        output = process.communicate()
    assert process.returncode == 0, output
    assert live_rows(mirror) == 1500
    assert live_name(mirror) in supplemented(mirror)
    assert layout.build_dirs(mirror) == [], "nothing is left of those that were killed"


@pytest.mark.parametrize("room", [0, 3_000, 30_000])
def test_a_full_disk_is_one_sentence_and_the_live_snapshot_stays(
    mirror: Path, spectra_rows: RowMaker, room: int
) -> None:
    """A limit on the size of files stands for the full disk: each write beyond it fails, wherever it is."""
    rows = mirror.parent / "rows.parquet"
    pq.write_table(pa.Table.from_batches([spectra_rows(3000)]), rows)
    code = f"""
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
    {BUILD}"""
    command = [sys.executable, "-B", "-c", textwrap.dedent(code), str(mirror), str(rows), "1"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 1
    last = process.stderr.strip().splitlines()[-1]
    assert last == f"ssap_mirror.errors.MirrorError: mirror {mirror} cannot be written: File too large", process.stderr
    assert live_rows(mirror) == 130
    assert verify(open_catalog(mirror)) == []
    assert layout.build_dirs(mirror) == []
    assert len(list_snapshots(mirror)) == 4
