"""What a TAP service says of itself: capabilities, tables and examples (TAP 1.1 §2.4; TAPRegExt 1.0; DALI 1.1 §2.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree as ET

from ssap_query.adql.language.functions import FUNCTIONS
from ssap_query.adql.tables.obscore import OBSCORE
from ssap_query.adql.tables.table import AdqlTable, Tables, adql_name
from ssap_query.adql.tables.tap_schema import FOREIGN_KEYS, TAP_SCHEMA
from ssap_query.arrow.formats import FORMATS
from ssap_query.server.limits import ServerLimits
from ssap_query.server.vosi_xml import (
    CAPABILITIES,
    TABLES,
    TYPE,
    XSI,
    add_child,
    add_column,
    add_given,
    add_interface,
    add_vosi,
)

__all__ = ["capabilities", "example_queries", "examples", "tables"]

_HTML = "http://www.w3.org/1999/xhtml"
# Prefixes of types, which are declared at the root since no element uses them.
_PREFIXES = {
    "xmlns:vr": "http://www.ivoa.net/xml/VOResource/v1.0",
    "xmlns:vs": "http://www.ivoa.net/xml/VODataService/v1.1",
    "xmlns:tr": "http://www.ivoa.net/xml/TAPRegExt/v1.0",
}
_REGISTRY = "ivo://ivoa.net/std/TAPRegExt#"
_FEATURES: Mapping[str, Sequence[str]] = {
    "features-adqlgeo": (
        *("AREA", "BOX", "CENTROID", "CIRCLE", "CONTAINS", "COORD1", "COORD2", "COORDSYS", "DISTANCE"),
        *("INTERSECTS", "POINT", "POLYGON", "REGION"),
    ),
    "features-adql-string": ("LOWER", "UPPER", "ILIKE"),
    "features-adql-offset": ("OFFSET",),
    "features-adql-common-table": ("WITH",),
    "features-adql-sets": ("UNION", "EXCEPT", "INTERSECT"),
    "features-adql-type": ("CAST",),
    "features-adql-unit": ("IN_UNIT",),
    "features-adql-bitwise": ("BIT_AND", "BIT_OR", "BIT_XOR", "BIT_NOT"),
}
# Names that formats have in the registry.
_FORMAT_IDS = {"votable": f"{_REGISTRY}output-votable-td", "binary2": f"{_REGISTRY}output-votable-binary2"}
_UPLOADS = ("inline", "http")
_FLAGGED = "indexed"

for _prefix, _uri in (("cap", CAPABILITIES), ("vtm", TABLES), ("xsi", XSI), ("", _HTML)):
    ET.register_namespace(_prefix, _uri)


def _document(root: ET.Element) -> bytes:
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def capabilities(base_url: str, default_maxrec: int | None, limits: ServerLimits) -> bytes:
    """List what the service can do.

    Parameters
    ----------
    base_url : str
        Address of the service, without a slash at its end.
    default_maxrec : int or None
        Rows of a result where MAXREC is not given; None is no limit.
    limits : ServerLimits
        What a query may take.
    """
    root = ET.Element(f"{{{CAPABILITIES}}}capabilities", _PREFIXES)
    add_vosi(root, base_url, ("capabilities", "availability", "tables"))
    found = add_child(root, "capability", standardID="ivo://ivoa.net/std/DALI#examples")
    add_interface(found, "vr:WebBrowser", f"{base_url}/examples", "full")
    tap = ET.SubElement(root, "capability", {"standardID": "ivo://ivoa.net/std/TAP", TYPE: "tr:TableAccess"})
    add_interface(tap, "vs:ParamHTTP", base_url, "base").set("version", "1.1")
    ET.SubElement(tap, "dataModel", {"ivo-id": OBSCORE}).text = "ObsCore 1.1"
    _add_language(tap)
    for known in FORMATS:
        identity = {"ivo-id": _FORMAT_IDS[known.name]} if known.name in _FORMAT_IDS else {}
        output = ET.SubElement(tap, "outputFormat", identity)
        add_child(output, "mime", known.media_type)
        for alias in dict.fromkeys((known.name, known.response_format)):
            add_child(output, "alias", alias)
    for kind in _UPLOADS:
        ET.SubElement(tap, "uploadMethod", {"ivo-id": f"{_REGISTRY}upload-{kind}"})
    add_child(add_child(tap, "retentionPeriod"), "default", str(int(limits.job_keep_s)))
    add_child(add_child(tap, "executionDuration"), "default", str(int(limits.query_s)))
    if default_maxrec is not None:
        add_child(add_child(tap, "outputLimit"), "default", str(default_maxrec), unit="row")
    add_child(add_child(tap, "uploadLimit"), "hard", str(limits.upload_bytes), unit="byte")
    return _document(root)


def _add_language(tap: ET.Element) -> None:
    language = add_child(tap, "language")
    add_child(language, "name", "ADQL")
    for version in ("2.0", "2.1"):
        ET.SubElement(language, "version", {"ivo-id": f"ivo://ivoa.net/std/ADQL#v{version}"}).text = version
    add_child(language, "description", "ADQL 2.1 without exceptions known; run by DuckDB")
    user_defined = [function for function in FUNCTIONS.values() if function.description]
    features = add_child(language, "languageFeatures", type=f"{_REGISTRY}features-udf")
    for function in user_defined:
        feature = add_child(features, "feature")
        add_child(feature, "form", function.signature)
        add_child(feature, "description", function.description)
    for kind, forms in _FEATURES.items():
        features = add_child(language, "languageFeatures", type=f"{_REGISTRY}{kind}")
        for form in forms:
            add_child(add_child(features, "feature"), "form", form)


def tables(all_tables: Tables, schemas: Mapping[str, str], only: str | None = None, *, columns: bool = True) -> bytes:
    """Describe the tables (VOSI 1.1 §4).

    Parameters
    ----------
    all_tables : Tables
        What there is.
    schemas : mapping of str to str
        Schema -> what it holds.
    only : str, optional
        Name of the one table that is asked for.
    columns : bool
        Whether columns are described too.

    Raises
    ------
    AdqlError
        If there is no such table.
    """
    if only is not None:
        root = ET.Element(f"{{{TABLES}}}table", _PREFIXES)
        _describe(root, all_tables.find(only), columns=True)
        return _document(root)
    root = ET.Element(f"{{{TABLES}}}tableset", _PREFIXES)
    for name, description in schemas.items():
        schema = add_child(root, "schema")
        add_child(schema, "name", name)
        add_child(schema, "description", description)
        for table in all_tables:
            if table.schema == name:
                _describe(add_child(schema, "table", type="view" if table.is_view else "table"), table, columns=columns)
    return _document(root)


def _describe(element: ET.Element, table: AdqlTable, *, columns: bool) -> None:
    add_given(element, (("name", table.name), ("description", table.description), ("utype", table.utype)))
    if not columns:
        return
    for column in table.columns:
        standard = {"std": "true"} if table.schema in (TAP_SCHEMA, "ivoa") else {}
        found = ET.SubElement(element, "column", standard)
        kind = add_column(found, column, adql_name(column.name))
        if column.xtype:
            kind.set("extendedType", column.xtype)
        if column.name in table.indexed:
            add_child(found, "flag", _FLAGGED)
    for key in FOREIGN_KEYS:
        if key.table == table.name:
            found = add_child(element, "foreignKey")
            add_child(found, "targetTable", key.target)
            pair = add_child(found, "fkColumn")
            add_child(pair, "fromColumn", key.column)
            add_child(pair, "targetColumn", key.target_column)


def examples(all_tables: Tables) -> bytes:
    """Give queries to begin with, as a page that programs read too (DALI 1.1 §2.3)."""
    root = ET.Element(f"{{{_HTML}}}html")
    head = ET.SubElement(root, f"{{{_HTML}}}head")
    ET.SubElement(head, f"{{{_HTML}}}title").text = "Examples"
    body = ET.SubElement(root, f"{{{_HTML}}}body", {"vocab": "http://www.ivoa.net/rdf/examples#"})
    for number, (title, table, query) in enumerate(example_queries(all_tables), 1):
        found = ET.SubElement(
            body, f"{{{_HTML}}}div", {"typeof": "example", "id": f"e{number}", "resource": f"#e{number}"}
        )
        ET.SubElement(found, f"{{{_HTML}}}h2", {"property": "name"}).text = title
        said = ET.SubElement(found, f"{{{_HTML}}}p")
        said.text = "Table "
        ET.SubElement(said, f"{{{_HTML}}}em", {"property": "table"}).text = table
        ET.SubElement(found, f"{{{_HTML}}}pre", {"property": "query"}).text = query
    return _document(root)


def example_queries(all_tables: Tables) -> Iterable[tuple[str, str, str]]:
    """Give a title, a table and a query in ADQL of each example."""
    for table in all_tables:
        if table.catalog is None:
            continue
        roles = {role: adql_name(name) for role, name in table.catalog.schema.roles.items()}
        first = ", ".join(adql_name(column.name) for column in table.columns[:3])
        start = " ".join(("SELECT TOP 10", first, "FROM", table.name))
        yield f"The first rows of {table.name}", table.name, start
        if {"ra", "dec"} <= set(roles):
            place = f"POINT('ICRS', {roles['ra']}, {roles['dec']})"
            cone = f"{start} WHERE 1=CONTAINS({place}, CIRCLE('ICRS', 292.06, 43.93, 0.2))"
            yield f"Rows of {table.name} near a position", table.name, cone
        if (kind := roles.get("target_class")) is not None:
            counted = " ".join(
                ("SELECT", kind, ", COUNT(*) AS n FROM", table.name, "GROUP BY", kind, "ORDER BY n DESC")
            )
            yield f"How many of each class {table.name} has", table.name, counted
