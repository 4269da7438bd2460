"""Two processes that work for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lsdb", reason="the extra cluster is not installed")


@pytest.fixture(scope="session")
def client() -> Iterator[Any]:
    from ssap_query.cluster.schedulers import connect

    found = connect("processes", workers=2)
    yield found
    found.close()


@pytest.fixture(scope="session")
def folder(awkward: Any, mirror_of: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a mirror of the awkward rows in some twenty partitions: each costs LSDB as much as its rows."""
    made: Path = mirror_of(awkward.table, awkward.schema, tmp_path_factory.mktemp("cluster"), "several", 400)
    return made
