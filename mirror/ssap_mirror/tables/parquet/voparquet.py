"""What a Parquet file of a mirror says of its columns.

VOParquet 1.0 (IVOA Note 2025-01-16 "Parquet in the VO", §2): the file's metadata hold a VOTable without DATA whose
FIELDs are the file's columns in their order, so TOPCAT, STILTS and astropy know units, UCDs and descriptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ssap_mirror.core.schema import HEALPIX_COLUMN, Column, Schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CONTENT_KEY", "VERSION_KEY", "file_schema", "votable_header"]

CONTENT_KEY = b"IVOA.VOTable-Parquet.content"
VERSION_KEY = b"IVOA.VOTable-Parquet.version"

_VERSION = b"1.0"
_NAMESPACE = "http://www.ivoa.net/xml/VOTable/v1.3"  # that of VOTable 1.3 to 1.5
_ICRS = "icrs"
# Frame of `Column.frame` -> system of COOSYS (VOTable 1.4 §3.3)
_VOTABLE_SYSTEMS = {"FK5": "eq_FK5", "FK4": "eq_FK4", "ecliptic": "ecl_FK5"}
_SPATIAL_INDEX = Column(
    name=HEALPIX_COLUMN,
    datatype="long",
    ucd="pos.healpix",
    description="HEALPix cell of the target position, order 29, NESTED; NULL for a row without a position",
)


def file_schema(schema: Schema, *, name: str, title: str, spatial_index: bool = True) -> pa.Schema:
    """Arrow schema of a file: the spatial index of a mirror's own, then the columns, with all that is known of them.

    It holds nothing that changes from one build to the next, so that equal rows are equal bytes.

    Parameters
    ----------
    schema : Schema
        Columns of the mirror.
    name, title : str
        Of the mirror.
    spatial_index : bool
        Whether ``_healpix_29`` stands before the columns.
    """
    import pyarrow as pa

    fields = [column.arrow_field() for column in _columns(schema, spatial_index)]
    header = votable_header(schema, name=name, title=title, spatial_index=spatial_index)
    return pa.schema(fields, metadata={VERSION_KEY: _VERSION, CONTENT_KEY: header})


def _columns(schema: Schema, spatial_index: bool) -> tuple[Column, ...]:  # noqa: FBT001  (as the callers' word)
    return (_SPATIAL_INDEX, *schema) if spatial_index else schema.columns


def votable_header(schema: Schema, *, name: str, title: str, spatial_index: bool = True) -> bytes:
    """VOTable 1.4 document without DATA for the columns of a file, UTF-8.

    Parameters
    ----------
    schema : Schema
        Columns of the file in order.
    name, title : str
        Of the mirror.
    spatial_index : bool
        Whether ``_healpix_29`` stands before them.
    """
    root = ET.Element("VOTABLE", {"version": "1.4", "xmlns": _NAMESPACE})
    resource = ET.SubElement(root, "RESOURCE", {"type": "results", "name": name})
    ET.SubElement(resource, "DESCRIPTION").text = title
    frames = dict.fromkeys(["ICRS", *(column.frame for column in schema if column.frame)])
    for frame in frames:
        ET.SubElement(resource, "COOSYS", _system(frame))
    table = ET.SubElement(resource, "TABLE", {"name": name})
    for column in _columns(schema, spatial_index):
        field = ET.SubElement(table, "FIELD", _attributes(column))
        if column.description:
            ET.SubElement(field, "DESCRIPTION").text = column.description
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _attributes(column: Column) -> dict[str, str]:
    reference = _reference(column)
    return column.field_attributes() | ({"ref": reference} if reference else {})


def _reference(column: Column) -> str | None:
    """ID of the frame of a coordinate: ICRS, unless something else is told."""
    if column.frame:
        return _system(column.frame)["ID"]
    return _ICRS if (column.ucd or "").startswith("pos.eq") else None


def _system(frame: str) -> dict[str, str]:
    """COOSYS of a frame."""
    name, _, equinox = frame.partition(" ")
    system = _VOTABLE_SYSTEMS.get(name, name)
    found = {"ID": f"{system.lower()}{equinox}".replace(".", "_"), "system": system, "equinox": equinox}
    return {key: value for key, value in found.items() if value}
