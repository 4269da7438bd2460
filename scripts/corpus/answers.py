"""What to keep of an SSAP service's answer."""

from __future__ import annotations

import csv
import hashlib
import io
import warnings
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree

#: Longer lists of identifiers are kept as a digest.
LISTED_AT_MOST = 5000
IDENTITY = "mobsid"


def describe(status: int, content_type: str, body: bytes) -> dict[str, Any]:
    """Summarise an answer.

    Parameters
    ----------
    status
        HTTP status.
    content_type
        As sent.
    body
        The answer.

    Returns
    -------
    dict
        ``status``, ``content_type`` and, as far as the format has them: ``query_status``, ``message``, ``hint``,
        ``where`` and ``where_pars`` (the condition the server applied, as it tells), ``fields``, ``overflow``,
        ``count``, and the sorted identifiers as ``mobsid`` or ``mobsid_sha256``. Of any other format: ``bytes``.
    """
    found: dict[str, Any] = {"status": status, "content_type": content_type}
    if b"<VOTABLE" in body[:2000]:
        return found | _votable(body)
    if content_type in ("text/csv;header=present", "text/csv; header=present"):
        rows = list(csv.reader(io.StringIO(body.decode("utf-8"))))
        return found | _rows(rows[0], rows[1:])
    return found | {"bytes": len(body)}


def _votable(body: bytes) -> dict[str, Any]:
    root = ElementTree.fromstring(body)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    infos = {info.get("name"): info for info in root.iter("INFO")}
    found: dict[str, Any] = {}
    if (status := infos.get("QUERY_STATUS")) is not None:
        found["query_status"] = status.get("value")
        if status.text:
            found["message"] = status.text
    if (hint := infos.get("HINT")) is not None:
        found["hint"] = hint.get("value") or hint.text
    if (where := infos.get("queryPars")) is not None:
        found |= {"where": where.get("value"), "where_pars": where.text}
    table = root.find(".//TABLE")
    if table is None:
        return found
    fields = [field.get("name", "") for field in table.findall("FIELD")]
    found |= {"fields": fields, "overflow": found.get("query_status") == "OVERFLOW"}
    if (data := table.find("DATA")) is None:
        return found
    if (rows := data.find("TABLEDATA")) is not None:
        return found | _rows(fields, [[cell.text or "" for cell in row] for row in rows])
    return found | _binary_rows(fields, body)


def _binary_rows(fields: list[str], body: bytes) -> dict[str, Any]:
    # Only a few requests ask for a binary format, and this import is slow.
    from astropy.io.votable import parse

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = parse(io.BytesIO(body)).get_first_table().array
    return _summary(fields, len(array), map(str, array[IDENTITY]) if IDENTITY in fields else None)


def _rows(fields: list[str], rows: list[list[str]]) -> dict[str, Any]:
    at = fields.index(IDENTITY) if IDENTITY in fields else None
    return _summary(fields, len(rows), None if at is None else (row[at] for row in rows))


def _summary(fields: list[str], count: int, identities: Iterable[str] | None) -> dict[str, Any]:
    found: dict[str, Any] = {"fields": fields, "count": count}
    if identities is None:
        return found
    ids = sorted(identities)
    if len(ids) <= LISTED_AT_MOST:
        return found | {IDENTITY: ids}
    return found | {f"{IDENTITY}_sha256": hashlib.sha256("\n".join(ids).encode()).hexdigest()}
