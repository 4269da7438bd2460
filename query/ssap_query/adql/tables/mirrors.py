"""Mirrors as tables: each has a schema of its own with the table ``spectra``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Column

from ssap_query.adql.tables.obscore import IVOA, obscore
from ssap_query.adql.tables.table import UPLOADS, AdqlTable, Tables, files_view
from ssap_query.adql.tables.tap_schema import DESCRIPTION, TAP_SCHEMA, tap_schema

__all__ = ["SPECTRA", "mirror_tables", "schema_names", "visible"]

#: Name of the table that each mirror has in its schema.
SPECTRA = "spectra"
_TAKEN = frozenset({TAP_SCHEMA, IVOA, UPLOADS})
_PLAIN = re.compile(r"[a-z][a-z0-9_]*")


def visible(catalog: Catalog) -> tuple[Column, ...]:
    """Columns of a mirror that a query sees: not those that the mirror has worked out for itself.

    Text that is not all ASCII is ``unicodeChar`` whatever the service said, as it is in results.
    """
    shown = (column for column in catalog.schema if not column.is_hidden)
    wide = set(catalog.unicode_columns)
    return tuple(replace(column, datatype="unicodeChar") if column.name in wide else column for column in shown)


def schema_names(mirrors: Iterable[str]) -> dict[str, str]:
    """Give each mirror the name of a schema that ADQL takes without quotes.

    Parameters
    ----------
    mirrors : iterable of str
        Names of mirrors.

    Returns
    -------
    dict of str to str
        Mirror -> schema: ``lamost6-mrs`` is ``lamost6_mrs``.
    """
    found: dict[str, str] = {}
    for mirror in mirrors:
        plain = re.sub(r"[^a-z0-9]+", "_", mirror.lower()).strip("_")
        if not _PLAIN.fullmatch(plain) or plain in _TAKEN:
            plain = f"mirror_{plain}".rstrip("_")
        name, number = plain, 2
        while name in found.values():
            name, number = f"{plain}_{number}", number + 1
        found[mirror] = name
    return found


def _target(catalog: Catalog) -> tuple[str, str] | None:
    roles = catalog.schema.roles
    return (roles["ra"], roles["dec"]) if {"ra", "dec"} <= set(roles) else None


def mirror_tables(catalogs: Mapping[str, Catalog]) -> Tables:
    """Tables of mirrors, and those that describe them.

    Parameters
    ----------
    catalogs : mapping of str to Catalog
        Name of a mirror -> its snapshot. The tables of the first need not be named with their schema.
    """
    names = schema_names(catalogs)
    tables = [
        AdqlTable(
            name=f"{names[mirror]}.{SPECTRA}",
            columns=visible(catalog),
            rows=catalog.rows,
            description=catalog.title,
            catalog=catalog,
            target=_target(catalog),
        )
        for mirror, catalog in catalogs.items()
    ]
    tables.append(obscore({files_view(table.name): table.catalog for table in tables if table.catalog is not None}))
    schemas = {names[mirror]: catalog.title for mirror, catalog in catalogs.items()}
    schemas |= {IVOA: "Tables that standards of the IVOA define.", TAP_SCHEMA: DESCRIPTION}
    return Tables([*tables, *tap_schema(tables, schemas)], next(iter(names.values())), schemas)
