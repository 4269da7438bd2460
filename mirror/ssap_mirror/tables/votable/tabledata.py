"""Rows of TABLEDATA straight from the bytes, without an XML parser's call for every cell.

Nearly all servers write nothing but ``<TR>``, ``<TD>``, their ends and ``<TD/>``. Such a block is cut into cells by
looking for its tags with numpy; a block with anything else (a comment, CDATA, an attribute, a row of another length) is
left to the XML parser, which knows what it means or what is wrong with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["cells_of_block"]

_LITTLE = np.dtype("<u4")
_OPEN_ROW, _CLOSE_ROW = (int.from_bytes(tag, "little") for tag in (b"<TR>", b"</TR"))
_OPEN_CELL, _CLOSE_CELL = (int.from_bytes(tag, "little") for tag in (b"<TD>", b"</TD"))
_TAG = 4
_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(lt|gt|amp|quot|apos));")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_BLANKS = (9, 10, 13)


def cells_of_block(block: bytes, columns: int) -> list[pa.Array] | None:
    """Cut complete rows into the texts of their cells.

    Parameters
    ----------
    block : bytes
        UTF-8, from outside a row to outside a row.
    columns : int
        Number of cells in each row.

    Returns
    -------
    list of pyarrow.StringArray, or None
        One for each column, with NULL for an empty cell; None if the block takes an XML parser.
    """
    import pyarrow as pa

    if b"\r" in block:
        # XML 1.0 §2.11: line ends become line feeds before anything else happens.
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    block = block.replace(b"<TD/>", b"<TD></TD>")
    text = np.frombuffer(block, np.uint8)
    ends = _cell_ends(block, text, columns)
    if ends is None or _forbidden_characters(text):
        return None
    starts, stops = ends
    referring = _referring_columns(block, text, starts)
    if referring is None:
        return None
    # The block is one Arrow array of cells and what lies between them, without a copy; columns are taken from it.
    bounds = np.empty(2 * starts.size + 1, np.int32)
    bounds[0] = 0
    bounds[1::2], bounds[2::2] = starts.ravel(), stops.ravel()
    kind = pa.string() if block.isascii() else pa.binary()
    pieces = pa.Array.from_buffers(
        kind, 2 * starts.size, [None, pa.py_buffer(bounds), pa.py_buffer(block)], null_count=0
    )
    empty = starts == stops
    numbers = np.arange(1, 2 * starts.size, 2, dtype=np.int32).reshape(starts.shape)
    cells = []
    for column in range(columns):
        strings = pieces.take(pa.array(numbers[:, column], mask=empty[:, column]))
        if kind != pa.string():
            try:
                strings = strings.cast(pa.string())
            except pa.ArrowInvalid:
                return None
        if column in referring:
            resolved = _resolved(strings)
            if resolved is None:
                return None
            strings = resolved
        cells.append(strings)
    return cells


def _cell_ends(
    block: bytes, text: NDArray[np.uint8], columns: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """First and last byte + 1 of each cell, shape (rows, columns), if the tags are just those of rows."""
    places: NDArray[np.int64] = np.flatnonzero(text == ord("<"))
    if not places.size:
        empty = np.empty((0, columns), np.int64)
        return (empty, empty) if not block.strip() else None
    per_row = 2 * columns + 2
    if places.size % per_row or places[-1] + _TAG >= len(block):
        return None
    words: NDArray[np.uint32] = np.ndarray(len(block) - _TAG + 1, _LITTLE, block, strides=(1,))
    tags = words[places].reshape(-1, per_row)
    closing = np.ones(per_row, bool)
    closing[0] = False
    closing[1:-1:2] = False
    expected = np.where(closing, np.uint32(_CLOSE_CELL), np.uint32(_OPEN_CELL))
    expected[0], expected[-1] = _OPEN_ROW, _CLOSE_ROW
    places = places.reshape(-1, per_row)
    if (tags != expected).any() or (text[places[:, closing] + _TAG] != ord(">")).any():
        return None
    return places[:, 1:-1:2] + _TAG, places[:, 2:-1:2]


def _forbidden_characters(text: NDArray[np.uint8]) -> bool:
    """Whether there are characters that XML 1.0 §2.2 does not allow."""
    controls = text[text < ord(" ")]
    return bool(controls.size) and not np.isin(controls, _BLANKS).all()


def _referring_columns(block: bytes, text: NDArray[np.uint8], starts: NDArray[np.int64]) -> set[int] | None:
    """Columns with references (``&amp;``); None if there is one outside a cell."""
    if b"&" not in block:
        return set()
    places = np.flatnonzero(text == ord("&"))
    cells = np.searchsorted(starts.ravel(), places, side="right") - 1
    if (cells < 0).any():
        return None
    return set(np.unique(cells % starts.shape[1]).tolist())


def _resolved(strings: pa.Array) -> pa.Array | None:
    """Text with its character and entity references resolved; None if one is unknown."""
    import pyarrow as pa

    texts = strings.to_pylist()
    resolved = []
    for text in texts:
        if text is None or "&" not in text:
            resolved.append(text)
            continue
        if len(_REFERENCE.findall(text)) != text.count("&"):
            return None
        try:
            resolved.append(_REFERENCE.sub(_character, text))
        except ValueError:
            return None
    return pa.array(resolved, pa.string())


def _character(found: re.Match[str]) -> str:
    decimal, hexadecimal, name = found.groups()
    if name:
        return _NAMED[name]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if (code < ord(" ") and code not in _BLANKS) or 0xD800 <= code <= 0xDFFF:
        raise ValueError(code)
    return chr(code)
