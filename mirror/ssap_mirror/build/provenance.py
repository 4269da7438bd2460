"""Whose rows a snapshot has, in the keys that HATS shares with HiPS: told by columns or the service's header."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import Any

from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import MirrorError
from ssap_mirror.tables.votable import read_votable

__all__ = ["provenance"]

# Key -> end of the utype of the column that tells it, if it has one value in all rows (SSA 1.1 §4.2.5).
_BY_COLUMN = {
    "creator_did": "dataid.creatordid",
    "publisher": "curation.publisher",
    "copyright": "curation.rights",
    "bib_reference": "curation.reference",
}
# Key -> name of the INFOs that tell it, the better one first (IVOA Note "Data Origin in the VO" 1.1, §3).
_BY_INFO = {
    "creator_did": ("ivoid",),
    "publisher": ("publisher",),
    "copyright": ("rights", "rights_uri"),
    "acknowledgement": ("acknowledgement", "citation"),
    "bib_reference": ("article", "citation", "reference_url"),
}


def provenance(schema: Schema, constants: Mapping[str, Any], header: bytes) -> dict[str, str]:
    """Gather what is known of where the rows come from.

    Parameters
    ----------
    schema : Schema
        Columns of the rows.
    constants : mapping
        Value of each column that has the same one in all rows.
    header : bytes
        VOTable header of the service; empty if there is none.

    Returns
    -------
    dict of str to str
        Key of the properties -> what is known; what nobody tells is left out.
    """
    infos = _infos(header)
    by_utype = {(c.utype or "").rpartition(":")[2].lower(): c.name for c in schema}
    found = {}
    for key, names in _BY_INFO.items():
        told = constants.get(by_utype.get(_BY_COLUMN.get(key, ""), ""))
        known = (str(told or ""), *(infos.get(name, "") for name in names))
        if text := next((text.strip() for text in known if text.strip()), None):
            found[key] = text
    return found


def _infos(header: bytes) -> dict[str, str]:
    """Values of the INFOs of a VOTable, by name in lower case; the first of each."""
    found: dict[str, str] = {}
    if header:
        with contextlib.suppress(MirrorError):  # a header that is no whole document tells nothing
            for info in read_votable(io.BytesIO(header)).infos:
                found.setdefault(info.name.lower(), info.value)
    return found
