"""Angles in text: sexagesimal, or plain numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.quantities.points import floats
from ssap_mirror.core.units import Conversion

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["angles", "numbers"]

# 12:30:45.2, 12 30 45.2, 12h30m45.2s, -05°30′12″, 12h30.5m; a sign of any kind, blanks anywhere between
_SEXAGESIMAL = (
    r"^\s*(?P<sign>[-+−–]?)\s*(?P<whole>\d+(?:\.\d*)?)\s*(?:[:hHdD°]|\s)\s*(?P<minutes>\d+(?:\.\d*)?)"
    r"\s*(?:(?:[:mM'′]|\s)\s*(?P<seconds>\d+(?:\.\d*)?)?\s*(?:[sS\"″]|'')?)?\s*$"
)
_MINUS = "^[-−–]"
_NUMBER = r"^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"
_HOUR_DEG = 15.0


def angles(texts: pa.Array, *, in_hours: bool, plain: Conversion) -> NDArray[np.float64]:
    """Angles in degrees.

    Parameters
    ----------
    texts : pyarrow.StringArray, length N
        The cells.
    in_hours : bool
        Whether sexagesimal numbers are hours, minutes and seconds.
    plain : Conversion
        From plain numbers to degrees.

    Returns
    -------
    numpy.ndarray of float64, shape (N,)
        Degrees; NaN for NULL and for what is no angle.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = texts.cast(pa.string())
    parts = pc.extract_regex(texts, _SEXAGESIMAL)
    whole, minutes, seconds = (numbers(pc.struct_field(parts, name)) for name in ("whole", "minutes", "seconds"))
    seconds = np.where(np.isnan(seconds) & ~np.isnan(minutes), 0.0, seconds)
    found = (whole * 3600 + minutes * 60 + seconds) / 3600 * (_HOUR_DEG if in_hours else 1.0)
    found[(minutes > 60) | (seconds > 60)] = np.nan
    negative = pc.fill_null(pc.match_substring_regex(pc.utf8_trim_whitespace(texts), _MINUS), False)
    found = np.where(negative.to_numpy(zero_copy_only=False), -found, found)
    values = plain.apply(numbers(texts))
    return np.where(np.isnan(values), found, values)


def numbers(cells: pa.Array) -> NDArray[np.float64]:
    """Numbers, of numbers or of text; NaN for NULL and for text that is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        return floats(cells)
    words = pc.replace_substring_regex(pc.utf8_trim_whitespace(cells), r"^\+", "")
    are_numbers = pc.fill_null(pc.match_substring_regex(words, _NUMBER), False)
    return floats(pc.if_else(are_numbers, words, pa.scalar(None, words.type)))
