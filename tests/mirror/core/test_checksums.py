"""A file is read only as it was written: what is compared when, what is remembered, and where."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog, open_catalog, read_catalog
from ssap_mirror.core.checksums import Checksums
from ssap_mirror.errors import CatalogError
from ssap_mirror.sources.harvest.refresh_base import base_batches


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are read for their digests."""
    names: list[str] = []
    digest = storage.sha256

    def sha256(path: Path) -> str:
        names.append(path.name)
        return digest(path)

    monkeypatch.setattr(storage, "sha256", sha256)
    return names


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of two files that were written some time ago, and a cache of their own."""
    monkeypatch.setenv(layout.CACHE_VARIABLE, str(tmp_path / "cache"))
    path = tmp_path / "snapshot"
    path.mkdir()
    for name in "ab":
        (path / name).write_bytes(name.encode() * 1000)
    time.sleep(0.02)
    return path


def made(folder: Path, settled_ns: int = 0) -> Checksums:
    return Checksums(folder, {name: storage.sha256(folder / name) for name in "ab"}, settled_ns)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    with path.open("r+b") as file:
        file.write(content)


def test_a_memory_of_other_checksums_is_none(folder: Path) -> None:
    """Where a manifest of another time has taken the place of this one, nothing was compared with it."""
    made(folder).check([folder / "a"])
    with pytest.raises(CatalogError, match="is damaged: a:"):
        Checksums(folder, {"a": "0" * 64}).check([folder / "a"])


def test_each_file_is_read_once(folder: Path, hashed: list[str]) -> None:
    sums = made(folder)
    hashed.clear()
    sums.check([folder / "a"])
    sums.check([str(folder / "a"), folder / "b"])
    sums.check([folder / "b"])
    assert hashed == ["a", "b"]


def test_what_was_checked_is_remembered_by_the_next_process(folder: Path, hashed: list[str]) -> None:
    made(folder).check([folder / "a"])
    hashed.clear()
    made(folder).check([folder / "a", folder / "b"])
    assert hashed == ["a", "b", "b"]


@pytest.mark.parametrize("change", ["content", "times restored", "another file", "gone"])
def test_a_change_is_noticed_whatever_is_remembered(folder: Path, change: str) -> None:
    sums = made(folder)
    sums.check([folder / "a", folder / "b"])
    before = (folder / "a").stat()
    if change == "gone":
        (folder / "a").unlink()
    elif change == "another file":
        (folder / "new").write_bytes(b"A" * 1000)
        (folder / "new").replace(folder / "a")
    else:
        flip(folder / "a")
    if change != "gone":
        os.utime(folder / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    for again in (sums, sums, Checksums(folder, {name: before_digest(name) for name in "ab"}, 0)):
        with pytest.raises(CatalogError, match=r"ssap-mirror verify"):
            again.check([folder / "b", folder / "a"])
        again.check([folder / "b"])


def before_digest(name: str) -> str:
    import hashlib

    return hashlib.sha256(name.encode() * 1000).hexdigest()


def test_all_that_is_damaged_is_named(folder: Path) -> None:
    sums = Checksums(folder, {"a": "0" * 64, "b": "1" * 64}, 0)
    with pytest.raises(CatalogError, match=rf"snapshot {folder} is damaged: a, b: not the SHA-256 in the manifest"):
        sums.check([folder / "a", folder / "b"])


def test_what_changed_just_now_is_not_remembered(folder: Path, hashed: list[str]) -> None:
    """It could change again within the grain of the file system's times."""
    sums = made(folder, 10**12)
    sums.trust()
    hashed.clear()
    sums.check([folder / "a"])
    sums.check([folder / "a"])
    assert hashed == ["a", "a"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"x": 1}', b'{"x": [1, 2]}', b"\xff\xfe", None])
def test_a_memory_that_makes_no_sense_is_none(folder: Path, hashed: list[str], content: bytes | None) -> None:
    made(folder).check([folder / "a"])
    (memory,) = layout.cache_dir().rglob("*.json")  # type: ignore[union-attr]
    if content is None:
        memory.unlink()
        memory.mkdir()
    else:
        memory.write_bytes(content.replace(b"x", str(folder / "a").encode()))
    hashed.clear()
    made(folder).check([folder / "a"])
    assert hashed == ["a", "b", "a"]


