"""Text of cells -> Arrow values (VOTable 1.5 §5.1 and §6), for TABLEDATA, for PARAMs, and for other text tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.schema import Column
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.votable.cells import BadCells

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["TextColumn", "item_type", "null_where", "wrap_items"]

_SHOWN = 60
_TRUTH = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}
_UNKNOWN = ("?", "\x00", "")


def item_type(column: Column) -> pa.DataType:
    """Arrow type of one item of a cell: of the column itself, or of the items of its lists."""
    import pyarrow as pa

    whole = column.arrow_type()
    return whole.value_type if pa.types.is_list(whole) or pa.types.is_fixed_size_list(whole) else whole


def null_where(values: pa.Array, column: Column) -> pa.Array:
    """Set to NULL what equals the column's VALUES null, in whatever serialisation (VOTable 1.5 §5.5)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null is None:
        return values
    try:
        null = pc.cast(pa.scalar(column.null.strip()), values.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        # No value of this datatype, so none can equal it; text that spells it is seen to where text is read.
        return values
    if pa.types.is_floating(values.type) and null.as_py() != null.as_py():
        same = pc.is_nan(values)
    else:
        same = pc.equal(values, null)
    if not pc.any(same).as_py():
        return values
    return pc.if_else(same, pa.scalar(None, values.type), values)


def wrap_items(column: Column, items: pa.Array, lengths: NDArray[np.int64], nulls: NDArray[np.bool_]) -> pa.Array:
    """Put items into the lists of a column with an arraysize.

    Parameters
    ----------
    column : Column
        Tells whether its lists are of one size.
    items : pyarrow.Array
        Of all cells that are not NULL, one after the other.
    lengths : numpy.ndarray of int64, shape (N,)
        Items of each cell, 0 where it is NULL.
    nulls : numpy.ndarray of bool, shape (N,)
        Which cells are NULL.
    """
    import pyarrow as pa

    whole = column.arrow_type()
    mask = pa.array(nulls) if nulls.any() else None
    if pa.types.is_list(whole):
        offsets = np.zeros(len(lengths) + 1, np.int32)
        np.cumsum(lengths, out=offsets[1:])
        return pa.ListArray.from_arrays(pa.array(offsets), items, type=whole, mask=mask)
    if mask is not None:
        size = whole.list_size
        numbers = np.cumsum(~nulls) - 1
        places = numbers[:, None] * size + np.arange(size)
        items = items.take(pa.array(places.ravel(), mask=np.repeat(nulls, size)))
    return pa.FixedSizeListArray.from_arrays(items, type=whole, mask=mask)


class TextColumn:
    """Reads the text of the cells of one column.

    An empty cell is NULL whatever the datatype: TABLEDATA has no other way to say NULL, and none to say "empty string".
    A float cell that says ``NaN`` is NaN. Text is kept as sent, its blanks included.

    Parameters
    ----------
    column : Column
        What the cells hold.
    bad : BadCells, optional
        Told of cells that cannot be read, which are NULL then; without it they are errors.

    Raises
    ------
    FormatError
        If VOTable does not know the datatype.
    """

    def __init__(self, column: Column, bad: BadCells | None = None) -> None:
        self.column = column
        self._bad = bad
        self.type = column.arrow_type()
        self._item = item_type(column)
        self._parse = self._parser()

    def parse(self, cells: pa.Array, first_row: int = 1) -> pa.Array:
        """Values of some cells.

        Parameters
        ----------
        cells : pyarrow.StringArray
            Text of the cells, NULL for an empty one.
        first_row : int
            Number of the first of them, for errors.

        Raises
        ------
        FormatError
            If a cell is not of the datatype; names row, column and text.
        """
        try:
            return self._parse(cells)
        except _BadCellError as error:
            if self._bad is not None:
                return self._readable(cells, self._bad)
            row = "" if first_row < 0 else f"row {first_row + error.index:,}: "
            message = f"{row}column {self.column.name!r}: {_shown(error.text)} is {error.reason}"
            raise FormatError(message) from None

    def _readable(self, cells: pa.Array, bad: BadCells) -> pa.Array:
        """Values of those cells that can be read, NULL for the others: halved until these stand alone."""
        import pyarrow as pa

        try:
            return self._parse(cells)
        except _BadCellError as error:
            if len(cells) == 1:
                bad.add(self.column.name, error.text)
                return pa.nulls(1, self.type)
        middle = len(cells) // 2
        halves = (cells.slice(0, middle), cells.slice(middle))
        return pa.concat_arrays([self._readable(half, bad) for half in halves])

    def parse_one(self, text: str) -> object:
        """Python value of one cell, None for an empty one.

        Raises
        ------
        FormatError
            If it is not of the datatype.
        """
        import pyarrow as pa

        return self.parse(pa.array([text or None], pa.string()), -1)[0].as_py()

    def _parser(self) -> Callable[[pa.Array], pa.Array]:
        column = self.column
        if column.is_text:
            return self._strings if column.shape else self._text
        if column.datatype == "bit" and column.shape:
            return self._bits
        if column.shape or column.datatype.endswith("Complex"):
            return self._arrays
        return self._scalars

    def _text(self, cells: pa.Array) -> pa.Array:
        return null_where(cells, self.column)

    def _scalars(self, cells: pa.Array) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_boolean(self._item):
            return self._booleans(cells)
        try:
            values = pc.cast(cells, self._item)
        except pa.ArrowInvalid:
            values = self._loosely_written(cells)
        return null_where(values, self.column)

    def _loosely_written(self, cells: pa.Array) -> pa.Array:
        """Numbers with blanks around them, with a plus sign, or with a null literal that is no number."""
        import pyarrow as pa
        import pyarrow.compute as pc

        trimmed = pc.replace_substring_regex(pc.ascii_trim_whitespace(cells), r"^\+([0-9.])", r"\1")
        blank = pc.equal(trimmed, "")
        if self.column.null is not None:
            blank = pc.or_(blank, pc.equal(trimmed, self.column.null.strip()))
        trimmed = pc.if_else(blank, pa.scalar(None, pa.string()), trimmed)
        try:
            return pc.cast(trimmed, self._item)
        except pa.ArrowInvalid:
            raise self._first_bad(trimmed) from None

    def _first_bad(self, cells: pa.Array) -> _BadCellError:
        import pyarrow as pa
        import pyarrow.compute as pc

        low, high = 0, len(cells)
        while high - low > 1:
            middle = (low + high) // 2
            try:
                pc.cast(cells.slice(low, middle - low), self._item)
                low = middle
            except pa.ArrowInvalid:
                high = middle
        return _BadCellError(low, cells[low].as_py(), f"no {self.column.datatype}")

    def _booleans(self, cells: pa.Array) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        known = pc.dictionary_encode(pc.utf8_lower(pc.ascii_trim_whitespace(cells)))
        truths = []
        for word in known.dictionary.to_pylist():
            if (word not in _TRUTH and word not in _UNKNOWN) or (self.column.datatype == "bit" and word not in "01"):
                index = pc.index(known.indices, known.dictionary.to_pylist().index(word)).as_py()
                raise _BadCellError(index, cells[index].as_py(), f"no {self.column.datatype}")
            truths.append(_TRUTH.get(word))
        return pa.array(truths, pa.bool_()).take(known.indices)

    def _arrays(self, cells: pa.Array) -> pa.Array:
        import pyarrow.compute as pc

        trimmed = pc.ascii_trim_whitespace(cells)
        nulls = pc.fill_null(pc.equal(trimmed, ""), True).to_numpy(zero_copy_only=False)
        parts = pc.ascii_split_whitespace(trimmed.filter(~nulls))
        lengths = np.zeros(len(cells), np.int64)
        lengths[~nulls] = np.diff(parts.offsets.to_numpy())
        self._check_lengths(cells, lengths, nulls)
        items = parts.flatten()
        try:
            values = self._scalars(items)
        except _BadCellError as error:
            raise self._bad_cell(cells, lengths, error.index) from None
        return wrap_items(self.column, values, lengths, nulls)

    def _bits(self, cells: pa.Array) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        digits = pc.replace_substring_regex(cells, r"[ \t\r\n]+", "")
        nulls = pc.fill_null(pc.equal(digits, ""), True).to_numpy(zero_copy_only=False)
        wrong = pc.fill_null(pc.match_substring_regex(digits, "[^01]"), False).to_numpy(zero_copy_only=False)
        if wrong.any():
            index = int(np.argmax(wrong))
            raise _BadCellError(index, cells[index].as_py(), "no sequence of bits")
        digits = digits.filter(~nulls)
        lengths = np.zeros(len(cells), np.int64)
        lengths[~nulls] = pc.binary_length(digits).to_numpy(zero_copy_only=False)
        self._check_lengths(cells, lengths, nulls)
        joined = "".join(digits.to_pylist()).encode()
        bits = np.frombuffer(joined, np.uint8) == ord("1")
        return wrap_items(self.column, pa.array(bits), lengths, nulls)

    def _strings(self, cells: pa.Array) -> pa.Array:
        """Arrays of strings, written one after the other, each padded to the same length (VOTable 1.5 §2.2)."""
        import pyarrow as pa

        assert self.column.arraysize is not None
        width = int(self.column.arraysize.split("x")[0])
        nulls = np.array(cells.is_null())
        texts = [text for text in cells.to_pylist() if text is not None]
        size = self.type.list_size if pa.types.is_fixed_size_list(self.type) else None
        parts = []
        lengths = np.zeros(len(cells), np.int64)
        for index, text in zip(np.flatnonzero(~nulls), texts, strict=True):
            count = -(-len(text) // width) if size is None else size
            if len(text) > count * width:
                raise _BadCellError(int(index), text, f"longer than {count} strings of {width} characters")
            parts += [text[width * k : width * (k + 1)].rstrip(" ") for k in range(count)]
            lengths[index] = count
        return wrap_items(self.column, null_where(pa.array(parts, pa.string()), self.column), lengths, nulls)

    def _check_lengths(self, cells: pa.Array, lengths: NDArray[np.int64], nulls: NDArray[np.bool_]) -> None:
        import pyarrow as pa

        if pa.types.is_fixed_size_list(self.type):
            size = self.type.list_size
            wrong = ~nulls & (lengths != size)
        else:
            size = items_of_slice(self.column)
            wrong = lengths % size != 0
        if wrong.any():
            index = int(np.argmax(wrong))
            multiple = "" if pa.types.is_fixed_size_list(self.type) else "a multiple of "
            reason = f"{lengths[index]} items, where arraysize {self.column.arraysize!r} asks for {multiple}{size}"
            raise _BadCellError(index, cells[index].as_py(), reason)

    def _bad_cell(self, cells: pa.Array, lengths: NDArray[np.int64], item: int) -> _BadCellError:
        index = int(np.searchsorted(np.cumsum(lengths), item, side="right"))
        return _BadCellError(index, cells[index].as_py(), f"no array of {self.column.datatype}")


def items_of_slice(column: Column) -> int:
    """Arrow items that the fixed dimensions of a column with a free last one make: 2 for ``2x*``, 1 for ``*``."""
    size = 2 if column.datatype.endswith("Complex") else 1
    for part in column.shape[:-1]:
        size *= part or 1
    return size


class _BadCellError(Exception):
    def __init__(self, index: int, text: str, reason: str) -> None:
        self.index = index
        self.text = text
        self.reason = reason
        super().__init__(index, text, reason)


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}… ({len(text):,} characters)"
