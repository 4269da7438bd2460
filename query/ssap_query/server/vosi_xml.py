"""Elements that every service of a server has in its descriptions (VOSI 1.1): interfaces, and columns of tables."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from ssap_mirror.core.schema import Column

__all__ = ["CAPABILITIES", "TABLES", "TYPE", "XSI", "add_child", "add_column", "add_given", "add_interface", "add_vosi"]

CAPABILITIES = "http://www.ivoa.net/xml/VOSICapabilities/v1.0"
TABLES = "http://www.ivoa.net/xml/VOSITables/v1.0"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
#: The attribute that says of which type an element is.
TYPE = f"{{{XSI}}}type"


def add_child(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    """Add an element with text."""
    found = ET.SubElement(parent, tag, attributes)
    found.text = text
    return found


def add_given(parent: ET.Element, items: Iterable[tuple[str, str | None]]) -> None:
    """Add an element for each (tag, text) that has a text."""
    for tag, text in items:
        if text:
            add_child(parent, tag, text)


def add_interface(parent: ET.Element, kind: str, url: str, use: str) -> ET.Element:
    """Say where a capability is to be had."""
    interface = ET.SubElement(parent, "interface", {TYPE: kind, "role": "std"})
    add_child(interface, "accessURL", url, use=use)
    return interface


def add_vosi(root: ET.Element, base_url: str, kinds: Iterable[str]) -> None:
    """Say where the descriptions themselves are, by the names of the standard."""
    for kind in kinds:
        found = add_child(root, "capability", standardID=f"ivo://ivoa.net/std/VOSI#{kind}")
        add_interface(found, "vs:ParamHTTP", f"{base_url}/{kind}", "full")


def add_column(element: ET.Element, column: Column, name: str) -> ET.Element:
    """Describe a column under a name; returns its data type, to which more may be said."""
    told = (("description", column.description), ("unit", column.unit), ("ucd", column.ucd), ("utype", column.utype))
    add_given(element, (("name", name), *told))
    kind = ET.SubElement(element, "dataType", {TYPE: "vs:VOTableType"})
    kind.text = column.datatype
    if column.arraysize:
        kind.set("arraysize", column.arraysize)
    return kind
