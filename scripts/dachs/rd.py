"""Write the DaCHS resource descriptor of a schema: ``rd.py NAME > q.rd``.

Names, units, UCDs and descriptions come from the service's own list of columns, so that the fixture cannot drift away.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import quoteattr

from ssap_mirror.core.schema import Column

from scripts.dachs.tables import LRS, MRS, RawTable

TEMPLATE = Path(__file__).with_name("q.rd.in")
# By xtype, else by datatype; the server derives the one from the other again.
_SQL_TYPE = {
    "timestamp": "timestamp",
    "point": "spoint",
    "polygon": "spoly",
    "char": "text",
    "unicodeChar": "unicode",
    "double": "double precision",
    "float": "real",
    "long": "bigint",
    "int": "integer",
    "short": "smallint",
}
# The mixins of the template bring these.
_MIXED_IN = ("accref", "owner", "embargo", "mime", "accsize", "ssa_location")
# The SSA view wants literals for what belongs to the table as a whole.
_LITERALS = {
    "ssa_spectralunit": "'Angstrom'",
    "ssa_spectralucd": "'em.wl'",
    "ssa_fluxunit": "''",
    "ssa_fluxucd": "'phot.flux.density;em.wl'",
}


def descriptor(schema_name: str) -> str:
    """Fill the template.

    Parameters
    ----------
    schema_name
        Database schema and folder of the resource, such as ``lamost6``.

    Returns
    -------
    str
        XML.
    """
    text = TEMPLATE.read_text("utf-8").replace("@SCHEMA@", schema_name)
    for mark, table in (("MRS", MRS), ("LRS", LRS)):
        columns = table.schema.select(table.columns)
        text = text.replace(f"@{mark}_COLUMNS@", _columns(table, columns))
        text = text.replace(f"@{mark}_COPIED@", ", ".join(n for n in table.columns if not table.is_renamed(n)))
        varied = {n: table.raw_name(n) for n in table.columns if table.is_renamed(n)} | _LITERALS
        text = text.replace(f"@{mark}_VARIED@", "\n".join(f"      {n}={quoteattr(v)}" for n, v in varied.items()))
    return text


def _columns(table: RawTable, columns: Iterable[Column]) -> str:
    return "\n".join(
        _hidden(table, column) if table.is_renamed(column.name) else _visible(column)
        for column in columns
        if column.name not in _MIXED_IN
    )


def _visible(column: Column) -> str:
    required = column.name in ("mobsid", "obsid", "spid", "fiberid", "coadd")
    attributes = {
        "name": column.name,
        "type": _sql_type(column),
        "unit": column.unit,
        "ucd": column.ucd,
        "utype": column.utype,
        "xtype": column.xtype if column.xtype == "mjd" else None,
        "tablehead": column.title,
        "description": column.description,
        "verbLevel": str(column.verbosity),
        "displayHint": "type=humanDate" if column.xtype == "mjd" else None,
        "note": "fib" if column.name == "fibermask" else None,
        "required": "True" if required else None,
    }
    return _element(attributes, needs_null=not required and column.datatype in ("long", "int", "short"))


def _hidden(table: RawTable, column: Column) -> str:
    attributes: dict[str, str | None] = {
        "name": table.raw_name(column.name),
        "type": _sql_type(column),
        "hidden": "True",
        "description": f"what {column.name} shows",
    }
    return _element(attributes, needs_null=column.datatype in ("long", "int", "short"))


def _sql_type(column: Column) -> str:
    if column.xtype in _SQL_TYPE:
        return _SQL_TYPE[column.xtype]
    kind = _SQL_TYPE[column.datatype]
    return kind if column.is_text or column.arraysize is None else f"{kind}[{column.arraysize}]"


def _element(attributes: dict[str, str | None], *, needs_null: bool) -> str:
    text = " ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items() if value is not None)
    return f'    <column {text}><values nullLiteral="-1"/></column>' if needs_null else f"    <column {text}/>"


def main() -> None:
    """Print the descriptor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("schema")
    print(descriptor(parser.parse_args().schema))


if __name__ == "__main__":
    main()
