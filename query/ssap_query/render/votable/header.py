"""What stands before and after the rows of a VOTable: FIELDs, INFOs, frames, request parameters, service blocks."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from xml.etree import ElementTree as ET

from ssap_mirror.core.schema import Column

from ssap_query.render.renderable import Input, LossWarning, Renderable

__all__ = ["Frame", "frame", "legal_xml"]

_NAMESPACE = "http://www.ivoa.net/xml/VOTable/v1.3"  # that of VOTable 1.3 to 1.5
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SSA = "http://www.ivoa.net/xml/DalSsap/v1.0"
_MARK = "\ue000rows\ue000"
_NCNAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# INFOs of the service that stay true of a copy: "Data Origin in the VO" (IVOA Note 2024-07-03) §3, and DaCHS' "legal".
_KEPT_INFOS = frozenset(
    {
        *("legal", "citation", "publisher", "reference_url", "resource_version", "rights", "rights_uri", "copyright"),
        *("creator", "editor", "article", "cites", "is_derived_from", "publication_date", "resource_date", "ivoid"),
    }
)
_SYSTEMS = ("COOSYS", "TIMESYS")
_ICRS = "ICRS"
# A PARAM must have a value, and a request parameter has none: how each datatype says so (VOTable 1.4 §6).
_NULL_NEEDED = ("unsignedByte", "short", "int", "long")
_NO_VALUE = {
    **dict.fromkeys(_NULL_NEEDED, "-1"),
    "unsignedByte": "255",
    "float": "NaN",
    "double": "NaN",
    "boolean": "?",
}


@dataclass(frozen=True)
class Frame:
    """A VOTable cut in two where its rows belong."""

    head: bytes
    """Up to the rows."""
    tail: bytes
    """From behind the rows."""


@dataclass
class _Service:
    """What of the service's own header goes with every result."""

    infos: list[ET.Element] = field(default_factory=list)
    """Facts about the data."""
    systems: list[ET.Element] = field(default_factory=list)
    """COOSYS and TIMESYS."""
    refs: dict[str, str] = field(default_factory=dict)
    """Column -> ID of its COOSYS or TIMESYS."""
    names: dict[str, str] = field(default_factory=dict)
    """ID of a FIELD in the service's document -> its name."""
    blocks: list[ET.Element] = field(default_factory=list)
    """RESOURCEs that describe services on the rows (DataLink 1.1 §4)."""


def frame(result: Renderable, columns: Sequence[Column], opening: str, closing: str) -> Frame:
    """Everything of a VOTable but its rows (VOTable 1.4).

    Parameters
    ----------
    result : Renderable
        What to describe.
    columns : sequence of Column
        The FIELDs, as this serialization writes them.
    opening, closing : str
        Tags around the rows, within DATA: ``<TABLEDATA>``, or ``<BINARY2><STREAM encoding="base64">``. Both empty for
        a result without DATA.

    Returns
    -------
    Frame
        Both parts in UTF-8.
    """
    service = _read_service(result.service_xml, columns)
    root = ET.Element(
        "VOTABLE",
        {
            "version": "1.4",
            "xmlns": _NAMESPACE,
            "xmlns:xsi": _XSI,
            "xmlns:ssa": _SSA,
            "xsi:schemaLocation": f"{_NAMESPACE} http://www.ivoa.net/xml/VOTable/VOTable-1.4.xsd",
        },
    )
    resource = ET.SubElement(root, "RESOURCE", {"type": "results"})
    _add_infos(resource, result, service)
    resource.extend(service.systems)
    for item in result.inputs:
        _add_input(resource, item)
    table = ET.SubElement(resource, "TABLE", {"name": "result"})
    ids = _add_fields(table, columns, service)
    if opening:
        ET.SubElement(table, "DATA").text = _MARK
    if result.protocol == "TAP" and result.status == "OVERFLOW":  # behind the rows (TAP 1.1 §3.3)
        _add_status(resource, result)
    for block in service.blocks:
        _add_block(root, block, service, ids)
    ET.indent(root)
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
    head, _, tail = text.partition(_MARK)
    return Frame(f"{head}{opening}".encode(), f"{closing}{tail}".encode())


