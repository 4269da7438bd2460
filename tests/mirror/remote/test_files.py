"""Parts of files in the cache: what is fetched, what is kept, and what a footer is held against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.checksums import FilePart
from ssap_mirror.errors import CatalogError
from ssap_mirror.remote.cached_file import CachedFile
from ssap_mirror.remote.catalog import RemoteMirror
from ssap_mirror.remote.files import RemoteFiles
from ssap_mirror.remote.store import Deliver, FileRange


class Folder:
    """A store that reads a folder, and notes what was asked of it."""

    url = "test://host/mirror"
    requests = received = 0

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[FileRange] = []
        self.changed: dict[int, int] = {}

    def read(self, path: str) -> bytes | None:
        return (self.root / path).read_bytes()

    def fetch(self, ranges: Sequence[FileRange], deliver: Deliver) -> None:
        for wanted in ranges:
            self.asked.append(wanted)
            content = bytearray(self.read(wanted.path) or b"")
            for at, change in self.changed.items():
                content[at] ^= change
            deliver(wanted, bytes(content[wanted.start : wanted.stop]), "1")


def remote_files(catalog: Catalog, cache: Path) -> tuple[RemoteFiles, Folder]:
    store = Folder(catalog.path)
    return RemoteFiles(cache, catalog.manifest, store, ""), store


def test_a_manifest_has_the_digest_of_each_footer(live_mirror: Catalog) -> None:
    for item in live_mirror.row_files:
        content = (live_mirror.path / item["path"]).read_bytes()
        length = int.from_bytes(content[-8:-4], "little")
        assert item["footer_bytes"] == length + 8
        assert len(item["footer_sha256"]) == 64


@pytest.fixture
def large(live_mirror: Catalog, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """A mirror no file of which is so small that it comes as a whole."""
    monkeypatch.setattr("ssap_mirror.remote.files._SMALL_FILE_BYTES", 0)
    monkeypatch.setattr("ssap_mirror.remote.files._MOST_OF_IT", 1.0)
    monkeypatch.setattr("ssap_mirror.remote.files._GAP_BYTES", 0)
    return live_mirror


def test_no_byte_is_fetched_twice(large: Catalog, tmp_path: Path) -> None:
    files, store = remote_files(large, tmp_path / "cache")
    path = large.row_files[0]["path"]
    whole = FilePart(str(tmp_path / "cache" / path))
    files.check_parts([FilePart(whole.path, ["ra"])])
    files.check_parts([FilePart(whole.path, ["ra", "dec"])])
    files.check([whole.path])
    seen: set[int] = set()
    for wanted in store.asked:
        assert not seen & set(range(wanted.start, wanted.stop))
        seen |= set(range(wanted.start, wanted.stop))
    assert len(seen) == large.row_files[0]["bytes"]
    assert Path(whole.path).read_bytes() == (large.path / path).read_bytes()
    again, store = remote_files(large, tmp_path / "cache")
    again.check([whole.path])
    assert store.asked == [], "another program finds it"


def test_a_column_is_read_from_what_was_fetched(large: Catalog, tmp_path: Path) -> None:
    files, _ = remote_files(large, tmp_path)
    part = FilePart(str(tmp_path / large.row_files[0]["path"]), ["dec"])
    files.check_parts([part])
    near = pq.read_table(large.path / large.row_files[0]["path"], columns=["dec"])
    assert pq.ParquetFile(part.path).read(columns=["dec"]).equals(near)


def test_a_footer_is_held_against_its_digest(large: Catalog, tmp_path: Path) -> None:
    files, store = remote_files(large, tmp_path)
    item = large.row_files[0]
    store.changed = {item["bytes"] - item["footer_bytes"] // 2: 1}
    with pytest.raises(CatalogError, match="not the SHA-256 in the manifest"):
        files.check_parts([FilePart(str(tmp_path / item["path"]), columns=())])
    assert store.asked[-1].is_whole
    store.changed = {}
    files.check_parts([FilePart(str(tmp_path / item["path"]), columns=())])


def test_without_a_digest_the_size_of_a_footer_is_guessed(large: Catalog, tmp_path: Path) -> None:
    for item in large.row_files:
        del item["footer_bytes"], item["footer_sha256"]
    item = large.row_files[0]
    files, store = remote_files(large, tmp_path)
    files.check_parts([FilePart(str(tmp_path / item["path"]), columns=())])
    assert len(store.asked) == 1
    files._empty_footer, files._footer_bytes_per_row, files._columns = 8, 0, 0  # too short a guess
    files, store = remote_files(large, tmp_path / "other")
    files._empty_footer, files._footer_bytes_per_row, files._columns = 8, 0, 0
    files.check_parts([FilePart(str(tmp_path / "other" / item["path"]), ["ra"])])
    assert len(store.asked) == 3


def test_a_footer_of_another_file_is_told_by_its_rows(large: Catalog, tmp_path: Path) -> None:
    item = large.row_files[0]
    del item["footer_bytes"], item["footer_sha256"]
    item["rows"] += 1
    files, store = remote_files(large, tmp_path)
    files.check_parts([FilePart(str(tmp_path / item["path"]), columns=())])
    assert store.asked[-1].is_whole, "what is doubtful is fetched as a whole, and held against its checksum"


def test_what_is_known_of_a_file_outlives_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    file = CachedFile(path, "x.parquet", 10)
    file.write(2, b"abc", "1")
    file.keep([(2, 5)])
    assert CachedFile(path, "x.parquet", 10).missing([(0, 10)]) == [(0, 2), (5, 10)]
    assert CachedFile(path, "x.parquet", 11).missing([(0, 10)]) == [(0, 10)], "a file of another size is another one"
    for nonsense in ("", "{}", '{"version": 1, "ranges": [[5, 2]]}', '{"version": 1, "ranges": [[0, 99]]}'):
        path.with_name("x.parquet.ranges").write_text(nonsense)
        assert CachedFile(path, "x.parquet", 10).missing([(0, 10)]) == [(0, 10)]


def test_snapshots_opened_long_ago_leave_the_cache(live_mirror: Catalog, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SSAP_MIRROR_CACHE", str(tmp_path))
    mirror = RemoteMirror(f"file://{live_mirror.path.parents[1]}")
    opened = mirror.open()
    for name in ("b", "c", "d"):
        (opened.path.parents[1] / name).mkdir()
    mirror.open()
    assert opened.path.is_dir()
    assert len(list(opened.path.parents[1].iterdir())) == 2
