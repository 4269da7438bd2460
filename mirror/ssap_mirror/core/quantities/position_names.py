"""Usual names of columns with right ascension and declination, known to whoever looks for a position."""

from __future__ import annotations

__all__ = ["EQUATORIAL"]

#: Usual names of right ascension and declination, as `ssap_mirror.core.roles.name_key` writes them, the plainest first.
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
