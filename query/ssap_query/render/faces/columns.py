"""Which column of a result a UCD or a utype means, as pyvo looks for it."""

from __future__ import annotations

from ssap_mirror.core.schema import Schema

__all__ = ["column_with_ucd", "column_with_utype"]

# SCS 1.03 names the three columns that it needs by UCDs of 1998, which a mirror's columns have in their newer form.
_OF_CONE_SEARCH = {"ID_MAIN": "identity", "POS_EQ_RA_MAIN": "ra", "POS_EQ_DEC_MAIN": "dec"}


def column_with_ucd(schema: Schema, ucd: str) -> str | None:
    """Name of the first column that shares a word with a UCD; None where there is none.

    Raises
    ------
    ValueError
        If it is no UCD.
    """
    from astropy.io.votable.ucd import parse_ucd

    if ucd.upper() in _OF_CONE_SEARCH:
        return schema.roles.get(_OF_CONE_SEARCH[ucd.upper()])
    words = set(parse_ucd(ucd, has_colon=True))
    for column in schema:
        if column.ucd and words & set(parse_ucd(column.ucd, has_colon=True)):
            return column.name
    return None


def column_with_utype(schema: Schema, utype: str) -> str | None:
    """Name of the first column of a utype, in any case of its letters; None where there is none."""
    wanted = utype.lower()
    return next((column.name for column in schema if (column.utype or "").lower() == wanted), None)
