"""The bytes of one column's cells, and how many there are (VOTable 1.5 §2.1 and §5.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.schema import Column

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = [
    "NUMBERS",
    "BadCellError",
    "BadCells",
    "Cells",
    "bytes_of",
    "cell_bytes",
    "fixed_items",
    "is_variable",
    "item_bits",
    "least_bytes",
]

# Of a text that cannot be read.
_SHOWN = 60
#: numpy type of the numbers that one item consists of, and how many they are.
NUMBERS = {
    "unsignedByte": ("u1", 1),
    "short": ("i2", 1),
    "int": ("i4", 1),
    "long": ("i8", 1),
    "float": ("f4", 1),
    "double": ("f8", 1),
    "floatComplex": ("f4", 2),
    "doubleComplex": ("f8", 2),
}
_OTHER_BITS = {"boolean": 8, "bit": 1, "char": 8, "unicodeChar": 16}


class BadCellError(Exception):
    """A cell that cannot be what its column holds: its index, and what is wrong with it."""

    def __init__(self, index: int, reason: str) -> None:
        self.index = index
        self.reason = reason
        super().__init__(index, reason)


@dataclass
class Cells:
    """Cells of one column as they came."""

    data: NDArray[np.uint8]
    """Shape (N, W) where each cell takes W bytes; else all cells that are not NULL one after the other."""
    lengths: NDArray[np.int64] | None
    """Items of each cell, shape (N,), 0 where NULL; None where the size is fixed."""
    nulls: NDArray[np.bool_] | None
    """Which are NULL, shape (N,); None if nothing says so."""


def is_variable(column: Column) -> bool:
    """Whether a length stands before each cell."""
    return "*" in (column.arraysize or "")


def item_bits(column: Column) -> int:
    """Bits of one item: of one that a length counts."""
    if column.datatype in NUMBERS:
        kind, count = NUMBERS[column.datatype]
        return 8 * int(kind[1]) * count
    return _OTHER_BITS[column.datatype]


def least_bytes(column: Column) -> int:
    """Bytes that a cell takes at least, NULL or not; in Arrow it is about the same."""
    return 4 if is_variable(column) else cell_bytes(column)


def cell_bytes(column: Column) -> int:
    """Bytes of a cell of fixed size."""
    return item_bits(column) * fixed_items(column) + 7 >> 3


def bytes_of(pieces: pa.Array) -> NDArray[np.uint8]:
    """Bytes of an Arrow binary array that was just made, one value after the other."""
    _, bounds, data = pieces.buffers()
    if data is None or not len(pieces):
        return np.empty(0, np.uint8)
    end = int(np.frombuffer(bounds, np.int32)[len(pieces)])
    return np.frombuffer(data, np.uint8, end)


def fixed_items(column: Column) -> int:
    """Items of a cell of fixed size."""
    items = 1
    for part in (column.arraysize or "1").split("x"):
        items *= int(part)
    return items


class BadCells:
    """Cells that could not be read, and were taken as missing: how many in each column, and the first of them."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._firsts: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, column: str, text: str, cells: int = 1) -> None:
        """Count cells of a column; the text of the first is remembered."""
        self._counts[column] = self._counts.get(column, 0) + cells
        self._firsts.setdefault(column, text[:_SHOWN])

    def to_json(self) -> dict[str, list[int | str]]:
        """Column -> number of cells, and the text of the first."""
        return {column: [count, self._firsts[column]] for column, count in self._counts.items()}

    def words(self) -> tuple[str, ...]:
        """Say it, a sentence for each column."""
        return tuple(
            f"{count:,} cells of {column} cannot be read and are taken as missing, the first says "
            f"{self._firsts[column]!r}"
            for column, count in self._counts.items()
        )
