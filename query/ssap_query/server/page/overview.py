"""What all rows that are asked for have to say: where they are, and how their numbers are distributed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import ParameterError

from ssap_query.engine.browse.histogram import histogram
from ssap_query.engine.browse.match import Match
from ssap_query.engine.browse.page import count_rows
from ssap_query.engine.browse.sky_density import SkyDensity, sky_density
from ssap_query.server.page.table import PagePlan
from ssap_query.server.page.values import described, is_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["default_histograms", "overview"]

_OVERVIEW = "overview of the page"
_MOST_HISTOGRAMS = 6
_HISTOGRAMS = "_histograms"
# What one looks at first; radial velocities have no role.
_ROLES = ("snr", "t_mid", "em_mid")
_VELOCITY_UCD = "spect.dopplerVeloc"
# Of LAMOST's many velocities, that of both arms with the zero point corrected.
_BEST_VELOCITIES = ("rv_br1",)


def default_histograms(schema: Schema) -> list[str]:
    """Columns that are drawn where the page names none: signal to noise, time, wavelength, velocity or redshift."""
    names = [schema.roles[role] for role in _ROLES if role in schema.roles]
    velocities = [column.name for column in schema if (column.ucd or "").startswith(_VELOCITY_UCD)]
    redshifts = [name for role, name in schema.roles.items() if role == "redshift"]
    names += ([name for name in _BEST_VELOCITIES if name in velocities] or velocities or redshifts)[:1]
    return [name for name in dict.fromkeys(names) if is_number(schema[name])]


def overview(plan: PagePlan) -> bytes:
    """Work out the overview, or find it: it is kept while the snapshot is open.

    Raises
    ------
    ParameterError
        If a column that is to be drawn is not there, or no number.
    CatalogError
        If the snapshot cannot be read.
    """
    schema = plan.engine.catalog.schema
    columns = plan.page.histograms(schema) or [schema[name] for name in default_histograms(schema)]
    for column in columns:
        if not is_number(column):
            raise ParameterError(_HISTOGRAMS, column.name, "is not a column of numbers")
    if len(columns) > _MOST_HISTOGRAMS:
        raise ParameterError(_HISTOGRAMS, len(columns), f"columns are more than the {_MOST_HISTOGRAMS} that are drawn")
    key = (_OVERVIEW, plan.page.parameters, tuple(column.name for column in columns))
    return plan.engine.cache.get(key, lambda: _worked_out(plan, columns), len)


def _worked_out(plan: PagePlan, columns: list[Column]) -> bytes:
    match = plan.match
    if match is None:
        return json.dumps({"status": "OK", "total": 0, "sky": None, "histograms": []}).encode()
    total = count_rows(match)
    told = {
        "status": "OK",
        "total": total,
        "sky": _sky(sky_density(match)),
        "histograms": [_histogram(match, column, total) for column in columns],
    }
    return json.dumps(told, allow_nan=False).encode()


def _histogram(match: Match, column: Column, total: int) -> dict[str, Any]:
    found = histogram(match, column.name)
    return {
        **described(column),
        "low": found.low,
        "high": found.high,
        "counts": found.counts,
        "below": found.below,
        "above": found.above,
        "least": found.least,
        "largest": found.largest,
        "without": total - found.known,
    }


def _sky(found: SkyDensity) -> dict[str, Any]:
    """Cells as polygons: the page need not know HEALPix."""
    return {
        "order": found.order,
        "counts": found.counts.tolist(),
        "corners": _corners(found).tolist(),
        "unplaced": found.unplaced,
    }


def _corners(found: SkyDensity) -> NDArray[np.float64]:
    """Corners of cells: ra, dec, ra, dec, ... [deg]; shape (n, 8)."""
    import hpgeom

    if not len(found.cells):
        return np.empty((0, 8))
    ra, dec = hpgeom.boundaries(1 << found.order, found.cells, step=1, nest=True, lonlat=True, degrees=True)
    # A hundredth of a cell is finer than a picture.
    digits = max(1, round(found.order * 0.3010) + 1)
    return np.round(np.stack([ra, dec], axis=-1).reshape(len(found.cells), 8), digits)
