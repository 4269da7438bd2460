"""The parts that columns play, and by what a column is known to play one.

A key is a utype without its prefix, in lower case, or ``name:``, ``ucd:`` or ``ucd1:`` and a name (as `name_key` writes
it), a UCD1+ or a UCD of 2002. The keys of a role stand in the order in which they are tried: utypes of SSA 1.0 and 1.1,
of ObsCore 1.1, the name that ObsCore fixes, UCDs, usual names; of right ascension and declination the UCDs of the main
ones, usual names, other UCDs.
"""

from __future__ import annotations

__all__ = ["EQUATORIAL", "ROLES", "TEXT_ROLES", "UNITS"]

#: Usual names of right ascension and declination, as `name_key` writes them, the plainest first.
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

#: Role -> its keys, best first.
ROLES: dict[str, tuple[str, ...]] = {
    "identity": ("ucd:meta.id;meta.main",),
    "ra": (
        "ucd:pos.eq.ra;meta.main",
        "ucd1:pos_eq_ra_main",
        *(f"name:{name}" for name, _ in EQUATORIAL),
        "ucd:pos.eq.ra",
        "ucd1:pos_eq_ra",
    ),
    "dec": (
        "ucd:pos.eq.dec;meta.main",
        "ucd1:pos_eq_dec_main",
        *(f"name:{name}" for _, name in EQUATORIAL),
        "ucd:pos.eq.dec",
        "ucd1:pos_eq_dec",
    ),
    # A pair in one column. The two columns of one position are `location_ra` and `location_dec`.
    "location": ("char.spatialaxis.coverage.location.value", "ucd:pos.eq", "ucd1:pos_eq"),
    "location_ra": (
        "char.spatialaxis.coverage.location.value.c1",
        "char.spatialaxis.coverage.location.coord.position2d.value2.c1",
        "name:s_ra",
    ),
    "location_dec": (
        "char.spatialaxis.coverage.location.value.c2",
        "char.spatialaxis.coverage.location.coord.position2d.value2.c2",
        "name:s_dec",
    ),
    "target_pos": ("target.pos.spoint", "target.pos", "ucd:pos.eq;src"),
    "t_mid": (
        "char.timeaxis.coverage.location.value",
        "ucd:time.epoch",
        "ucd:time.epoch;obs.exposure",
        "ucd:time.epoch;obs",
        "ucd1:vox:image_mjdateobs",
        "ucd1:time_date",
        "ucd1:date",
    ),
    "t_min": (
        "char.timeaxis.coverage.bounds.start",
        "char.timeaxis.coverage.bounds.limits.starttime",
        "name:t_min",
        "ucd:time.start;obs.exposure",
        "ucd:time.start;obs",
        "ucd:time.start",
    ),
    "t_max": (
        "char.timeaxis.coverage.bounds.stop",
        "char.timeaxis.coverage.bounds.limits.stoptime",
        "name:t_max",
        "ucd:time.end;obs.exposure",
        "ucd:time.end;obs",
        "ucd:time.end",
    ),
    "t_exptime": (
        "char.timeaxis.coverage.bounds.extent",
        "char.timeaxis.coverage.support.extent",
        "name:t_exptime",
        "ucd:time.duration;obs.exposure",
        "ucd:time.duration;obs",
        "ucd:time.duration",
        "ucd1:time_expos",
        "ucd1:time_exptime",
    ),
    "em_min": (
        "char.spectralaxis.coverage.bounds.start",
        "char.spectralaxis.coverage.bounds.limits.lolimit",
        "name:em_min",
        "ucd:em.wl;stat.min",
        "ucd:em.freq;stat.min",
        "ucd:em.energy;stat.min",
        "ucd:em.wavenumber;stat.min",
        "ucd:em;stat.min",
        "ucd1:vox:bandpass_lolimit",
    ),
    "em_max": (
        "char.spectralaxis.coverage.bounds.stop",
        "char.spectralaxis.coverage.bounds.limits.hilimit",
        "name:em_max",
        "ucd:em.wl;stat.max",
        "ucd:em.freq;stat.max",
        "ucd:em.energy;stat.max",
        "ucd:em.wavenumber;stat.max",
        "ucd:em;stat.max",
        "ucd1:vox:bandpass_hilimit",
    ),
    "em_mid": (
        "char.spectralaxis.coverage.location.value",
        "ucd:em.wl;instr.bandpass",
        "ucd:em.freq;instr.bandpass",
        "ucd:em.energy;instr.bandpass",
        "ucd1:vox:bandpass_refvalue",
    ),
    "em_extent": (
        "char.spectralaxis.coverage.bounds.extent",
        "char.spectralaxis.coverage.support.extent",
        "ucd:em.wl;instr.bandwidth",
        "ucd:em.freq;instr.bandwidth",
        "ucd:em.energy;instr.bandwidth",
        "ucd:instr.bandwidth",
    ),
    "em_res": (
        "char.spectralaxis.resolution",
        "char.spectralaxis.resolution.refval.value",
        "char.spectralaxis.resolution.refval",
        "name:em_resolution",
        "ucd:spect.resolution;em.wl",
        "ucd:spect.resolution;em",
    ),
    "em_res_power": (
        "char.spectralaxis.respower",
        "char.spectralaxis.resolution.resolpower.refval",
        "char.spectralaxis.resolution.resolpower",
        "name:em_res_power",
        "ucd:spect.resolution",
    ),
    "s_resolution": (
        "char.spatialaxis.resolution",
        "char.spatialaxis.resolution.refval.value",
        "char.spatialaxis.resolution.refval",
        "name:s_resolution",
        "ucd:pos.angresolution",
    ),
    "t_resolution": (
        "char.timeaxis.resolution",
        "char.timeaxis.resolution.refval.value",
        "char.timeaxis.resolution.refval",
        "name:t_resolution",
        "ucd:time.resolution",
    ),
    "aperture": (
        "char.spatialaxis.coverage.bounds.extent",
        "char.spatialaxis.coverage.bounds.extent.diameter",
        "name:s_fov",
        "ucd:phys.angsize;instr.fov",
    ),
    "snr": ("derived.snr", "ucd:stat.snr"),
    "redshift": ("target.redshift", "derived.redshift.value", "ucd:src.redshift", "ucd1:redshift_hc"),
    "var_ampl": ("derived.varampl", "target.varampl", "ucd:src.var.amplitude;arith.ratio", "ucd:src.var.amplitude"),
    "target_name": ("target.name", "name:target_name", "ucd:meta.id;src", "ucd1:id_main"),
    "target_class": ("target.class", "name:target_class", "ucd:src.class", "ucd1:class_object"),
    "bandpass": ("dataid.bandpass", "ucd:instr.bandpass"),
    "obs_publisher_did": ("curation.publisherdid", "name:obs_publisher_did", "ucd:meta.ref.ivoid"),
    "obs_creator_did": ("dataid.creatordid", "name:obs_creator_did"),
    "obs_collection": ("dataid.collection", "name:obs_collection"),
    "access_url": (
        "access.reference",
        "name:access_url",
        "ucd:meta.ref.url;meta.dataset",
        "ucd:meta.ref.url",
        "ucd1:vox:spectrum_accessreference",
        "ucd1:vox:image_accessreference",
        "ucd1:data_link",
    ),
    "access_format": (
        "access.format",
        "name:access_format",
        "ucd:meta.code.mime",
        "ucd1:vox:spectrum_format",
        "ucd1:vox:image_format",
    ),
    "flux_calib": (
        "char.fluxaxis.calibration",
        "char.observableaxis.calibrationstatus",
        "name:o_calib_status",
    ),
    "wave_calib": (
        "char.spectralaxis.calibration",
        "char.spectralaxis.calibrationstatus",
        "name:em_calib_status",
    ),
    "date_published": ("curation.date",),
    "score": ("query.score",),
    "region": ("char.spatialaxis.coverage.support.area", "ucd:pos.outline;obs.field", "name:s_region"),
}

#: Roles whose values are text.
TEXT_ROLES = frozenset(
    {
        "target_name",
        "target_class",
        "bandpass",
        "obs_publisher_did",
        "obs_creator_did",
        "obs_collection",
        "access_url",
        "access_format",
        "flux_calib",
        "wave_calib",
        "date_published",
    }
)

#: Role -> the unit in which SSA 1.1 (§4.2.1, §4.2.5.10) has its numbers, and in which they are compared.
UNITS: dict[str, str] = {
    **dict.fromkeys(("ra", "dec", "location", "location_ra", "location_dec", "target_pos"), "deg"),
    **dict.fromkeys(("aperture", "s_resolution"), "deg"),
    **dict.fromkeys(("t_mid", "t_min", "t_max"), "d"),
    **dict.fromkeys(("t_exptime", "t_resolution"), "s"),
    **dict.fromkeys(("em_min", "em_max", "em_mid", "em_extent", "em_res"), "m"),
    **dict.fromkeys(("em_res_power", "snr", "redshift", "var_ampl"), ""),
}
