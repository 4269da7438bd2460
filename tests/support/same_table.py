"""Whether two tables have the same rows, where NaN is NaN."""

from __future__ import annotations

import pyarrow as pa

__all__ = ["same_table"]


def same_table(first: pa.Table, second: pa.Table, sort_by: str | None = None) -> bool:
    """Compare columns, types and values, in the order of the rows or of a column that tells them apart."""
    if sort_by is not None:
        first, second = first.sort_by(sort_by), second.sort_by(sort_by)
    if not first.schema.equals(second.schema) or len(first) != len(second):
        return False
    # Arrow itself holds NaN for unequal to NaN, so what it finds unequal is looked at as text.
    pairs = zip(first.columns, second.columns, strict=True)
    return all(one.equals(other) or repr(one.to_pylist()) == repr(other.to_pylist()) for one, other in pairs)
