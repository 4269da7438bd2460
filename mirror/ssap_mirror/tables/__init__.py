"""Any table, in a file or in memory, as Arrow batches with units and UCDs."""

from __future__ import annotations

from ssap_mirror.tables.open import open_table
from ssap_mirror.tables.table import Table

__all__ = ["Table", "open_table"]
