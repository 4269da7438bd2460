"""What the server says of itself: availability, capabilities and tables (VOSI 1.1, https://www.ivoa.net/documents/VOSI)."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ssap_mirror.core.catalog import Catalog

from ssap_query.server.vosi_xml import CAPABILITIES, TABLES, TYPE, XSI, add_child, add_column, add_interface, add_vosi

__all__ = ["availability", "capabilities", "tables"]

_AVAILABILITY = "http://www.ivoa.net/xml/VOSIAvailability/v1.0"
_SSAP = "http://www.ivoa.net/xml/SSA/v1.1"
_CONE = "http://www.ivoa.net/xml/ConeSearch/v1.0"
_DATA_SERVICE = "http://www.ivoa.net/xml/VODataService/v1.1"

for _prefix, _uri in (
    ("vosi", _AVAILABILITY),
    ("cap", CAPABILITIES),
    ("vtm", TABLES),
    ("ssap", _SSAP),
    ("cs", _CONE),
    ("vs", _DATA_SERVICE),
    ("xsi", XSI),
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
    add_child(root, f"{{{_AVAILABILITY}}}available", "true")
    add_child(root, f"{{{_AVAILABILITY}}}upSince", str(catalog.manifest["created"]))
    add_child(root, f"{{{_AVAILABILITY}}}note", f"{catalog.title}, snapshot {catalog.path.name}")
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
    root = ET.Element(f"{{{CAPABILITIES}}}capabilities")
    add_vosi(root, base_url, ("availability", "capabilities", "tables"))
    ssa = ET.SubElement(root, "capability", {"standardID": "ivo://ivoa.net/std/SSA", TYPE: "ssap:SimpleSpectralAccess"})
    interface = add_interface(ssa, "vs:ParamHTTP", f"{base_url}/ssap?", "base")
    add_child(interface, "queryType", "GET")
    add_child(interface, "resultType", "application/x-votable+xml")
    add_child(ssa, "complianceLevel", "query")
    add_child(ssa, "dataSource", "survey")
    add_child(ssa, "creationType", "archival")
    # The words of the SSAP registry extension for the frames that POS takes.
    for frame in ("ICRS", "FK5", "GALACTIC_II"):
        add_child(ssa, "supportedFrame", frame)
    # A limit that is not there is announced as the number of rows there are.
    add_child(ssa, "maxSearchRadius", "180")
    add_child(ssa, "maxRecords", str(catalog.rows))
    add_child(ssa, "defaultMaxRecords", str(catalog.rows if default_maxrec is None else default_maxrec))
    query = ET.SubElement(ssa, "testQuery")
    add_child(query, "queryDataCmd", "REQUEST=queryData&MAXREC=1")
    cone = ET.SubElement(root, "capability", {"standardID": "ivo://ivoa.net/std/ConeSearch", TYPE: "cs:ConeSearch"})
    add_interface(cone, "vs:ParamHTTP", f"{base_url}/scs?", "base")
    add_child(cone, "maxSR", "180")
    add_child(cone, "maxRecords", str(catalog.rows))
    add_child(cone, "verbosity", "true")
    tap = ET.SubElement(root, "capability", standardID="ivo://ivoa.net/std/TAP")
    add_interface(tap, "vs:ParamHTTP", f"{base_url}/tap", "base")
    return _document(root)


def tables(catalog: Catalog) -> bytes:
    """Describe the columns.

    Parameters
    ----------
    catalog : Catalog
        The snapshot that is served.
    """
    root = ET.Element(f"{{{TABLES}}}tableset")
    schema = ET.SubElement(root, "schema")
    add_child(schema, "name", "spectra")
    table = ET.SubElement(schema, "table")
    add_child(table, "name", "spectra")
    add_child(table, "title", catalog.title)
    for column in (column for column in catalog.schema if not column.is_hidden):
        add_column(ET.SubElement(table, "column"), column, column.name)
    return _document(root)


def _document(root: ET.Element) -> bytes:
    # xsi:type values are qualified names: their prefixes have to be declared though no element uses them.
    for prefix, uri in (("vs", _DATA_SERVICE), ("ssap", _SSAP), ("cs", _CONE)):
        if f"{{{uri}}}" not in ET.tostring(root, encoding="unicode") and f"xmlns:{prefix}" not in root.attrib:
            root.set(f"xmlns:{prefix}", uri)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
