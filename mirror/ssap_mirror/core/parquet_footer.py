"""Where the footer of a Parquet file lies: before its last eight bytes, which say how long it is."""

from __future__ import annotations

from ssap_mirror.errors import FormatError

__all__ = ["TRAILER_BYTES", "footer_range"]

#: Length of the footer, and the letters PAR1.
TRAILER_BYTES = 8
_MAGIC = b"PAR1"


def footer_range(trailer: bytes, size: int) -> tuple[int, int]:
    """Find the footer of a file.

    Parameters
    ----------
    trailer : bytes
        The last `TRAILER_BYTES` of the file.
    size : int
        Size of the file [byte].

    Returns
    -------
    tuple of int, int
        Its first byte, and the end of the file: length and magic are part of it.

    Raises
    ------
    FormatError
        If that is the end of no Parquet file.
    """
    start = size - TRAILER_BYTES - int.from_bytes(trailer[:4], "little")
    if trailer[4:] != _MAGIC or start < len(_MAGIC):
        message = "its end is not that of a Parquet file"
        raise FormatError(message)
    return start, size
