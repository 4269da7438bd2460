"""Pulling a published mirror: equal, small the second time, and whatever the host does, whole or as it was."""

from __future__ import annotations

import contextlib
import errno
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from ssap_mirror import RequestPolicy, SyncOptions, build_mirror, sync
from ssap_mirror.check.snapshot import verify
from ssap_mirror.core import layout
from ssap_mirror.core.catalog import Catalog, open_catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import MirrorError, ParameterError
from ssap_mirror.pipeline.remembered import remembered_entry
from ssap_mirror.publish.files import list_snapshot
from ssap_mirror.publish.folder import publish

from tests.mirror.conftest import RowMaker
from tests.support.static_host import Spoiled, StaticHost, static_host

QUICK = RequestPolicy(
    attempts=2, first_wait_s=0.01, longest_wait_s=0.02, read_timeout_s=0.3, connect_timeout_s=2, longest_answer_s=20
)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[StaticHost]:
    """Serves what is published in the folder ``www``."""
    (tmp_path / "www").mkdir()
    with static_host(tmp_path / "www") as served:
        yield served


def pull(host: StaticHost, home: Path, **options: Any) -> Catalog:
    source = None if (home / "m" / "PULLED").exists() else f"{host.url}/m/"
    report = sync("m", source=source, home=home, policy=QUICK, options=SyncOptions(**options))
    assert report.snapshot is not None
    return open_catalog(report.snapshot)


def changed(batch: pa.RecordBatch, share: float) -> pa.RecordBatch:
    """Change a value of the southernmost rows."""
    dec = batch.column("dec").to_numpy()
    south = dec < np.quantile(dec, share)
    number = batch.schema.get_field_index("obsid")
    values = pc.if_else(pa.array(south), pc.add(batch.column(number), 1), batch.column(number))
    return batch.set_column(number, batch.schema.field(number), values)


def test_a_pulled_mirror_is_equal_and_knows_where_it_came_from(
    live_mirror: Catalog, tmp_path: Path, host: StaticHost
) -> None:
    shutil.copytree(live_mirror.path.parents[1], tmp_path / "m", symlinks=True)
    publish(tmp_path / "m", tmp_path / "www")
    pulled = pull(host, tmp_path / "home")
    assert verify(pulled) == []
    assert list_snapshot(pulled).files == list_snapshot(open_catalog(tmp_path / "m")).files
    assert layout.COLLECTION in {path.name for path in (tmp_path / "home" / "m").iterdir()}
    assert remembered_entry(tmp_path / "home" / "m") == {"url": f"{host.url}/m/", "kind": "published"}
    host.asked.clear()
    again = sync("m", home=tmp_path / "home", policy=QUICK)
    assert again.snapshot == pulled.path
    assert [path for path, _ in host.asked] == ["/m/files.json"], "its name alone refreshes it"
    assert not layout.staging_dir(tmp_path / "home" / "m").exists() or not any(
        layout.staging_dir(tmp_path / "home" / "m").iterdir()
    )


