"""UCDs and usual names of columns with motions, dates, and positions in other frames than ICRS."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FK4", "GALACTIC", "NAMES", "UCDS", "ucd_key"]

#: Role -> UCDs, in order of preference; those of UCD1 (2002) are in older VizieR tables.
UCDS: Mapping[str, tuple[str, ...]] = {
    "galactic_lon": ("pos.galactic.lon;meta.main", "pos.galactic.lon", "pos_gal_lon"),
    "galactic_lat": ("pos.galactic.lat;meta.main", "pos.galactic.lat", "pos_gal_lat"),
    "ecliptic_lon": ("pos.ecliptic.lon;meta.main", "pos.ecliptic.lon", "pos_ec_lon"),
    "ecliptic_lat": ("pos.ecliptic.lat;meta.main", "pos.ecliptic.lat", "pos_ec_lat"),
    "pmra": ("pos.pm;pos.eq.ra;meta.main", "pos.pm;pos.eq.ra", "pos_eq_pmra"),
    "pmdec": ("pos.pm;pos.eq.dec;meta.main", "pos.pm;pos.eq.dec", "pos_eq_pmdec"),
    "parallax": ("pos.parallax.trig", "pos.parallax", "pos_parlx_trig"),
    "radial_velocity": ("spect.dopplerveloc.opt;em.opt.i", "spect.dopplerveloc.opt", "spect.dopplerveloc"),
    "ref_epoch": ("meta.ref;time.epoch", "time.epoch;meta.ref"),
    "epoch": ("meta.ref;time.epoch", "time.epoch;meta.main", "time.epoch", "time.start;obs", "time_epoch"),
}
#: Role -> usual names, as `ssap_mirror.core.schema.role_finding.name_key` writes them.
NAMES: Mapping[str, tuple[str, ...]] = {
    "pmra": ("pmra", "pm_ra", "pmra_cosdec", "pm_ra_cosdec", "mu_alpha_star"),
    "pmdec": ("pmdec", "pm_dec", "pmde", "pm_de", "mu_delta"),
    "parallax": ("parallax", "plx"),
    "radial_velocity": ("radial_velocity", "dr2_radial_velocity", "rv", "rvel", "rv_helio"),
    "ref_epoch": ("ref_epoch", "refepoch", "epoch"),
    "epoch": ("ref_epoch", "refepoch", "epoch", "ssa_dateobs", "mjd", "obs_mjd", "mjd_obs", "date_obs"),
}
#: Pairs of FK4, B1950.
FK4 = (
    ("rab1950", "deb1950"),
    ("ra1950", "dec1950"),
    ("ra1950", "de1950"),
    ("ra_b1950", "dec_b1950"),
    ("alpha_b1950", "delta_b1950"),
)
#: Pairs of galactic longitude and latitude.
GALACTIC = (
    ("glon", "glat"),
    ("gal_lon", "gal_lat"),
    ("galactic_l", "galactic_b"),
    ("gal_l", "gal_b"),
    ("l_deg", "b_deg"),
    ("ldeg", "bdeg"),
    ("lii", "bii"),
    ("l", "b"),
)


def ucd_key(ucd: str) -> str:
    """Key of a UCD in `ssap_mirror.core.schema.role_finding.ColumnIndex`; those of 2002 have underscores."""
    return f"{'ucd' if '.' in ucd else 'ucd1'}:{ucd}"
