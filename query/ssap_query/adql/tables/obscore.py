"""``ivoa.ObsCore``: the spectra of all mirrors in the columns of ObsCore 1.1 (https://www.ivoa.net/documents/ObsCore).

What a mirror has no column for is NULL; where the standard wants a value in any case, the mirror's own names stand in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import Column, Schema

from ssap_query.adql.tables.table import REGION_TEXT, AdqlTable, MirrorPart
from ssap_query.ssap.predicate import quoted

__all__ = ["IVOA", "OBSCORE", "obscore"]

#: Name of the schema, and what it holds.
IVOA = "ivoa"
#: Name of the data model.
OBSCORE = "ivo://ivoa.net/std/ObsCore#core-1.1"
_SPATIAL, _TIME, _SPECTRAL = "Char.SpatialAxis", "Char.TimeAxis", "Char.SpectralAxis"

# Name, datatype, unit, utype, UCD, description (ObsCore 1.1, table 6).
_COLUMNS = (
    ("dataproduct_type", "char", None, "ObsDataset.dataProductType", "meta.code.class", "Kind of data product."),
    ("calib_level", "int", None, "ObsDataset.calibLevel", "meta.code;obs.calib", "Level of calibration, 0 to 4."),
    ("obs_collection", "char", None, "DataID.collection", "meta.id", "Collection that it belongs to."),
    ("obs_id", "char", None, "DataID.observationID", "meta.id", "Name of the observation."),
    ("obs_publisher_did", "char", None, "Curation.publisherDID", "meta.ref.ivoid", "The publisher's identifier."),
    ("access_url", "char", None, "Access.reference", "meta.ref.url", "Address of the data."),
    ("access_format", "char", None, "Access.format", "meta.code.mime", "Format of the data."),
    ("access_estsize", "long", "kbyte", "Access.size", "phys.size;meta.file", "Estimated size of the data."),
    ("target_name", "char", None, "Target.name", "meta.id;src", "Name of the target."),
    ("s_ra", "double", "deg", f"{_SPATIAL}.Coverage.Location.Coord.Position2D.Value2.C1", "pos.eq.ra",
     "Right ascension, ICRS."),
    ("s_dec", "double", "deg", f"{_SPATIAL}.Coverage.Location.Coord.Position2D.Value2.C2", "pos.eq.dec",
     "Declination, ICRS."),
    ("s_fov", "double", "deg", f"{_SPATIAL}.Coverage.Bounds.Extent.diameter", "phys.angSize;instr.fov",
     "Diameter of what was seen."),
    ("s_region", "char", None, f"{_SPATIAL}.Coverage.Support.Area", "pos.outline;obs.field",
     "Region that was seen, ICRS."),
    ("s_resolution", "double", "arcsec", f"{_SPATIAL}.Resolution.Refval.value", "pos.angResolution",
     "Spatial resolution."),
    ("s_xel1", "long", None, f"{_SPATIAL}.numBins1", "meta.number", "Elements along the first spatial axis."),
    ("s_xel2", "long", None, f"{_SPATIAL}.numBins2", "meta.number", "Elements along the second spatial axis."),
    ("t_min", "double", "d", f"{_TIME}.Coverage.Bounds.Limits.StartTime", "time.start;obs.exposure",
     "Begin of the observation, MJD."),
    ("t_max", "double", "d", f"{_TIME}.Coverage.Bounds.Limits.StopTime", "time.end;obs.exposure",
     "End of the observation, MJD."),
    ("t_exptime", "double", "s", f"{_TIME}.Coverage.Support.Extent", "time.duration;obs.exposure", "Exposure."),
    ("t_resolution", "double", "s", f"{_TIME}.Resolution.Refval.value", "time.resolution", "Resolution in time."),
    ("t_xel", "long", None, f"{_TIME}.numBins", "meta.number", "Elements along the time axis."),
    ("em_min", "double", "m", f"{_SPECTRAL}.Coverage.Bounds.Limits.LoLimit", "em.wl;stat.min",
     "Shortest wavelength, in vacuum."),
    ("em_max", "double", "m", f"{_SPECTRAL}.Coverage.Bounds.Limits.HiLimit", "em.wl;stat.max",
     "Longest wavelength, in vacuum."),
    ("em_res_power", "double", None, f"{_SPECTRAL}.Resolution.ResolPower.refVal", "spect.resolution",
     "Resolving power."),
    ("em_xel", "long", None, f"{_SPECTRAL}.numBins", "meta.number", "Elements along the spectral axis."),
    ("o_ucd", "char", None, "Char.ObservableAxis.ucd", "meta.ucd", "What was measured."),
    ("pol_states", "char", None, "Char.PolarizationAxis.stateList", "meta.code;phys.polarization",
     "Polarizations that were measured."),
    ("pol_xel", "long", None, "Char.PolarizationAxis.numBins", "meta.number", "Elements along that axis."),
    ("facility_name", "char", None, "Provenance.ObsConfig.Facility.name", "meta.id;instr.tel", "Telescope."),
    ("instrument_name", "char", None, "Provenance.ObsConfig.Instrument.name", "meta.id;instr", "Instrument."),
)  # fmt: skip
_REGION = "s_region"
_TYPES = {"char": "VARCHAR", "int": "INTEGER", "long": "BIGINT", "double": "DOUBLE"}
# Columns of a mirror that no request is about: by the end of their utype, in lower case.
_SIZE, _LENGTH, _INSTRUMENT = "access.size", "dataset.length", "dataid.instrument"
_KBYTES = {"byte": 1 / 1000, "B": 1 / 1000, "kbyte": 1.0, "kB": 1.0, "Mbyte": 1000.0}


def obscore(catalogs: Mapping[str, Catalog]) -> AdqlTable:
    """Make the table ``ivoa.obscore``.

    Parameters
    ----------
    catalogs : mapping of str to Catalog
        Name of the view of the files of a mirror, as its database has it -> its snapshot.
    """
    wide = {name for catalog in catalogs.values() for name in _wide(catalog)}
    return AdqlTable(
        name=f"{IVOA}.obscore",
        columns=tuple(_column(*known, wide=known[0] in wide) for known in _COLUMNS),
        rows=sum(catalog.rows for catalog in catalogs.values()),
        description="The spectra of all mirrors, in the columns of ObsCore 1.1.",
        parts=tuple(MirrorPart(catalog, view, _selected(catalog)) for view, catalog in catalogs.items()),
        target=("s_ra", "s_dec"),
        utype=OBSCORE,
    )


def _wide(catalog: Catalog) -> Iterator[str]:
    """Columns of ObsCore in which a mirror has text that is not all ASCII."""
    wide = [quoted(name) for name in catalog.unicode_columns]
    for name, expression in _expressions(catalog).items():
        if expression and (not expression.isascii() or any(column in expression for column in wide)):
            yield name


def _column(
    name: str, datatype: str, unit: str | None, utype: str, ucd: str, description: str, *, wide: bool
) -> Column:
    return Column(
        name=name,
        datatype="unicodeChar" if wide and datatype == "char" else datatype,
        arraysize="*" if datatype == "char" else None,
        unit=unit,
        ucd=ucd,
        utype=f"obscore:{utype}",
        xtype=REGION_TEXT if name == _REGION else None,
        description=description,
        verbosity=10,
    )


def _selected(catalog: Catalog) -> str:
    known = _expressions(catalog)
    return ", ".join(f"({known.get(name) or 'NULL'})::{_TYPES[datatype]} AS {name}" for name, datatype, *_ in _COLUMNS)


def _expressions(catalog: Catalog) -> dict[str, str | None]:
    """Column of ObsCore -> SQL on the columns of a mirror; None where it has none."""
    schema = catalog.schema

    def number(role: str) -> str | None:
        column = schema.role(role)
        return None if column is None else _number(column)

    def text(role: str) -> str | None:
        column = schema.role(role)
        return None if column is None else f"{quoted(column.name)}::VARCHAR"

    name = "'" + catalog.name.replace("'", "''") + "'"
    identity = text("identity")
    middle, exposure = number("t_mid"), number("t_exptime")
    half = "0" if exposure is None else f"coalesce({exposure}, 0) / 172800e0"
    low, high, resolution = number("em_min"), number("em_max"), number("em_res")
    centre = number("em_mid") or (f"({low} + {high}) / 2e0" if low and high else None)
    region, length, instrument = schema.role("region"), _by_utype(schema, _LENGTH), _by_utype(schema, _INSTRUMENT)
    did = text("obs_publisher_did") or text("obs_creator_did")
    ra, dec = _position(schema)
    return {
        "dataproduct_type": "'spectrum'",
        # Reduced to wavelength and flux, whatever the scale of the flux is.
        "calib_level": "2",
        "obs_collection": f"coalesce({text('obs_collection') or 'NULL'}, {name})",
        "obs_id": f"coalesce({identity or 'NULL'}, {did or 'NULL'}, {name})",
        "obs_publisher_did": f"coalesce({did or 'NULL'}, {identity or 'NULL'}, {name})",
        "access_url": text("access_url"),
        "access_format": text("access_format"),
        "access_estsize": _kilobytes(schema),
        "target_name": text("target_name"),
        "s_ra": ra,
        "s_dec": dec,
        "s_fov": number("aperture"),
        "s_region": _region_text(region) if region is not None and region.xtype == "polygon" else None,
        "s_resolution": None if number("s_resolution") is None else f"{number('s_resolution')} * 3600e0",
        "t_min": number("t_min") or (middle and f"{middle} - {half}"),
        "t_max": number("t_max") or (middle and f"{middle} + {half}"),
        "t_exptime": exposure,
        "em_min": low,
        "em_max": high,
        "em_res_power": f"{centre} / nullif({resolution}, 0)" if centre and resolution else None,
        "em_xel": None if length is None else quoted(length.name),
        "o_ucd": "'phot.flux.density'",
        "facility_name": None,
        "instrument_name": None if instrument is None else f"{quoted(instrument.name)}::VARCHAR",
    }


def _region_text(column: Column) -> str:
    """Write a polygon as STC-S, in which the standard has regions."""
    return f"'POLYGON ICRS ' || array_to_string({quoted(column.name)}, ' ')"


def _number(column: Column) -> str:
    return f"nullif({quoted(column.name)}::DOUBLE, 'nan')"


def _position(schema: Schema) -> tuple[str | None, str | None]:
    ra, dec, location = schema.role("ra"), schema.role("dec"), schema.role("location")
    if ra is not None and dec is not None:
        return _number(ra), _number(dec)
    if location is None:
        return None, None
    one, two = (f"nullif({quoted(location.name)}[{i}]::DOUBLE, 'nan')" for i in (1, 2))
    return one, two


def _by_utype(schema: Schema, ending: str) -> Column | None:
    return next((column for column in schema if (column.utype or "").lower().endswith(ending)), None)


def _kilobytes(schema: Schema) -> str | None:
    column = _by_utype(schema, _SIZE)
    factor = None if column is None else _KBYTES.get((column.unit or "").strip())
    return None if column is None or factor is None else f"ceil({_number(column)} * {factor!r}::DOUBLE)"
