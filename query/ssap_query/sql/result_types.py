"""Types of a query's result, for those that DuckDB alone makes of ordinary columns: sums, decimals, ENUMs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ResultTypes"]

_LONG_DIGITS = 18


class ResultTypes:
    """Types that people expect: a sum of integers is a 64-bit integer where it fits, a decimal fraction a double.

    Parameters
    ----------
    found : pyarrow.Schema
        Types as DuckDB gives them.
    """

    def __init__(self, found: pa.Schema) -> None:
        import pyarrow as pa

        self.stored: pa.Schema = pa.schema([field.with_type(_stored(field.type)) for field in found])
        """Types of `batches`."""
        # HUGEINT is the type of any sum of integers; most of them fit 64 bits, which is known at the end.
        self._huge = {i: True for i, field in enumerate(self.stored) if pa.types.is_decimal(field.type)}

    def batches(self, found: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows in the types `stored`."""
        import pyarrow as pa

        for batch in found:
            for i, fits in self._huge.items():
                self._huge[i] = fits and _fits(batch.column(i))
            if batch.schema.equals(self.stored):
                yield batch
            else:
                pairs = zip(batch.columns, self.stored, strict=True)
                yield pa.RecordBatch.from_arrays([_cast(a, field.type) for a, field in pairs], schema=self.stored)

    def schema(self) -> pa.Schema:
        """Types of the result, once all rows have been seen: those that `stored` can be cast to."""
        import pyarrow as pa

        fields = [
            field.with_type(pa.int64()) if self._huge.get(i) else field.with_name(field.name)
            for i, field in enumerate(self.stored)
        ]
        return pa.schema(fields)


def _stored(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_decimal(kind):
        if kind.scale:
            return pa.float64()
        return pa.int64() if kind.precision <= _LONG_DIGITS else kind
    return pa.string() if pa.types.is_dictionary(kind) or pa.types.is_null(kind) else kind


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_decimal(array.type) and pa.types.is_floating(kind):
        array = array.cast(pa.string())  # digits are rounded once; Arrow's own way may be off by the last bit
    return array if array.type.equals(kind) else array.cast(kind)


def _fits(array: pa.Array) -> bool:
    """Whether 64-bit integers hold all values."""
    import pyarrow as pa

    try:
        array.cast(pa.int64())
    except pa.ArrowInvalid:
        return False
    return True
