"""A host that does not do what it should: the right rows, or one sentence that says who did what; never other rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import ssap_query as ssap
from ssap_mirror.core import layout
from ssap_mirror.core.catalog import find_snapshot, manifest_digest
from ssap_mirror.errors import CatalogError
from ssap_mirror.remote import http_store
from ssap_query.mirror.shipped import sample_path

from tests.support.range_host import RangeHost, Reply, range_host
from tests.support.same_table import same_table

POS, SIZE = (292.06, 43.93), 0.7


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = replace(http_store.ANSWER_SOON, first_wait_s=0.01, longest_wait_s=0.02, read_timeout_s=0.5)
    monkeypatch.setattr(http_store, "ANSWER_SOON", policy)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the sample, to be changed."""
    return Path(shutil.copytree(sample_path(), tmp_path / "mirror"))


@pytest.fixture
def host(folder: Path):
    with range_host(folder) as server:
        yield server


@pytest.fixture(scope="module")
def expected():
    return ssap.open(sample_path()).search(pos=POS, size=SIZE).to_arrow()


def partition_of(mirror: ssap.Mirror) -> str:
    """Path of the file in which the cone is."""
    return max(mirror.catalog.row_files, key=lambda item: item["bytes"])["path"]


def only_parts(change: Callable[[Reply], None]) -> Callable[[Reply], None]:
    def lie(reply: Reply) -> None:
        if reply.status == 206:
            change(reply)

    return lie


def no_ranges(reply: Reply) -> None:
    reply.status, reply.body = 200, reply.file.read_bytes()
    reply.headers.pop("Content-Range")


def no_version(reply: Reply) -> None:
    reply.headers.pop("ETag")


def another_version_each_time(reply: Reply) -> None:
    reply.headers["ETag"] = f'"{reply.number}"'


def wrong_byte(reply: Reply) -> None:
    reply.body = bytes([reply.body[0] ^ 1]) + reply.body[1:]


def wrong_byte_in_the_middle(reply: Reply) -> None:
    half = len(reply.body) // 2
    reply.body = reply.body[:half] + bytes([reply.body[half] ^ 255]) + reply.body[half + 1 :]


@pytest.mark.parametrize(
    "lie",
    [no_ranges, no_version, another_version_each_time, wrong_byte, wrong_byte_in_the_middle],
    ids=lambda lie: lie.__name__,
)
def test_what_cannot_be_trusted_in_parts_is_fetched_as_a_whole(lie, host: RangeHost, expected) -> None:
    host.lie = only_parts(lie)
    assert same_table(ssap.open(host.url).search(pos=POS, size=SIZE).to_arrow(), expected)
    assert any(path.endswith(".parquet") and wanted is None for path, wanted in host.requests)


def test_a_failure_that_passes_is_no_failure(host: RangeHost, expected) -> None:
    def lie(reply: Reply) -> None:
        if reply.number % 3 == 1:
            reply.status, reply.body = 503, b"come back later"

    host.lie = lie
    assert same_table(ssap.open(host.url).search(pos=POS, size=SIZE).to_arrow(), expected)


def shifted(reply: Reply) -> None:
    start, _, rest = reply.headers["Content-Range"].removeprefix("bytes ").partition("-")
    reply.headers["Content-Range"] = f"bytes {int(start) + 1}-{rest}"


def cut(reply: Reply) -> None:
    reply.headers["Content-Length"] = str(len(reply.body))
    reply.body = reply.body[:-5]


def too_short(reply: Reply) -> None:
    reply.body = reply.body[:-5]


def too_long(reply: Reply) -> None:
    reply.body += b"12345"


def web_page(reply: Reply) -> None:
    reply.status, reply.body = 200, b"<!DOCTYPE html><html><body>Please log in</body></html>"
    reply.headers.clear()


def packed(reply: Reply) -> None:
    reply.headers["Content-Encoding"] = "br"


def another_size(reply: Reply) -> None:
    reply.headers["Content-Range"] = reply.headers["Content-Range"].rpartition("/")[0] + "/12345678"


