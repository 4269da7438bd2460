"""A mirror made from a real DaCHS server's TAP service holds exactly what the server's database holds."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pyarrow as pa
import pytest
from ssap_mirror.core.catalog import Catalog, open_catalog
from ssap_mirror.errors import SourceError
from ssap_mirror.pipeline.sync import sync
from ssap_mirror.sources.source import RequestPolicy

from tests.support.held import database_table, mirror_rows

pytestmark = [pytest.mark.dachs, pytest.mark.xdist_group("dachs"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def root() -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(os.environ["SSAP_MIRROR_DACHS"]))


def database_rows(catalog: Catalog, root: str) -> pa.Table:
    """Rows of ``lamost6.ssa_lrs``, as answers should show them."""
    table = database_table("lamost6", urlsplit(root).port or 80, "ssa_lrs", catalog.schema)
    for at, field in enumerate(table.schema):
        texts = table.column(at).to_pylist()
        if field.name == "accref":
            texts = [f"{root}/getproduct/{quote(text)}" for text in texts]
        elif field.metadata[b"datatype"] == b"char":
            # DaCHS sends columns of type text as ASCII.
            texts = [None if text is None else re.sub(r"[^\x00-\x7f]", "?", text) for text in texts]
        table = table.set_column(at, field, pa.array(texts, field.type))
    return table.sort_by("obsid")


def jobs(root: str) -> set[str]:
    return set(re.findall(r'jobref id="(\w+)"', httpx.get(f"{root}/tap/async", follow_redirects=True).text))


def test_a_mirror_of_a_tap_table_holds_exactly_the_rows_of_the_database(root: str, tmp_path: Path) -> None:
    before = jobs(root)
    report = sync("lamost6-lrs", source=f"{root}/tap", home=tmp_path, policy=RequestPolicy(job_rows=2000))
    assert report.complete
    assert report.slices >= 4
    again = sync("lamost6-lrs", source=f"{root}/tap", home=tmp_path, policy=RequestPolicy(job_rows=2000))
    assert again.complete
    assert again.bytes < report.bytes / 2
    assert jobs(root) <= before, "every job was deleted"
    catalog = open_catalog("lamost6-lrs", tmp_path)
    assert catalog.manifest["harvest"]["refresh_of"] is not None
    truth = database_rows(catalog, root)
    mirror = mirror_rows(catalog, "obsid")
    assert len(mirror) == len(truth) == report.rows > 1000
    for name in truth.column_names:
        ours, theirs = mirror.column(name), truth.column(name)
        assert ours.type == theirs.type, name
        # As text NULL is not NaN, and NaN is NaN.
        assert [repr(value) for value in ours.to_pylist()] == [repr(value) for value in theirs.to_pylist()], name


def test_a_table_that_is_not_on_tap(root: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"does not give the table lamost6\.ssa_mrs"):
        sync("mrs", source=f"{root}/tap#lamost6.ssa_mrs", home=tmp_path)