def legal_xml(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold (§2.2); U+FFFD stands in their place."""
    return _ILLEGAL.sub("\ufffd", text)


def _info(parent: ET.Element, name: str, value: str, text: str = "") -> None:
    ET.SubElement(parent, "INFO", {"name": name, "value": legal_xml(value)}).text = legal_xml(text) or None


def _add_infos(resource: ET.Element, result: Renderable, service: _Service) -> None:
    """QUERY_STATUS first (DALI 1.1 §4.4), then what this copy is, then what the service says of its data."""
    if result.protocol == "TAP":
        _info(resource, "QUERY_STATUS", "OK")
    else:
        _add_status(resource, result)
    _info(resource, "SERVICE_PROTOCOL", "1.1", result.protocol)
    _info(resource, "server_software", f"ssap-mirror/{version('ssap-mirror')}")
    for name, value in result.infos.items():
        _info(resource, name, value)
    for note in result.notes:
        _info(resource, "note", note)
    resource.extend(service.infos)


def _add_status(resource: ET.Element, result: Renderable) -> None:
    said = "truncated: more rows match; raise MAXREC" if result.status == "OVERFLOW" else ""
    _info(resource, "QUERY_STATUS", result.status, said)


def _add_input(resource: ET.Element, item: Input) -> None:
    """Describe a request parameter as a PARAM, with the VALUES found in the mirror (SSA 1.1 §8.1)."""
    value = _NO_VALUE.get(item.datatype, "")
    known = {
        "name": f"INPUT:{item.name}",
        "datatype": item.datatype,
        "arraysize": "*" if item.datatype == "char" else None,
        "unit": item.unit,
        "ucd": item.ucd,
        "utype": item.utype,
        "value": value,
    }
    attributes = {key: given for key, given in known.items() if given is not None}
    parameter = ET.SubElement(resource, "PARAM", attributes)
    ET.SubElement(parameter, "DESCRIPTION").text = legal_xml(item.description)
    null = {"null": value} if item.datatype in _NULL_NEEDED else {}
    if null or item.minimum is not None or item.maximum is not None or item.options:
        values = ET.SubElement(parameter, "VALUES", null)
        for tag, bound in (("MIN", item.minimum), ("MAX", item.maximum)):
            if bound is not None:
                ET.SubElement(values, tag, {"value": bound})
        for option in item.options:
            ET.SubElement(values, "OPTION", {"value": legal_xml(option)})


def _add_fields(table: ET.Element, columns: Sequence[Column], service: _Service) -> dict[str, str]:
    """Add the FIELDs; returns the ID of each column."""
    taken = {system.get("ID", "") for system in service.systems}
    ids: dict[str, str] = {}
    for number, column in enumerate(columns, 1):
        named = column.name if _NCNAME.fullmatch(column.name) and column.name not in taken else f"col_{number}"
        taken.add(named)
        ids[column.name] = named
        known = {"ID": named, **column.field_attributes(), "ref": service.refs.get(column.name)}
        element = ET.SubElement(table, "FIELD", {key: legal_xml(value) for key, value in known.items() if value})
        if column.description:
            ET.SubElement(element, "DESCRIPTION").text = legal_xml(column.description)
        if column.null is not None:
            ET.SubElement(element, "VALUES", {"null": column.null})
    return ids


def _add_block(root: ET.Element, block: ET.Element, service: _Service, ids: Mapping[str, str]) -> None:
    """Add a service block, if the columns that feed it are in the result."""
    fed = [parameter for parameter in block.iter("PARAM") if "ref" in parameter.attrib]
    refs = [service.names.get(parameter.get("ref", "")) for parameter in fed]
    if not fed or any(name not in ids for name in refs if name is not None) or None in refs:
        return
    for parameter, name in zip(fed, refs, strict=True):
        parameter.set("ref", ids[str(name)])
        parameter.set("value", "")
    root.append(block)


def _read_service(header: bytes, columns: Sequence[Column]) -> _Service:
    found = _Service()
    if not header:
        found.systems.append(ET.Element("COOSYS", {"ID": _ICRS, "system": "ICRS"}))
        found.refs = {c.name: _ICRS for c in columns if c.unit == "deg" and (c.ucd or "").startswith("pos.eq")}
        return found
    try:
        root = ET.fromstring(header)
    except ET.ParseError as error:
        warnings.warn(f"the service's own header cannot be read, and is left out: {error}", LossWarning, stacklevel=2)
        return found
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.tail = None
        element.text = (element.text or "").strip() or None
    found.infos = [info for info in root.iter("INFO") if info.get("name") in _KEPT_INFOS and info.get("value")]
    found.systems = [system for tag in _SYSTEMS for system in root.iter(tag)]
    for system in root.iter("COOSYS"):
        system.attrib.pop("refposition", None)  # VOTable 1.5 only
    known = {system.get("ID") for system in found.systems}
    for item in root.iter("FIELD"):
        name = item.get("name", "")
        found.names[item.get("ID", name)] = name
        if item.get("ref") in known:
            found.refs[name] = item.get("ref", "")
    found.blocks = [r for r in root.iter("RESOURCE") if r.get("type") == "meta" and r.get("utype") == "adhoc:service"]
    return found
