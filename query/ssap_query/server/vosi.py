"""What the server says of itself: availability, capabilities and tables (VOSI 1.1, https://www.ivoa.net/documents/VOSI)."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ssap_mirror.core.catalog import Catalog

__all__ = ["availability", "capabilities", "tables"]

_AVAILABILITY = "http://www.ivoa.net/xml/VOSIAvailability/v1.0"
_CAPABILITIES = "http://www.ivoa.net/xml/VOSICapabilities/v1.0"
_TABLES = "http://www.ivoa.net/xml/VOSITables/v1.0"
_SSAP = "http://www.ivoa.net/xml/SSA/v1.1"
_CONE = "http://www.ivoa.net/xml/ConeSearch/v1.0"
_DATA_SERVICE = "http://www.ivoa.net/xml/VODataService/v1.1"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE = f"{{{_XSI}}}type"

for _prefix, _uri in (
    ("vosi", _AVAILABILITY),
    ("cap", _CAPABILITIES),
    ("vtm", _TABLES),
    ("ssap", _SSAP),
    ("cs", _CONE),
    ("vs", _DATA_SERVICE),
    ("xsi", _XSI),
):
    ET.register_namespace(_prefix, _uri)


def availability(catalog: Catalog) -> bytes:
    """Say that the service is up, and since when its rows are what they are.

    Parameters
    ----------
    catalog : Catalog
        The snapshot that is served.
    """
    root = ET.Element(f"{{{_AVAILABILITY}}}availability")
    _text(root, f"{{{_AVAILABILITY}}}available", "true")
    _text(root, f"{{{_AVAILABILITY}}}upSince", str(catalog.manifest["created"]))
    _text(root, f"{{{_AVAILABILITY}}}note", f"{catalog.title}, snapshot {catalog.path.name}")
    return _document(root)


def capabilities(catalog: Catalog, base_url: str, default_maxrec: int | None) -> bytes:
    """List the interfaces of one mirror.

    Parameters
    ----------
    catalog : Catalog
        The snapshot that is served.
    base_url : str
        Address of the mirror on this server, without a slash at its end.
    default_maxrec : int or None
        Rows of a result where MAXREC is not given; None is no limit.
    """
    root = ET.Element(f"{{{_CAPABILITIES}}}capabilities")
    for kind in ("availability", "capabilities", "tables"):
        found = ET.SubElement(root, "capability", standardID=f"ivo://ivoa.net/std/VOSI#{kind}")
        _interface(found, "vs:ParamHTTP", f"{base_url}/{kind}", "full")
    ssa = ET.SubElement(
        root, "capability", {"standardID": "ivo://ivoa.net/std/SSA", _TYPE: "ssap:SimpleSpectralAccess"}
    )
    interface = _interface(ssa, "vs:ParamHTTP", f"{base_url}/ssap?", "base")
    _text(interface, "queryType", "GET")
    _text(interface, "resultType", "application/x-votable+xml")
    _text(ssa, "complianceLevel", "query")
    _text(ssa, "dataSource", "survey")
    _text(ssa, "creationType", "archival")
    # The words of the SSAP registry extension for the frames that POS takes.
    for frame in ("ICRS", "FK5", "GALACTIC_II"):
        _text(ssa, "supportedFrame", frame)
    # A limit that is not there is announced as the number of rows there are.
    _text(ssa, "maxSearchRadius", "180")
    _text(ssa, "maxRecords", str(catalog.rows))
    _text(ssa, "defaultMaxRecords", str(catalog.rows if default_maxrec is None else default_maxrec))
    query = ET.SubElement(ssa, "testQuery")
    _text(query, "queryDataCmd", "REQUEST=queryData&MAXREC=1")
    cone = ET.SubElement(root, "capability", {"standardID": "ivo://ivoa.net/std/ConeSearch", _TYPE: "cs:ConeSearch"})
    _interface(cone, "vs:ParamHTTP", f"{base_url}/scs?", "base")
    _text(cone, "maxSR", "180")
    _text(cone, "maxRecords", str(catalog.rows))
    _text(cone, "verbosity", "true")
    tap = ET.SubElement(root, "capability", standardID="ivo://ivoa.net/std/TAP")
    _interface(tap, "vs:ParamHTTP", f"{base_url}/tap", "base")
    return _document(root)


def tables(catalog: Catalog) -> bytes:
    """Describe the columns.

    Parameters
    ----------
    catalog : Catalog
        The snapshot that is served.
    """
    root = ET.Element(f"{{{_TABLES}}}tableset")
    schema = ET.SubElement(root, "schema")
    _text(schema, "name", "spectra")
    table = ET.SubElement(schema, "table")
    _text(table, "name", "spectra")
    _text(table, "title", catalog.title)
    for column in (column for column in catalog.schema if not column.is_hidden):
        found = ET.SubElement(table, "column")
        for tag, value in (
            ("name", column.name),
            ("description", column.description),
            ("unit", column.unit),
            ("ucd", column.ucd),
            ("utype", column.utype),
        ):
            if value:
                _text(found, tag, value)
        kind = ET.SubElement(found, "dataType", {_TYPE: "vs:VOTableType"})
        kind.text = column.datatype
        if column.arraysize:
            kind.set("arraysize", column.arraysize)
    return _document(root)


def _interface(parent: ET.Element, kind: str, url: str, use: str) -> ET.Element:
    interface = ET.SubElement(parent, "interface", {_TYPE: kind, "role": "std"})
    ET.SubElement(interface, "accessURL", use=use).text = url
    return interface


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text


def _document(root: ET.Element) -> bytes:
    # xsi:type values are qualified names: their prefixes have to be declared though no element uses them.
    for prefix, uri in (("vs", _DATA_SERVICE), ("ssap", _SSAP), ("cs", _CONE)):
        if f"{{{uri}}}" not in ET.tostring(root, encoding="unicode") and f"xmlns:{prefix}" not in root.attrib:
            root.set(f"xmlns:{prefix}", uri)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
