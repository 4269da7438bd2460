"""UCDs and usual names of columns with positions, motions and dates."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["EQUATORIAL", "FK4", "GALACTIC", "NAMES", "UCDS", "key"]

#: Role -> UCDs, in order of preference; those of UCD1 (2002) are in older VizieR tables.
UCDS: Mapping[str, tuple[str, ...]] = {
    "ra": ("pos.eq.ra;meta.main", "meta.main;pos.eq.ra", "pos_eq_ra_main"),
    "dec": ("pos.eq.dec;meta.main", "meta.main;pos.eq.dec", "pos_eq_dec_main"),
    "any_ra": ("pos.eq.ra", "pos_eq_ra"),
    "any_dec": ("pos.eq.dec", "pos_eq_dec"),
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
#: Role -> usual names, as `key` writes them.
NAMES: Mapping[str, tuple[str, ...]] = {
    "pmra": ("pmra", "pm_ra", "pmra_cosdec", "pm_ra_cosdec", "mu_alpha_star"),
    "pmdec": ("pmdec", "pm_dec", "pmde", "pm_de", "mu_delta"),
    "parallax": ("parallax", "plx"),
    "radial_velocity": ("radial_velocity", "dr2_radial_velocity", "rv", "rvel", "rv_helio"),
    "ref_epoch": ("ref_epoch", "refepoch", "epoch"),
    "epoch": ("ref_epoch", "refepoch", "epoch", "ssa_dateobs", "mjd", "obs_mjd", "mjd_obs", "date_obs"),
}
#: Pairs of right ascension and declination.
EQUATORIAL = (
    ("ra", "dec"),
    ("s_ra", "s_dec"),
    ("ra_icrs", "dec_icrs"),
    ("ra_icrs", "de_icrs"),
    ("icrs_ra", "icrs_dec"),
    ("raj2000", "dej2000"),
    ("ra_j2000", "dec_j2000"),
    ("ra2000", "dec2000"),
    ("ra_2000", "dec_2000"),
    ("raj2000", "decj2000"),
    ("radeg", "dedeg"),
    ("radeg", "decdeg"),
    ("ra_deg", "dec_deg"),
    ("ra_deg", "de_deg"),
    ("alpha", "delta"),
    ("alpha_j2000", "delta_j2000"),
    ("alphawin_j2000", "deltawin_j2000"),
    ("alphapeak_j2000", "deltapeak_j2000"),
    ("alphapsf_j2000", "deltapsf_j2000"),
    ("ra_j1991_25", "dec_j1991_25"),
    ("raicrs", "deicrs"),
    ("ra", "de"),
    ("ra", "decl"),
    ("right_ascension", "declination"),
    ("rightascension", "declination"),
    ("ramean", "decmean"),
    ("ra_mean", "dec_mean"),
    ("ra_obj", "dec_obj"),
    ("ra_targ", "dec_targ"),
    ("target_ra", "target_dec"),
    ("plug_ra", "plug_dec"),
    ("raobs", "decobs"),
    ("ra_obs", "dec_obs"),
    ("sky_ra", "sky_dec"),
    ("coord_ra", "coord_dec"),
)
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

_MARKS = re.compile(r"[^0-9a-z]+")


def key(name: str) -> str:
    """Name as it is compared: in lower case, marks and blanks as one underscore, none at its ends."""
    return _MARKS.sub("_", name.lower()).strip("_")
