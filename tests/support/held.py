"""What a mirror holds, and what the DaCHS fixture's database holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from ssap_mirror.check.snapshot import verify
from ssap_mirror.core.catalog import Catalog, open_catalog

from scripts.dachs import rows


def mirror_rows(catalog: Catalog, key: str = "mobsid") -> pa.Table:
    """All rows of a snapshot, by a column."""
    names = list(catalog.schema.names)
    return pa.concat_tables(pq.read_table(path, columns=names) for path in catalog.files).sort_by(key)


def assert_holds(home: Path, rows: pa.Table, key: str = "mobsid") -> None:
    """The mirror ``test`` is sound and has these rows and no others."""
    catalog = open_catalog("test", home)
    assert verify(catalog) == []
    found, expected = mirror_rows(catalog, key), rows.sort_by(key)
    for name in expected.column_names:
        assert found.column(name).to_pylist() == expected.column(name).to_pylist(), name


def database_table(*table: Any) -> pa.Table:
    """Rows of a table of the fixture's database, as ``scripts/dachs/rows.py`` reads them."""
    found: pa.Table = rows.read_rows(*table)
    return found
