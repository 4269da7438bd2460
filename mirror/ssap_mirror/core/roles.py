"""The parts that columns play, and by what a column is known to play one.

A key is a utype without its prefix, in lower case, or ``name:``, ``ucd:`` or ``ucd1:`` and a name, a UCD1+ or a UCD of
2002. The keys of a role stand in the order in which they are tried: utypes of SSA 1.0 and 1.1, of ObsCore 1.1, the name
that ObsCore fixes, UCDs, usual names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ssap_mirror.core.quantities.units import says_no_unit

if TYPE_CHECKING:
    from ssap_mirror.core.schema import Column

__all__ = ["ROLES", "TEXT_ROLES", "UNITS", "ColumnIndex", "find_roles", "fits", "utype_key"]

#: Role -> its keys, best first.
ROLES: dict[str, tuple[str, ...]] = {
    "identity": ("ucd:meta.id;meta.main",),
    "ra": (
        "ucd:pos.eq.ra;meta.main",
        "name:s_ra",
        "ucd1:pos_eq_ra_main",
        "ucd:pos.eq.ra",
        "ucd1:pos_eq_ra",
        "name:ra",
        "name:raj2000",
        "name:ra_icrs",
    ),
    "dec": (
        "ucd:pos.eq.dec;meta.main",
        "name:s_dec",
        "ucd1:pos_eq_dec_main",
        "ucd:pos.eq.dec",
        "ucd1:pos_eq_dec",
        "name:dec",
        "name:dej2000",
        "name:de_icrs",
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

# Any column may be the identity; the score and the region are not compared with anything.
_ANY_KIND = frozenset({"identity", "score", "region"})
_OTHER_WORDS = ("spectrum.", "ssa.", "obscore.", "spec.")
_MAIN = "meta.main"


class ColumnIndex:
    """Columns by what they are known by.

    Parameters
    ----------
    columns : iterable of Column
        In the service's order.
    """

    def __init__(self, columns: Iterable[Column]) -> None:
        self._by_key: dict[str, list[Column]] = {}
        for column in columns:
            for key in _keys(column):
                self._by_key.setdefault(key, []).append(column)

    def known_by(self, key: str) -> list[Column]:
        """Columns that have a key of `ROLES`: the main ones first, then the more precise, in the service's order."""
        found = self._by_key.get(_normal(key), [])
        return sorted(found, key=lambda column: (not _is_main(column), _imprecision(column)))

    def candidates(self, role: str) -> Iterator[Column]:
        """Columns that may play a role, best first."""
        for key in ROLES[role]:
            yield from self.known_by(key)


def fits(role: str, column: Column) -> bool:
    """Whether a column can play a role as it stands: text or number, and a number in the role's own unit or in none."""
    if role in _ANY_KIND:
        return True
    if column.is_text or role in TEXT_ROLES:
        return column.is_text and role in TEXT_ROLES
    return says_no_unit(column.unit) or (column.unit or "").strip() == UNITS[role]


def find_roles(columns: Sequence[Column], overrides: Mapping[str, str]) -> dict[str, str]:
    """Role -> name of the column that plays it as it stands.

    Parameters
    ----------
    columns : sequence of Column
        In the service's order.
    overrides : mapping of str to str
        Role -> name of its column where that is known; with an empty name, no column has it.
    """
    index = ColumnIndex(columns)
    named = {column.name for column in columns}
    found: dict[str, str] = {}
    for role in ROLES:
        said = overrides.get(role)
        if said is not None and (not said or said in named):
            found[role] = said
        elif column := next((column for column in index.candidates(role) if fits(role, column)), None):
            found[role] = column.name
    return {role: name for role, name in found.items() if name}


def utype_key(utype: str) -> str:
    """Utype without a prefix or the data model's first word, in lower case (SSA 1.1 §2.11: case is not significant)."""
    key = utype.strip().rpartition(":")[2].lower()
    for word in _OTHER_WORDS:
        key = key.removeprefix(word)
    return key


def _keys(column: Column) -> set[str]:
    keys = {f"name:{column.name.lower()}"}
    if column.utype:
        keys.add(utype_key(column.utype))
    if column.ucd:
        words = _ucd_words(column.ucd)
        keys |= {f"ucd1:{column.ucd.strip().lower()}", _ucd_key(words), _ucd_key(words - {_MAIN})}
    return keys


def _normal(key: str) -> str:
    return _ucd_key(_ucd_words(key.removeprefix("ucd:"))) if key.startswith("ucd:") else key


def _ucd_key(words: set[str]) -> str:
    return "ucd:" + ";".join(sorted(words))


def _ucd_words(ucd: str) -> set[str]:
    """Words of a UCD1+ without blanks and namespaces."""
    return {word.strip().rpartition(":")[2].lower() for word in ucd.split(";") if word.strip()}


def _is_main(column: Column) -> bool:
    return _MAIN in (column.ucd or "").lower()


def _imprecision(column: Column) -> int:
    return {"double": 0, "float": 1}.get(column.datatype, 3 if column.is_text else 2)
