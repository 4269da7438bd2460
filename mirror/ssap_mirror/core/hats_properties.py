"""The small files that make a snapshot a HATS catalogue, as text: ``hats.properties`` and ``partition_info.csv``.

HATS is an IVOA Note ("HATS: a standard for the Hierarchical Adaptive Tiling Scheme"); the keys are those that hats and
LSDB 0.11 read and write.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from ssap_mirror.errors import FormatError

__all__ = ["format_partition_info", "format_properties", "parse_partition_info", "parse_properties", "sky_fraction"]

_PARTITION_HEADER = ["Norder", "Npix"]


def format_properties(properties: Mapping[str, object], head: str = "HATS catalog") -> str:
    """Java properties as text below a comment; an entry that is None or empty is left out."""
    lines = [f"#{head}"]
    for key, value in properties.items():
        text = " ".join(str("" if value is None else value).split())
        if text:
            escaped = text.replace("\\", "\\\\")
            lines.append(f"{key}={escaped}")
    return "\n".join(lines) + "\n"


def parse_properties(text: str) -> dict[str, str]:
    """Inverse of `format_properties`.

    Raises
    ------
    FormatError
        If a line is no entry.
    """
    found = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        key, separator, value = line.partition("=")
        if not separator:
            message = f"the properties hold the line {line!r}, which is no entry"
            raise FormatError(message)
        found[key] = value.replace("\\\\", "\\")
    return found


def format_partition_info(cells: Iterable[tuple[int, int]]) -> str:
    """``partition_info.csv``: order and NESTED pixel of each partition."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_PARTITION_HEADER)
    writer.writerows(cells)
    return text.getvalue()


def parse_partition_info(text: str) -> list[tuple[int, int]]:
    """Inverse of `format_partition_info`.

    Raises
    ------
    FormatError
        If it is not such a table.
    """
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or rows[0] != _PARTITION_HEADER:
        message = f"the partition list does not begin with {','.join(_PARTITION_HEADER)}"
        raise FormatError(message)
    try:
        return [(int(norder), int(npix)) for norder, npix in rows[1:]]
    except ValueError as error:
        message = f"the partition list is damaged: {error}"
        raise FormatError(message) from error


def sky_fraction(cells: Iterable[tuple[int, int]]) -> float:
    """Part of the sphere that separate cells cover, 0 to 1."""
    return float(sum(1 / (12 << 2 * norder) for norder, _ in cells))
