"""Two processes that work for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("lsdb", reason="the extra cluster is not installed")


@pytest.fixture(scope="session")
def client() -> Iterator[Any]:
    from ssap_query.cluster.schedulers import connect

    found = connect("processes", workers=2)
    yield found
    found.close()
