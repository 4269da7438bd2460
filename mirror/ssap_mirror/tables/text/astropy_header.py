"""What astropy writes of a table's columns in YAML: the header of ECSV (APE 6), and of its Parquet files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ssap_mirror.errors import FormatError

__all__ = ["AstropyColumn", "AstropyHeader", "read_header"]

_SAID = ("unit", "description")
_VO_KEYS = ("ucd", "utype", "xtype")
# Classes of which a column is one column of the file, and no more than numbers with a unit
_PLAIN_CLASSES = ("Quantity", "Column", "Angle", "Longitude", "Latitude", "Distance")


@dataclass(frozen=True)
class AstropyColumn:
    """What is said of one column."""

    name: str
    """Its name."""
    datatype: str
    """numpy's name of the type."""
    subtype: str | None
    """For arrays and objects, which are JSON in a ``string``: ``float64[2]``, ``int32[null]``, ``json``."""
    said: dict[str, str]
    """Unit, UCD, utype, xtype and description, where they are told."""


@dataclass(frozen=True)
class AstropyHeader:
    """What is said of a table."""

    columns: tuple[AstropyColumn, ...]
    """In the order of the file."""
    delimiter: str = " "
    """Between two cells of ECSV."""
    masks: dict[str, str] = field(default_factory=dict)
    """Column -> the column that says which of its values are masked."""
    objects: tuple[str, ...] = ()
    """Columns of the table that are more than numbers (times, coordinates), and are made of several of the file."""


def read_header(text: str) -> AstropyHeader:
    """Read the YAML of a header.

    Raises
    ------
    FormatError
        If it is not what astropy writes.
    """
    try:
        found = yaml.load(text, Loader=_Loader)
        columns = tuple(_column(item) for item in found["datatype"])
        serialized = _mapping(_mapping(found.get("meta")).get("__serialized_columns__"))
        masks: dict[str, str] = {}
        objects = [name for name, item in serialized.items() if not _is_plain(name, item, masks)]
        return AstropyHeader(columns, str(found.get("delimiter", " ")), masks, tuple(objects))
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        message = f"its description of the columns (YAML) is damaged: {' '.join(str(error).split())[:300]}"
        raise FormatError(message) from error


def _column(item: Mapping[str, Any]) -> AstropyColumn:
    meta = _mapping(item.get("meta"))
    said = {key: item[key] for key in _SAID if item.get(key)} | {key: meta[key] for key in _VO_KEYS if meta.get(key)}
    # A unit that is no string is that of a logarithm, as a mapping.
    texts = {
        key: value if isinstance(value, str) else str(_mapping(value).get("unit", "")) for key, value in said.items()
    }
    return AstropyColumn(str(item["name"]), str(item["datatype"]), item.get("subtype"), texts)


def _is_plain(name: str, item: Any, masks: dict[str, str]) -> bool:
    """Whether a column is one column of the file, perhaps with a mask beside it, which is noted."""
    parts = {key: value["name"] for key, value in item.items() if isinstance(value, dict) and "name" in value}
    mask = parts.pop("mask", None)
    if not str(item.get("__class__", "")).endswith(_PLAIN_CLASSES) or set(parts.values()) != {name}:
        return False
    if mask is not None:
        masks[name] = str(mask)
    return True


def _mapping(value: Any) -> dict[str, Any]:
    """Plain mapping of a mapping, an ``!!omap`` (a list of pairs), a list of mappings, or nothing."""
    if not value:
        return {}
    if isinstance(value, dict):
        return value
    return {key: inner for item in value for key, inner in (item.items() if isinstance(item, dict) else [item])}


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Makes a plain value of whatever tag."""


def _plain(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("!", _plain)
_Loader.add_multi_constructor("tag:yaml.org,2002:python/", _plain)