@pytest.mark.parametrize("why", ["no home", "a file in the way"])
def test_without_a_cache_folder_it_is_remembered_as_long_as_it_is_open(
    folder: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "no home":
        monkeypatch.setattr(layout, "cache_dir", lambda: None)
    else:
        (folder / "file").write_text("")
        monkeypatch.setenv(layout.CACHE_VARIABLE, str(folder / "file" / "cache"))
    sums = made(folder)
    hashed.clear()
    for _ in range(2):
        sums.check([folder / "a"])
    assert hashed == ["a"]
    made(folder).check([folder / "a"])
    assert hashed == ["a", "a", "b", "a"]


def test_the_cache_folder_is_that_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(layout.CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert layout.cache_dir() == Path("/somewhere/ssap-mirror")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert layout.cache_dir() == Path.home() / ".cache" / "ssap-mirror"


def test_snapshots_long_unread_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(layout.CACHE_VARIABLE, str(tmp_path / "cache"))
    for number in range(5):
        snapshot = tmp_path / f"snapshot-{number}"
        snapshot.mkdir()
        (snapshot / "a").write_text("a")
        digests = {"a": storage.sha256(snapshot / "a")}
        Checksums(snapshot, digests, settled_ns=0, max_remembered=3).check([snapshot / "a"])
        time.sleep(0.02)
    kept = {path.name.rpartition("-")[0].rpartition("-")[0] for path in (tmp_path / "cache").rglob("*.json")}
    assert kept == {"snapshot-2", "snapshot-3", "snapshot-4"}


def test_from_many_threads_each_file_is_read_once(folder: Path, hashed: list[str]) -> None:
    sums = made(folder)
    hashed.clear()
    threads = [threading.Thread(target=sums.check, args=([folder / "a", folder / "b"],)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(hashed) == ["a", "b"]


class TestSnapshot:
    """What is compared when a snapshot is opened, and when its rows are read."""

    def test_opening_reads_no_partition(self, live_mirror: Catalog, hashed: list[str]) -> None:
        shutil.copytree(live_mirror.path, live_mirror.path.parent / "copy")
        catalog = open_catalog(live_mirror.path.parent / "copy")
        assert sorted(hashed) == [
            "_common_metadata", "_metadata", "data_thumbnail.parquet", "hats.properties", "partition_info.csv",
            "properties", "service.xml", "skymap.fits",
        ]  # fmt: skip
        hashed.clear()
        rows = sum(batch.num_rows for batch in base_batches(catalog, catalog.schema))
        assert rows == catalog.rows
        assert len(hashed) == len(catalog.files)

    def test_what_was_built_here_is_known(self, live_mirror: Catalog, hashed: list[str]) -> None:
        time.sleep(0.2)
        live_mirror.checksums.trust()
        catalog = open_catalog(live_mirror.path)
        catalog.checksums.check(catalog.files)
        assert hashed == []

    @pytest.mark.parametrize("file", ["hats.properties", "partition_info.csv", "service.xml", "dataset/_metadata"])
    def test_a_damaged_file_without_rows_shows_at_once(self, live_mirror: Catalog, file: str) -> None:
        flip(live_mirror.path / file)
        with pytest.raises(CatalogError, match=rf"is damaged: {file}: not the SHA-256 .* \(ssap-mirror verify says"):
            open_catalog(live_mirror.path)
        assert read_catalog(live_mirror.path).rows == live_mirror.rows

    @pytest.mark.parametrize("file", ["manifest.json", "manifest.json.sha256"])
    def test_a_damaged_manifest_shows_at_once(self, live_mirror: Catalog, file: str) -> None:
        content = bytearray((live_mirror.path / file).read_bytes())
        content[10] ^= 1
        (live_mirror.path / file).write_bytes(content)
        with pytest.raises(CatalogError, match=r"manifest.json is damaged: its SHA-256 is not that in .* verify says"):
            open_catalog(live_mirror.path)

    def test_a_file_that_is_cut_off_or_gone_shows_at_once(self, live_mirror: Catalog) -> None:
        part = live_mirror.partitions[1].path
        size = part.stat().st_size
        os.truncate(part, size - 1)
        with pytest.raises(CatalogError, match=rf"has {size - 1:,} bytes, and {size:,} in the manifest \(ssap-mirror"):
            open_catalog(live_mirror.path)
        part.unlink()
        with pytest.raises(CatalogError, match=r"cannot be read: No such file or directory \(ssap-mirror verify"):
            open_catalog(live_mirror.path)

    def test_no_row_of_a_damaged_base_goes_into_a_refresh(self, live_mirror: Catalog) -> None:
        catalog = open_catalog(live_mirror.path)
        flip(catalog.files[-1])
        with pytest.raises(CatalogError, match=r"is damaged.*a full sync does without it"):
            next(base_batches(catalog, catalog.schema))

    def test_the_pages_have_checksums(self, live_mirror: Catalog) -> None:
        """Arrow compares them each time it reads, so bytes that rot later, unnoticed by the file system, are found."""
        import pyarrow.parquet as pq

        path = live_mirror.partitions[0].path
        column = pq.read_metadata(path).row_group(0).column(0)
        with path.open("r+b") as file:
            file.seek(column.data_page_offset + column.total_compressed_size - 2)
            file.write(b"\x55\xaa")
        with (
            pq.ParquetFile(path, page_checksum_verification=True) as file,
            pytest.raises(OSError, match="CRC checksum verification failed"),
        ):
            file.read(columns=[column.path_in_schema])
