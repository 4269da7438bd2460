"""Which columns of a table hold its positions, motions, dates and errors: said, or found by UCD or usual name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from ssap_mirror.errors import ParameterError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MOTION_FIELDS", "Positions", "find_column", "find_positions", "has_motions", "with_motions"]

#: Roles of `Positions` that describe how a source moves.
MOTION_FIELDS = ("pmra", "pmdec", "parallax", "radial_velocity")

_EPOCH, _SIGMA, _POSITIONS = "epoch", "sigma_arcsec", "positions"
_YEARS = (1000.0, 3000.0)


@dataclass(frozen=True)
class Positions:
    """Columns of a table that say where its rows are, and how they move. None: found by UCD or usual name.

    Positions are ICRS. RA may run from 0 to 360 or from -180 to 180 deg. Columns with a unit in their metadata are
    converted from it; those without are taken to be in the units below.
    """

    ra: str | None = None
    """Right ascension [deg]."""
    dec: str | None = None
    """Declination [deg]."""
    pmra: str | None = None
    """Proper motion in RA, with the factor cos(dec) [mas/yr]."""
    pmdec: str | None = None
    """Proper motion in declination [mas/yr]."""
    parallax: str | None = None
    """Parallax [mas]; matters for nearby stars with a radial velocity."""
    radial_velocity: str | None = None
    """Radial velocity [km/s]."""
    epoch: float | str | None = None
    """Date of the positions: a Julian year, or a column of Julian years, MJD, JD, timestamps or ISO 8601 dates."""
    sigma_arcsec: float | str | None = None
    """Error of the position along any direction, 1 sigma [arcsec]: one number or a column."""

    def __post_init__(self) -> None:
        if isinstance(self.epoch, (int, float)) and not _YEARS[0] <= self.epoch <= _YEARS[1]:
            raise ParameterError(_EPOCH, self.epoch, "is not a Julian year such as 2016.0")
        if isinstance(self.sigma_arcsec, (int, float)) and not 0 <= self.sigma_arcsec < math.inf:
            raise ParameterError(_SIGMA, self.sigma_arcsec, "is not an error in arcsec, 0 or more")
        for first, second in (("ra", "dec"), ("pmra", "pmdec")):
            if (getattr(self, first) is None) != (getattr(self, second) is None):
                raise ParameterError(_POSITIONS, self, f"names only one of {first} and {second}")

    def columns(self) -> dict[str, str]:
        """Role -> column name, for the roles that a column plays."""
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        return {role: column for role, column in named.items() if isinstance(column, str)}


# UCDs in order of preference; those of UCD1 (2002) are in older VizieR tables.
_UCDS: Mapping[str, tuple[str, ...]] = {
    "ra": ("pos.eq.ra;meta.main", "pos_eq_ra_main"),
    "dec": ("pos.eq.dec;meta.main", "pos_eq_dec_main"),
    "any_ra": ("pos.eq.ra", "pos_eq_ra"),
    "any_dec": ("pos.eq.dec", "pos_eq_dec"),
    "pmra": ("pos.pm;pos.eq.ra", "pos_eq_pmra"),
    "pmdec": ("pos.pm;pos.eq.dec", "pos_eq_pmdec"),
    "parallax": ("pos.parallax.trig", "pos.parallax", "pos_parlx_trig"),
    "radial_velocity": ("spect.dopplerveloc.opt;em.opt.i", "spect.dopplerveloc.opt", "spect.dopplerveloc"),
    "epoch": ("meta.ref;time.epoch", "time.epoch;meta.main", "time.epoch", "time.start;obs", "time_epoch"),
}
_NAMES: Mapping[str, tuple[str, ...]] = {
    "pmra": ("pmra", "pm_ra", "pmra_cosdec", "pm_ra_cosdec", "mu_alpha_star"),
    "pmdec": ("pmdec", "pm_dec", "pmde", "pm_de", "mu_delta"),
    "parallax": ("parallax", "plx"),
    "radial_velocity": ("radial_velocity", "dr2_radial_velocity", "rv", "rvel", "rv_helio"),
    "epoch": ("ref_epoch", "epoch", "ssa_dateobs", "mjd", "obs_mjd", "mjd_obs", "date_obs"),
}
_PAIRS = (
    ("ra", "dec"),
    ("s_ra", "s_dec"),
    ("ra_icrs", "dec_icrs"),
    ("ra_icrs", "de_icrs"),
    ("raj2000", "dej2000"),
    ("_raj2000", "_dej2000"),
    ("ra_j2000", "dec_j2000"),
    ("raj2000", "decj2000"),
    ("radeg", "dedeg"),
    ("radeg", "decdeg"),
    ("ra_deg", "dec_deg"),
    ("ra_deg", "de_deg"),
    ("alpha", "delta"),
    ("alpha_j2000", "delta_j2000"),
    ("ra_j1991_25", "dec_j1991_25"),
    ("raicrs", "deicrs"),
    ("right_ascension", "declination"),
    ("ra (deg)", "dec (deg)"),
)


def find_positions(given: Positions | None, schema: pa.Schema, roles: Mapping[str, str], side: str) -> Positions:
    """Fill in where the positions are.

    Parameters
    ----------
    given : Positions or None
        What the caller says; it always holds.
    schema : pyarrow.Schema
        Columns, with UCDs in the fields' metadata where they are known.
    roles : mapping of str to str
        Columns that the table's owner has chosen (`ssap_mirror.core.schema.Schema.roles`): they come before any search.
    side : str
        ``"left"`` or ``"right"``, named in errors.

    Returns
    -------
    Positions
        With ``ra`` and ``dec`` set; motions, epoch and error as given.

    Raises
    ------
    ParameterError
        If a column is not in the table or cannot be read as a number, or if no positions are found.
    """
    found = given or Positions()
    if found.ra is None:
        pair = _find_pair(schema, roles)
        if pair is None:
            reason = "has no columns that are positions by UCD (pos.eq.ra;meta.main) or usual name: say which they are"
            parameter = f"{side}_positions"
            raise ParameterError(parameter, schema.names, reason)
        found = _replace(found, {"ra": pair[0], "dec": pair[1]})
    _check_columns(found, schema, side)
    return found


def has_motions(positions: Positions) -> bool:
    """Whether proper motions are named."""
    return positions.pmra is not None


def with_motions(positions: Positions, schema: pa.Schema, side: str) -> Positions | None:
    """Find proper motions, and parallax and radial velocity where there are any, by UCD or usual name.

    Returns
    -------
    Positions or None
        None if the table has no proper motions.

    Raises
    ------
    ParameterError
        If a column so found is no number.
    """
    if has_motions(positions):
        return positions
    found = {role: find_column(schema, role) for role in MOTION_FIELDS}
    if found["pmra"] is None or found["pmdec"] is None:
        return None
    found = {role: getattr(positions, role) or column for role, column in found.items()}
    filled = _replace(positions, {role: column for role, column in found.items() if column})
    _check_columns(filled, schema, side)
    return filled


def find_column(schema: pa.Schema, role: str) -> str | None:
    """Column of a role by UCD, then by usual name; None if there is none, or if more than one has that UCD."""
    by_ucd = _names_by_ucd(schema)
    for ucd in _UCDS[role]:
        columns = by_ucd.get(ucd, [])
        if len(columns) == 1:
            return columns[0]
    by_name = {name.lower(): name for name in reversed(schema.names)}
    return next((by_name[name] for name in _NAMES[role] if name in by_name), None)


def _find_pair(schema: pa.Schema, roles: Mapping[str, str]) -> tuple[str, str] | None:
    if "ra" in roles and "dec" in roles and roles["ra"] in schema.names and roles["dec"] in schema.names:
        return roles["ra"], roles["dec"]
    by_ucd = _names_by_ucd(schema)
    # A service may say "main" of a second, single-precision pair too: the more precise one, else the first, is meant.
    main_ra = _most_precise(schema, [n for ucd in _UCDS["ra"] for n in by_ucd.get(ucd, [])])
    main_dec = _most_precise(schema, [n for ucd in _UCDS["dec"] for n in by_ucd.get(ucd, [])])
    if main_ra and main_dec:
        return main_ra, main_dec
    by_name = {name.lower(): name for name in reversed(schema.names)}
    for ra, dec in _PAIRS:
        if ra in by_name and dec in by_name:
            return by_name[ra], by_name[dec]
    any_ra = [n for ucd in _UCDS["any_ra"] for n in by_ucd.get(ucd, [])]
    any_dec = [n for ucd in _UCDS["any_dec"] for n in by_ucd.get(ucd, [])]
    return (any_ra[0], any_dec[0]) if len(any_ra) == len(any_dec) == 1 else None


def _most_precise(schema: pa.Schema, names: list[str]) -> str | None:
    doubles = [name for name in names if str(schema.field(name).type) == "double"]
    return next(iter(doubles or names), None)


def _names_by_ucd(schema: pa.Schema) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for field in schema:
        ucd = (field.metadata or {}).get(b"ucd", b"").decode().strip().lower()
        found.setdefault(ucd, []).append(field.name)
    return found


def _check_columns(positions: Positions, schema: pa.Schema, side: str) -> None:
    import pyarrow as pa

    for role, column in positions.columns().items():
        parameter = f"{side}_positions.{role}"
        if column not in schema.names:
            raise ParameterError(parameter, column, "is not a column of the table")
        kind = schema.field(column).type
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            continue
        if role == "epoch" and (pa.types.is_temporal(kind) or _is_text(kind)):
            continue
        hint = "; sexagesimal text must be turned into degrees first" if role in ("ra", "dec") else ""
        raise ParameterError(parameter, column, f"is a column of type {kind}, not numbers{hint}")


def _is_text(kind: pa.DataType) -> bool:
    return str(kind) in ("string", "large_string", "string_view")


def _replace(positions: Positions, changes: Mapping[str, str]) -> Positions:
    values = {f.name: getattr(positions, f.name) for f in fields(positions)}
    return Positions(**{**values, **changes})
