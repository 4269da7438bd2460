"""What the published service holds constant over its whole table (here labelled as synthetic)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from scripts.rows.synthetic.visits import APERTURE_DEG

#: Column name -> the value of all rows; None is NULL.
CONSTANTS: MappingProxyType[str, Any] = MappingProxyType(
    {
        "ssa_score": 0.0,
        "ssa_pdate": "2020-03-31T00:00:00",
        "ssa_bandpass": "Optical",
        "ssa_cversion": None,
        "ssa_targetpos": None,
        "ssa_aperture": APERTURE_DEG,
        "ssa_csysName": "ICRS",
        "ssa_spectralucd": "em.wl",
        "ssa_spectralunit": "Angstrom",
        "ssa_fluxucd": "phot.flux.density;em.wl",
        "ssa_fluxunit": "",
        "ssa_publisher": "Synthetic data for ssap-mirror",
        "ssa_creator": "synthetic",
        "ssa_collection": "LAMOST6 MRS (synthetic)",
        "ssa_instrument": "LAMOST MRS",
        "ssa_datasource": "artificial",
        "ssa_creationtype": "archival",
        "ssa_reference": "2020RAA....20..163S",
        "ssa_fluxStatError": None,
        "ssa_fluxSysError": None,
        "ssa_fluxcalib": "UNCALIBRATED",
        "ssa_binSize": None,
        "ssa_spectStatError": None,
        "ssa_spectSysError": None,
        "ssa_speccalib": "ABSOLUTE",
        "ssa_spaceError": None,
        "ssa_spaceCalib": None,
        "ssa_spaceRes": None,
        "magtype": "gaia_g_bp_rp",
        "mime": "application/x-votable+xml",
        "ssa_model": "Spectrum-1.0",
        "ssa_timeSI": None,
        "ssa_spectralSI": None,
        "ssa_fluxSI": None,
        "ssa_dstype": "spectrum",
        "owner": None,
        "embargo": None,
        "fibertype": "Obj",
    }
)
