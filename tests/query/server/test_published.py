"""`serve --publish`: the mirrors' own files, and nothing else of their folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
import pytest
from ssap_mirror import RequestPolicy, sync
from ssap_mirror.check.snapshot import verify
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.publish.files import list_snapshot
from ssap_query import Mirror
from ssap_query.mirror.shipped import sample_path
from ssap_query.server.application import application

from tests.support.serving import serving


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    shutil.copytree(sample_path(), tmp_path / "m", symlinks=True)
    return tmp_path / "m"


def test_a_served_mirror_is_pulled(mirror: Path, tmp_path: Path) -> None:
    with serving(application({"m": Mirror(mirror)}, publish=True)) as url:
        sync("m", source=f"{url}/m/", home=tmp_path / "home", policy=RequestPolicy(attempts=1))
        pulled = open_catalog("m", tmp_path / "home")
        assert verify(pulled) == []
        assert list_snapshot(pulled) == list_snapshot(open_catalog(mirror))
        assert httpx.get(f"{url}/m/collection.properties").text.startswith("#HATS collection")


@pytest.mark.parametrize("path", ["HISTORY", ".lock", "snapshots/x/../../HISTORY", "snapshots/x%2f..%2f..%2fHISTORY"])
def test_nothing_else_is_served(mirror: Path, path: str) -> None:
    snapshot = open_catalog(mirror).path.name
    with serving(application({"m": Mirror(mirror)}, publish=True)) as url:
        assert httpx.get(f"{url}/m/snapshots/{snapshot}/manifest.json").status_code == 200
        assert httpx.get(f"{url}/m/{path.replace('x', snapshot)}").status_code == 404


def test_unasked_no_file_is_served(mirror: Path) -> None:
    snapshot = open_catalog(mirror).path.name
    with serving(application({"m": Mirror(mirror)})) as url:
        for path in ("files.json", "collection.properties", f"snapshots/{snapshot}/manifest.json"):
            assert httpx.get(f"{url}/m/{path}").status_code == 404