def refused(reply: Reply) -> None:
    reply.status, reply.body = 403, b"You may not"


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        (shifted, "answers bytes .* with Content-Range"),
        (cut, "broke off"),
        (too_short, "broke off: received"),
        (too_long, "sends more than"),
        (web_page, "has 54 bytes, not"),
        (packed, "comes packed as 'br'"),
        (another_size, "has 12,345,678 bytes, not"),
        (refused, "answered 403 Forbidden: You may not"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_is_wrong_is_told(lie, said: str, host: RangeHost) -> None:
    mirror = ssap.open(host.url)
    host.lie = only_parts(lie)
    with pytest.raises(CatalogError, match=said) as told:
        mirror.search(pos=POS, size=SIZE)
    assert host.url in str(told.value)
    assert "\n" not in str(told.value)


def test_a_host_that_is_silent_or_gone(folder: Path, tmp_path: Path) -> None:
    with range_host(folder) as host:
        mirror = ssap.open(host.url)
    for ask in (lambda: mirror.search(pos=POS, size=SIZE), lambda: ssap.open(host.url)):
        with pytest.raises(CatalogError, match=r"127\.0\.0\.1 cannot be reached"):
            ask()
    with pytest.raises(CatalogError, match=r"nowhere\.invalid cannot be reached"):
        ssap.open("https://nowhere.invalid/spectra")


@pytest.mark.parametrize("file", ["CURRENT", "manifest.json.sha256", "manifest.json"])
def test_a_web_page_is_no_mirror(file: str, host: RangeHost) -> None:
    def lie(reply: Reply) -> None:
        if reply.path.endswith(file):
            web_page(reply)

    host.lie = lie
    with pytest.raises(CatalogError, match=r"no name of a snapshot|sha256 is none|is not the one that") as told:
        ssap.open(host.url)
    assert host.url in str(told.value)


def test_an_address_without_a_mirror(host: RangeHost) -> None:
    with pytest.raises(CatalogError, match="is not the address of a mirror: there is no CURRENT"):
        ssap.open(f"{host.url}/elsewhere")
    with pytest.raises(CatalogError, match=r"gopher:// cannot be read here: .*ssap-mirror\[remote\]"):
        ssap.open("gopher://host/spectra")


def test_a_snapshot_has_an_address_too(host: RangeHost, folder: Path, expected) -> None:
    mirror = ssap.open(f"{host.url}/snapshots/{find_snapshot(folder).name}/")
    assert same_table(mirror.search(pos=POS, size=SIZE).to_arrow(), expected)


@pytest.mark.parametrize("keeps_version", [False, True])
def test_a_file_that_is_replaced_midway(*, keeps_version: bool, host: RangeHost, folder: Path, expected) -> None:
    mirror = ssap.open(host.url)
    mirror.engine.row_groups.footers(str(path) for path in mirror.catalog.files)
    path = find_snapshot(folder) / partition_of(mirror)
    content = bytearray(path.read_bytes())
    for at in range(1000, 700_000, 100):
        content[at] ^= 255
    path.write_bytes(content)
    if keeps_version:
        host.lie = lambda reply: reply.headers.update(ETag='"the same"')
        mirror = ssap.open(host.url)
    with pytest.raises(CatalogError, match="not the SHA-256 in the manifest") as told:
        mirror.search(pos=POS, size=SIZE)
    assert host.url in str(told.value)
    shutil.copyfile(find_snapshot(sample_path()) / partition_of(mirror), path)
    assert same_table(mirror.search(pos=POS, size=SIZE).to_arrow(), expected), "what was wrong is not kept"


def test_a_file_that_is_gone(host: RangeHost, folder: Path) -> None:
    mirror = ssap.open(host.url)
    (find_snapshot(folder) / partition_of(mirror)).unlink()
    with pytest.raises(CatalogError, match=r"Npix=3\.parquet answered 404"):
        mirror.search(pos=POS, size=SIZE)


def test_a_snapshot_that_is_replaced_midway(host: RangeHost, folder: Path, expected) -> None:
    mirror = ssap.open(host.url)
    old = find_snapshot(folder)
    old.rename(old.with_name("20270101T000000Z"))
    layout.current_file(folder).write_text("20270101T000000Z\n")
    assert same_table(mirror.search(pos=POS, size=SIZE).to_arrow(), expected)
    assert mirror.catalog.path.name == "20270101T000000Z"
    assert not mirror.refresh()


def test_a_manifest_names_no_file_outside_its_snapshot(host: RangeHost, folder: Path, tmp_path: Path) -> None:
    snapshot = find_snapshot(folder)
    for path in ("../../../../x", "/etc/passwd", "dataset/../../x", "dataset//x", "."):
        manifest = json.loads((snapshot / layout.MANIFEST).read_bytes())
        manifest["partitions"][0]["path"] = path
        content = json.dumps(manifest).encode()
        (snapshot / layout.MANIFEST).write_bytes(content)
        (snapshot / layout.MANIFEST_DIGEST).write_bytes(manifest_digest(content))
        with pytest.raises(CatalogError, match="cannot be a file of its snapshot"):
            ssap.open(host.url)


def test_a_cache_that_is_emptied_meanwhile(host: RangeHost, empty_cache: Path, expected) -> None:
    mirror = ssap.open(host.url, cache_bytes=0)
    for _ in range(2):
        assert same_table(mirror.search(pos=POS, size=SIZE).to_arrow(), expected)
        for path in empty_cache.rglob("*.parquet*"):
            path.unlink()


def test_what_needs_a_mirror_of_this_machine_says_so(host: RangeHost) -> None:
    with pytest.raises(CatalogError, match=r"lies elsewhere.*ssap-mirror sync NAME --from http"):
        find_snapshot(host.url)
