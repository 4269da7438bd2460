"""Angles in text: sexagesimal, or plain numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["angles"]

# 12:30:45.2, 12 30 45.2, 12h30m45.2s, -05°30′12″, 12h30.5m; a sign of any kind, blanks anywhere between
_SEXAGESIMAL = (
    r"^\s*(?P<sign>[-+−–]?)\s*(?P<whole>\d+(?:\.\d*)?)\s*(?:[:hHdD°]|\s)\s*(?P<minutes>\d+(?:\.\d*)?)"
    r"\s*(?:(?:[:mM'′]|\s)\s*(?P<seconds>\d+(?:\.\d*)?)?\s*(?:[sS\"″]|'')?)?\s*$"
)
_MINUS = "^[-−–]"


def angles(texts: pa.Array, *, sexagesimal_hours: bool, plain_hours: bool) -> NDArray[np.float64]:
    """Angles in degrees.

    Parameters
    ----------
    texts : pyarrow.StringArray, length N
        The cells.
    sexagesimal_hours : bool
        Whether sexagesimal numbers are hours, minutes and seconds.
    plain_hours : bool
        Whether plain numbers are hours.

    Returns
    -------
    numpy.ndarray of float64, shape (N,)
        Degrees; NaN for NULL and for what is no angle.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = texts.cast(pa.string())
    parts = pc.extract_regex(texts, _SEXAGESIMAL)
    whole, minutes, seconds = (_numbers(pc.struct_field(parts, name)) for name in ("whole", "minutes", "seconds"))
    seconds = np.where(np.isnan(seconds) & ~np.isnan(minutes), 0.0, seconds)
    found = (whole * 3600 + minutes * 60 + seconds) / 3600 * (15 if sexagesimal_hours else 1)
    found[(minutes > 60) | (seconds > 60)] = np.nan
    negative = pc.fill_null(pc.match_substring_regex(pc.utf8_trim_whitespace(texts), _MINUS), False)
    found = np.where(negative.to_numpy(zero_copy_only=False), -found, found)
    plain = _numbers(texts) * (15 if plain_hours else 1)
    return np.where(np.isnan(plain), found, plain)


def _numbers(texts: pa.Array) -> NDArray[np.float64]:
    """Numbers in text; NaN for what is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), r"^\+", "")
    are_numbers = pc.match_substring_regex(words, r"^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
    words = pc.if_else(pc.fill_null(are_numbers, False), words, pa.scalar(None, pa.string()))
    values: NDArray[np.float64] = words.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values
