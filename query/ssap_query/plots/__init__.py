"""Pictures of a mirror, a result or a match: each gives matplotlib's axes, and `save` writes them to a file."""

from __future__ import annotations

from ssap_query.plots.columns import density
from ssap_query.plots.histograms import bands, snr, time
from ssap_query.plots.matches import completeness, matches
from ssap_query.plots.sky import field, sky
from ssap_query.plots.spectra import spectrum
from ssap_query.plots.style import save
from ssap_query.plots.velocities import scatter, velocities

__all__ = [
    "bands",
    "completeness",
    "density",
    "field",
    "matches",
    "save",
    "scatter",
    "sky",
    "snr",
    "spectrum",
    "time",
    "velocities",
]
