"""Finds coordinates that stand in columns of their own for hours or degrees, minutes and seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ssap_mirror.core.quantities.positions.frames import ICRS
from ssap_mirror.core.quantities.positions.named import is_number, is_text
from ssap_mirror.core.quantities.positions.place import Place, SplitAxis

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["find_split"]

# Names without case, blanks and marks: RAh, RA_h, "RA (h)"; those of the CDS first.
_RA = (("rah", "ram", "ras"), ("rahr", "ramin", "rasec"), ("rahour", "ramin", "rasec"))
_DEC = (
    ("ded", "dem", "des"),
    ("decd", "decm", "decs"),
    ("dedeg", "demin", "desec"),
    ("decdeg", "decmin", "decsec"),
)
_SIGNS = ("de-", "dec-", "de sign", "dec sign", "design", "decsign", "sign")
_MARKS = re.compile(r"[^0-9a-z]+")
_BLANKS = re.compile(r"[\s_]+")
_OLD = re.compile(r"\bB?1950\b")


def find_split(types: pa.Schema, frame: str | None) -> Place | None:
    """Find right ascension and declination in columns for their parts.

    Parameters
    ----------
    types : pyarrow.Schema
        All columns, with what is known of them.
    frame : str, optional
        Frame that somebody says. Without it the table tells, or the description of a column (equinox 1950), else ICRS.

    Returns
    -------
    Place or None
        None if there are no such columns, or nothing tells which declinations are below zero: -0 degrees is 0 to a
        column of whole numbers.
    """
    ra, dec = _parts(types, _RA), _parts(types, _DEC)
    if ra is None or dec is None:
        return None
    by_name = {_BLANKS.sub(" ", _name(item).strip().lower()): item.name for item in types}
    sign = next((by_name[name] for name in _SIGNS if name in by_name), None)
    degrees = types.field(dec[0]).type
    if sign is None and not (is_text(degrees) or str(degrees) in ("double", "float")):
        return None
    metadata = {key.decode(): value.decode() for key, value in (types.field(ra[0]).metadata or {}).items()}
    told = metadata.get("frame")
    if told is None and _OLD.search(metadata.get("description", "")):
        told = "FK4 B1950"
    return Place(SplitAxis(ra, None, in_hours=True), SplitAxis(dec, sign, in_hours=False), frame or told or ICRS)


def _parts(types: pa.Schema, choices: Sequence[tuple[str, str, str]]) -> tuple[str, ...] | None:
    """Columns of the parts of one coordinate: two, or with seconds three."""
    by_name: dict[str, str] = {}
    for item in types:
        if is_number(item.type) or is_text(item.type):
            by_name.setdefault(_MARKS.sub("", _name(item).lower()), item.name)
    for names in choices:
        if names[0] in by_name and names[1] in by_name:
            return tuple(by_name[name] for name in names if name in by_name)
    return None


def _name(item: pa.Field) -> str:
    return str((item.metadata or {}).get(b"source_name", item.name.encode()).decode())
