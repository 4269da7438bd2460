"""A published mirror: whole, listed with checksums, read by LSDB over HTTP, and never half replaced."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest
from ssap_mirror import build_mirror
from ssap_mirror.check.snapshot import verify
from ssap_mirror.core import layout
from ssap_mirror.core.catalog import Catalog, open_catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import CatalogError, FormatError
from ssap_mirror.publish.folder import publish
from ssap_mirror.sources.published.listing import LISTING, ListedFile, Listing

from tests.mirror.conftest import RowMaker


def test_every_file_is_there_and_listed(live_mirror: Catalog, tmp_path: Path) -> None:
    done = publish(live_mirror.path.parents[1], tmp_path / "www", licence="CC BY <4.0>")
    assert done.folder == tmp_path / "www" / "spectra"
    listed = Listing.from_json((done.folder / LISTING).read_bytes(), "here")
    assert (listed.snapshot, len(listed.files), listed.rows) == (live_mirror.path.name, done.files, 500)
    for file in listed.files:
        content = (done.folder / file.path).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256)
    copied = {path.relative_to(done.folder).as_posix() for path in done.folder.rglob("*/*") if path.is_file()}
    assert copied == {file.path for file in listed.files}
    assert verify(open_catalog(done.folder)) == [], "it is a mirror like any other"
    page = (done.folder / "index.html").read_text()
    assert "CC BY &lt;4.0&gt;" in page
    assert "SYNTHETIC" in page


def test_one_file_for_archives_has_all_of_it(live_mirror: Catalog, tmp_path: Path) -> None:
    done = publish(live_mirror.path.parents[1], tmp_path / "www", archive=True)
    assert done.archive is not None
    with tarfile.open(done.archive) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert verify(open_catalog(tmp_path / "unpacked" / "spectra")) == []
    names = {path.name for path in (tmp_path / "unpacked" / "spectra").iterdir()}
    assert {LISTING, "SHA256SUMS", "index.html", "moc.json", "CURRENT", layout.COLLECTION} <= names


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "snapshots/../../x", "snapshots/20260101T000000Z/../x", "snapshots/20260102T000000Z/x", "x",
     "supplements/20260101T000000Z", "snapshots/20260101T000000Z//x", "snapshots\\20260101T000000Z\\x"],
)  # fmt: skip
def test_a_listing_names_no_file_outside_its_snapshot(path: str) -> None:
    files = (ListedFile("snapshots/20260101T000000Z/a", 1, "0" * 64), ListedFile(path, 1, "0" * 64))
    content = Listing("m", "M", "20260101T000000Z", 1, None, files).to_json()
    with pytest.raises(FormatError, match="cannot be a file of its snapshot"):
        Listing.from_json(content, "http://host/m/files.json")
    good = Listing("m", "M", "20260101T000000Z", 1, None, files[:1])
    assert Listing.from_json(good.to_json(), "") == good


def test_the_snapshot_that_was_published_before_stays_for_its_readers(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    names = []
    for rows in (40, 50, 60):
        catalog = build_mirror([spectra_rows(rows)], spectra_schema, tmp_path / "m")
        names.append(publish(tmp_path / "m", tmp_path / "www").snapshot)
        assert open_catalog(tmp_path / "www" / "m").rows == catalog.rows == rows
    assert layout.snapshot_names(tmp_path / "www" / "m") == tuple(names[1:])


def test_damage_is_not_published(live_mirror: Catalog, tmp_path: Path) -> None:
    victim = live_mirror.files[0]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    with pytest.raises(CatalogError, match="damaged"):
        publish(live_mirror.path.parents[1], tmp_path / "www")
    assert not (tmp_path / "www" / "spectra" / "CURRENT").exists()


def test_a_mirror_is_not_overwritten(
    live_mirror: Catalog, tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    with pytest.raises(CatalogError, match="is the mirror itself"):
        publish(live_mirror.path.parents[1], live_mirror.path.parents[2])
    build_mirror([spectra_rows(20)], spectra_schema, tmp_path / "other" / "spectra")
    with pytest.raises(CatalogError, match="was not published there"):
        publish(live_mirror.path.parents[1], tmp_path / "other")


@pytest.mark.parametrize("name", ["index.html", "moc.json", layout.COLLECTION])
def test_files_of_others_are_not_overwritten(name: str, live_mirror: Catalog, tmp_path: Path) -> None:
    own = tmp_path / "www" / "spectra" / name
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    with pytest.raises(CatalogError, match=f"{name} is no file of a publication"):
        publish(live_mirror.path.parents[1], tmp_path / "www")
    assert [path.name for path in own.parent.iterdir()] == [name]
    assert own.read_text() == "mine"
    own.rename(tmp_path / name)
    assert publish(live_mirror.path.parents[1], tmp_path / "www").files > 0
