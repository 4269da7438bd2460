"""What a service links with its rows (DataLink 1.1): where the lists of links are, and what is in them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ssap_mirror.errors import FormatError, MirrorError, ParameterError
from ssap_mirror.tables.open import open_table

from ssap_query.fetch.options import FetchOptions
from ssap_query.fetch.rows import Rows, values_of
from ssap_query.fetch.wanted import DATALINK, Wanted, is_datalink, name_of

if TYPE_CHECKING:
    from astropy.io.votable.tree import Resource

__all__ = ["linked_files", "links_of_rows"]

_STANDARD = "ivo://ivoa.net/std/datalink#links"


def links_of_rows(rows: Rows) -> Iterator[Wanted]:
    """Yield the list of links of each row.

    Raises
    ------
    ParameterError
        If the service has none.
    """
    block = _block(rows.service_xml)
    if block is None:
        yield from _addressed(rows)
        return
    address, parameter, column, fixed = block
    if column not in rows.schema:
        why = f"the links go by the column {column}, which the result does not have"
        raise _no_links(why)
    joint = "" if address.endswith(("?", "&")) else "&" if "?" in address else "?"
    others = "".join(f"&{quote(name, safe='')}={quote(value, safe='')}" for name, value in fixed.items())
    for number, value in enumerate(values_of(rows, column)):
        if value:
            url = f"{address}{joint}{parameter}={quote(str(value), safe='')}{others}"
            yield Wanted(url, (number,), name_of(str(value)), None, DATALINK, is_links=True)


def _addressed(rows: Rows) -> Iterator[Wanted]:
    """Yield lists of links that are what the rows have as their address."""
    address, media_type = rows.schema.role("access_url"), rows.schema.role("access_format")
    if address is None or media_type is None:
        why = "the service declares no links, and no row has an address of a list of them"
        raise _no_links(why)
    for number, (url, mime) in enumerate(values_of(rows, address.name, media_type.name)):
        if url and is_datalink(mime or ""):
            yield Wanted(url, (number,), name_of(url), None, DATALINK, is_links=True)


def linked_files(links: Wanted, path: Path, options: FetchOptions) -> list[Wanted]:
    """Read a list of links for the files it names.

    Parameters
    ----------
    links : Wanted
        The list, and whose it is.
    path : pathlib.Path
        Its document.
    options : FetchOptions
        What is wanted of it.

    Raises
    ------
    FormatError
        If it is no list of links, or says that there are none.
    """
    table = open_table(path)
    if "access_url" not in table.columns or "semantics" not in table.columns:
        message = "no list of links"
        raise FormatError(message)
    found, refusals = [], []
    for batch in table.batches():
        for row in batch.to_pylist():
            if row.get("error_message"):
                refusals.append(str(row["error_message"]))
            elif row["access_url"] and _is_meant(row, options):
                found.append(_file(row, links))
    if not found and refusals:
        message = f"no links: {refusals[0]}"
        raise FormatError(message)
    return found


def _is_meant(row: Mapping[str, Any], options: FetchOptions) -> bool:
    return not options.semantics or row["semantics"] in options.semantics


def _file(row: Mapping[str, Any], links: Wanted) -> Wanted:
    url, size = str(row["access_url"]), row.get("content_length")
    kind = row.get("content_type") or ""
    guess = int(size) if size is not None and size > 0 else None
    return Wanted(url, links.rows, name_of(url), guess, kind, str(row["semantics"]))


def _block(header: bytes) -> tuple[str, str, str, dict[str, str]] | None:
    """Address, parameter, column and further parameters of the service of links that a header declares."""
    if b"datalink" not in header.lower():
        return None
    from astropy.io.votable import parse

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            document = parse(BytesIO(header), verify="ignore")
    except Exception as error:  # whatever a service has written, and astropy makes of it
        message = f"the service's description of its links cannot be read: {error}"
        raise MirrorError(message) from error
    names = {field.ID or field.name: field.name for field in document.iter_fields_and_params()}
    for resource in document.resources:
        if (found := _of_resource(resource, names)) is not None:
            return found
    return None


def _of_resource(resource: Resource, names: Mapping[str, str]) -> tuple[str, str, str, dict[str, str]] | None:
    said = {str(param.name): str(param.value) for param in resource.params}
    if not said.get("standardID", "").lower().startswith(_STANDARD) or not said.get("accessURL"):
        return None
    inputs = [entry for group in resource.groups if group.name == "inputParams" for entry in group.entries]
    by_row = next((entry for entry in inputs if getattr(entry, "ref", None)), None)
    if by_row is None:
        return None
    fixed = {entry.name: str(entry.value) for entry in inputs if entry is not by_row and str(entry.value)}
    return said["accessURL"], by_row.name, names.get(by_row.ref, by_row.ref), fixed


def _no_links(why: str) -> ParameterError:
    return ParameterError("source", "datalink", f"cannot be fetched: {why}")
