"""What a table of a TAP service is like, found out with a handful of small queries."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.sources.corrections import Corrections
from ssap_mirror.sources.harvest.cost import Price
from ssap_mirror.sources.harvest.samples import Sample, identity_in
from ssap_mirror.sources.source import Description
from ssap_mirror.sources.tap.adql import Adql, TapSchemaColumn

__all__ = ["Probe", "probe"]

# So many rows show which column tells them apart; where a snapshot says so, fewer will do.
_SAMPLE_ROWS, _SMALL_SAMPLE_ROWS = 2000, 100
# ObsCore 1.1 §3.3.1.
_PRODUCT, _SPECTRUM = "dataproduct_type", "spectrum"
#: Roles whose columns are in answers of the lowest verbosity: TAP says of a column only whether it is a principal one.
_BRIEF = ("access_url", "identity", "obs_publisher_did", "ra", "dec", "location", "t_mid", "t_exptime")


@dataclass(frozen=True)
class Probe:
    """All that is known of a table before it is harvested."""

    adql: Adql
    """Asks about it, and knows what TAP_SCHEMA says."""
    description: Description
    """What the service says of it."""
    price: Price
    """What a row costs."""


def probe(adql: Adql, url: str, title: str, base: Catalog | None, corrections: Corrections) -> Probe:
    """Ask for some rows, and see what their columns are and which of them tells rows apart.

    Parameters
    ----------
    adql : Adql
        Of the table; it has read TAP_SCHEMA.
    url : str
        Of the table, for the manifest.
    title : str
        For people.
    base : Catalog, optional
        A snapshot of the table, whose identity stays.
    corrections : Corrections
        What somebody says of its columns.

    Raises
    ------
    SourceError
        If the service cannot be reached, or has no such table.
    ParameterError
        If a correction names a column that the table does not have.
    """
    asked = _SAMPLE_ROWS if base is None else _SMALL_SAMPLE_ROWS
    sample = adql.sample(asked)
    listed = Schema(
        tuple(_completed(column, adql.listed(column.source_name or column.name)) for column in sample.reader.schema)
    )
    named = corrections.applied_to(listed)
    identity = None if base is None else base.schema.roles.get("identity")
    identity = corrections.roles.get("identity") or identity or identity_in(sample, named)
    brief = {named.roles[role] for role in _BRIEF if role in named.roles}
    columns = tuple(replace(column, verbosity=10 if column.name in brief else column.verbosity) for column in named)
    schema = replace(named, columns=columns, overrides={**named.overrides, "identity": identity or ""})
    notes = (*sample.reader.notes, *(() if adql.where else _other_products(sample, schema)))
    description = Description("tap", url, title, schema, header=sample.reader.header, notes=notes)
    return Probe(adql.with_sample(sample, asked), description, Price.of_sample(sample))


def _other_products(sample: Sample, schema: Schema) -> tuple[str, ...]:
    """Say which other products than spectra are among some rows of a table of all kinds, as ``ivoa.obscore`` is."""
    column = next((column for column in schema if column.name.lower() == _PRODUCT), None)
    if column is None or not column.is_text:
        return ()
    others = sorted({str(value) for value in sample.rows.column(column.name).to_pylist() if value} - {_SPECTRUM})
    if not others:
        return ()
    asked = f"--where \"{column.name}='{_SPECTRUM}'\" asks for spectra alone"
    return (f"the table has other products than spectra: {', '.join(others)}; {asked}",)


def _completed(column: Column, listed: TapSchemaColumn | None) -> Column:
    """Add what TAP_SCHEMA knows and the answer does not say; the verbosity is a guess from ``principal``."""
    if listed is None:
        return replace(column, verbosity=20)
    return replace(
        column,
        unit=column.unit or listed.unit,
        ucd=column.ucd or listed.ucd,
        utype=column.utype or listed.utype,
        description=column.description or listed.description,
        verbosity=20 if listed.principal else 30,
    )
