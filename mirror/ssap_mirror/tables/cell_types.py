"""What the cells of a column of text are: truths, whole numbers, numbers, or text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["NULL_WORDS", "CellType", "as_type", "with_points"]

#: Cells that are NULL in a column of any type, unless they are quoted.
NULL_WORDS = ("", "null", "NULL", "Null")
# What people and programs write for a number that is missing
_MISSING = ("", "na", "n/a", "<na>", "none", "--", "---", "-", "...", "masked", "null")
# A whole number that is written as none would be (zeros in front, hexadecimal) is an identifier.
_IDENTIFIER = r"^[-+]?0[0-9xX]+[0-9a-fA-F]*$"
# A double keeps every whole number of 15 digits.
_LONG = r"^[-+]?[0-9]{16,}$"
_TRUTHS = ("true", "false")


class CellType:
    """Finds the narrowest type that all cells of a column fit: booleans, whole numbers, numbers, or else text."""

    def __init__(self) -> None:
        self._ranks = ("bool", "int64", "double", "string")
        self._rank = 0
        self._began = False
        self._long = False

    def look(self, cells: pa.Array) -> None:
        """Take more cells into account."""
        import pyarrow as pa
        import pyarrow.compute as pc

        cells = cells.drop_null()
        if not len(cells) or self._ranks[self._rank] == "string":
            return
        while True:
            try:
                values = as_type(cells, self._ranks[self._rank])
                break
            except pa.ArrowInvalid:
                # What was a truth before is no number.
                self._rank = 3 if self._rank == 0 and self._began else self._rank + 1
        self._began = self._began or values.null_count < len(values)
        if self._ranks[self._rank] != "string" and not self._long:
            self._long = bool(pc.any(pc.match_substring_regex(cells, _LONG)).as_py())
        if self._ranks[self._rank] == "double" and self._long:
            self._rank = 3

    @property
    def is_blank(self) -> bool:
        """Whether there was no cell that is not NULL."""
        return not self._began

    @property
    def found(self) -> pa.DataType:
        """The type; text if there was no cell that is not NULL."""
        import pyarrow as pa

        return pa.type_for_alias(self._ranks[self._rank] if self._began else "string")


def as_type(cells: pa.Array, kind: str) -> pa.Array:
    """Values of cells: ``bool``, ``int64``, ``double`` or ``string``.

    Numbers may have blanks around them, a plus sign, a Fortran exponent (``1.5D+3``), or be a word for a missing one.

    Raises
    ------
    pyarrow.ArrowInvalid
        If a cell is no such value.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind == "string":
        return cells
    wanted = pa.type_for_alias(kind)
    if kind == "bool":
        words = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
        if not pc.all(pc.or_kleene(pc.is_in(words, pa.array(_TRUTHS)), pc.is_null(words))).as_py():
            message = "no truth values"
            raise pa.ArrowInvalid(message)
        return words.cast(wanted)
    try:
        values = cells.cast(wanted)
    except pa.ArrowInvalid:
        cells = _plainly_written(cells)
        values = cells.cast(wanted)
    if pc.any(pc.match_substring_regex(cells, _IDENTIFIER)).as_py():
        message = "identifiers"
        raise pa.ArrowInvalid(message)
    return values


def with_points(cells: pa.Array) -> pa.Array:
    """Cells in which numbers with a decimal comma have a point; others stay as they are."""
    import pyarrow.compute as pc

    return pc.replace_substring_regex(cells, r"^(\s*[-+]?[0-9]*),([0-9]+(?:[eEdD][-+]?[0-9]+)?\s*)$", r"\1.\2")


def _plainly_written(cells: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pc.utf8_trim_whitespace(cells)
    missing = pc.is_in(pc.utf8_lower(words), pa.array(_MISSING))
    words = pc.if_else(missing, pa.scalar(None, words.type), words)
    words = pc.replace_substring_regex(words, r"^\+([0-9.])", r"\1")
    return pc.replace_substring_regex(words, r"^([-+]?[0-9.]+)[dD]([-+]?[0-9]+)$", r"\1e\2")