def test_where_one_percent_of_the_rows_changed_five_percent_of_the_bytes_come(
    tmp_path: Path, host: StaticHost, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    batch = spectra_rows(40_000)
    build_mirror([batch], spectra_schema, tmp_path / "m", tile_rows=400)
    publish(tmp_path / "m", tmp_path / "www")
    pull(host, tmp_path / "home")
    first, host.sent = host.sent, 0
    new = build_mirror([changed(batch, 0.01)], spectra_schema, tmp_path / "m", tile_rows=400)
    publish(tmp_path / "m", tmp_path / "www")
    pulled = pull(host, tmp_path / "home")
    assert pulled.path.name == new.path.name
    assert verify(pulled) == []
    assert host.sent <= 0.05 * first


def test_what_broke_off_goes_on(
    tmp_path: Path, host: StaticHost, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    build_mirror([spectra_rows(3000)], spectra_schema, tmp_path / "m")
    publish(tmp_path / "m", tmp_path / "www")
    files = list_snapshot(open_catalog(tmp_path / "m")).files
    large = max((file for file in files if "/Npix=" in file.path), key=lambda file: file.bytes)
    host.fault = lambda path, content: (
        Spoiled(cut_at=len(content) // 2) if path.endswith(large.path) and len(content) > large.bytes // 3 else None
    )
    assert verify(pull(host, tmp_path / "home")) == []
    ranges = [wanted for path, wanted in host.asked if path.endswith(large.path)]
    assert ranges[:2] == [None, f"bytes={large.bytes // 2}-"]
    assert host.sent < 1.5 * sum(file.bytes for file in files)


def test_a_host_that_publishes_anew_meanwhile(
    tmp_path: Path, host: StaticHost, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    build_mirror([spectra_rows(300)], spectra_schema, tmp_path / "m", tile_rows=40)
    publish(tmp_path / "m", tmp_path / "www")
    left = 5

    def fault(path: str, content: bytes) -> None:
        nonlocal left
        left -= 1
        if left == 0:  # two later ones: the first is published no more
            for rows in (310, 320):
                build_mirror([spectra_rows(rows)], spectra_schema, tmp_path / "m", tile_rows=40)
                publish(tmp_path / "m", tmp_path / "www")

    host.fault = fault
    patient = replace(QUICK, requests_at_a_time=1, read_timeout_s=60, longest_answer_s=60)
    report = sync("m", source=f"{host.url}/m/", home=tmp_path / "home", policy=patient)
    assert report.rows == 320
    assert verify(open_catalog("m", tmp_path / "home")) == []


def test_a_mirror_that_lost_rows_is_not_taken_unasked(
    tmp_path: Path, host: StaticHost, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    for rows, options in ((300, {}), (100, {"allow_shrink": True})):
        build_mirror([spectra_rows(rows)], spectra_schema, tmp_path / "m")
        publish(tmp_path / "m", tmp_path / "www")
        if options:
            with pytest.raises(MirrorError, match="the live snapshot has 300 rows"):
                pull(host, tmp_path / "home")
            assert open_catalog("m", tmp_path / "home").rows == 300
        assert pull(host, tmp_path / "home", **options).rows == rows


def test_what_makes_no_sense_for_a_pull_is_refused(live_mirror: Catalog, tmp_path: Path, host: StaticHost) -> None:
    publish(live_mirror.path.parents[1], tmp_path / "www")
    (tmp_path / "www" / "spectra").rename(tmp_path / "www" / "m")
    for options in (SyncOptions(full=True), SyncOptions(margin_arcsec=5.0)):
        with pytest.raises(ParameterError, match="pulled"):
            sync("m", source=f"{host.url}/m/", home=tmp_path / "home", policy=QUICK, options=options)
    report = sync("m", source=f"{host.url}/m/", home=tmp_path / "home", policy=QUICK, options=SyncOptions(dry_run=True))
    assert report.estimate is not None
    assert (report.estimate.rows, report.snapshot) == (500, None)


class Trouble:
    """Something that goes wrong with some answers, one after the other."""

    def __init__(self, kind: str, chance: random.Random, folder: Path) -> None:
        self._kind, self._chance, self._folder = kind, chance, folder
        self._first, self._times = chance.randrange(30), chance.choice([1, 1, 2, 1000])
        self._seen = 0

    def __call__(self, path: str, content: bytes) -> Spoiled | None:
        self._seen += 1
        if not self._first <= self._seen < self._first + self._times:
            return None
        if self._kind == "changed":
            self._change_files()
            return None
        place = self._chance.randrange(max(len(content), 1))
        wrong = content[:place] + bytes([content[place] ^ 32]) + content[place + 1 :] if content else content
        kinds = {
            "cut": Spoiled(cut_at=place),
            "stall": Spoiled(silent_s=2 * (QUICK.read_timeout_s if self._times < 3 else 0.01)),
            "wrong bytes": Spoiled(content=wrong),
            "404": Spoiled(status=404),
            "503": Spoiled(status=503),
        }
        return kinds.get(self._kind)

    def _change_files(self) -> None:
        for victim in self._folder.rglob("Npix=*.parquet"):
            if self._chance.random() < 0.3:
                spoiled = bytes(byte ^ 1 for byte in victim.read_bytes())
                victim.unlink()  # it shares its blocks with others
                victim.write_bytes(spoiled)


FAULTS = ("cut", "stall", "wrong bytes", "changed", "404", "503", "disk full")


@pytest.mark.parametrize("faults", [14, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_whatever_goes_wrong_the_mirror_is_whole(
    tmp_path: Path,
    host: StaticHost,
    spectra_schema: Schema,
    spectra_rows: RowMaker,
    monkeypatch: pytest.MonkeyPatch,
    faults: int,
) -> None:
    """Complete and equal, or an honest failure with the old snapshot live."""
    chance = random.Random(faults)
    batch = spectra_rows(600)
    build_mirror([batch], spectra_schema, tmp_path / "m", tile_rows=60)
    publish(tmp_path / "m", tmp_path / "www")
    old = pull(host, tmp_path / "home").path.name
    build_mirror([changed(batch, 0.4)], spectra_schema, tmp_path / "m", tile_rows=60)
    publish(tmp_path / "m", tmp_path / "www")
    shutil.copytree(tmp_path / "www", tmp_path / "www.old", symlinks=True)
    shutil.copytree(tmp_path / "home", tmp_path / "home.old", symlinks=True)
    new = open_catalog(tmp_path / "m").path.name
    outcomes = {"equal": 0, "refused": 0}
    for number in range(faults):
        kind = FAULTS[number % len(FAULTS)]
        host.fault = Trouble(kind, chance, tmp_path / "www" / "m")
        with monkeypatch.context() as patched, contextlib.suppress(MirrorError):
            if kind == "disk full":
                fill(patched, chance.randrange(40))
            pull(host, tmp_path / "home")
        live = open_catalog("m", tmp_path / "home")
        assert verify(live) == [], (number, kind)
        assert live.path.name in (old, new), (number, kind)
        outcomes["equal" if live.path.name == new else "refused"] += 1
        host.fault = lambda path, content: None
        shutil.rmtree(tmp_path / "www" / "m")
        shutil.copytree(tmp_path / "www.old" / "m", tmp_path / "www" / "m", symlinks=True)
        assert pull(host, tmp_path / "home").path.name == new, "what is left behind does not hinder the next"
        assert list_snapshot(open_catalog("m", tmp_path / "home")) == list_snapshot(open_catalog(tmp_path / "m"))
        shutil.rmtree(tmp_path / "home")
        shutil.copytree(tmp_path / "home.old", tmp_path / "home", symlinks=True)
    assert min(outcomes.values()) > 0, outcomes


def fill(patched: pytest.MonkeyPatch, calls: int) -> None:
    """Let the disk be full after so many syncs of files and folders."""
    from ssap_mirror.core import storage

    left, flush = calls, storage.flush

    def full(path: Path) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(path)

    patched.setattr(storage, "flush", full)
