"""The quantities of a spectrum, and the ways to read each out of a service's columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssap_mirror.core.quantities.bands import band_candidates
from ssap_mirror.core.quantities.dates import date_candidates
from ssap_mirror.core.quantities.numbers import number_candidates
from ssap_mirror.core.quantities.positions.readings import location_candidates, target_candidates
from ssap_mirror.core.quantities.reading import Candidates, Finder

if TYPE_CHECKING:
    from ssap_mirror.core.schema import Schema

__all__ = ["NUMBERS", "QUANTITIES", "candidates"]

#: Roles that are one number each.
NUMBERS = (
    "t_exptime",
    "aperture",
    "s_resolution",
    "t_resolution",
    "em_res",
    "em_res_power",
    "snr",
    "redshift",
    "var_ampl",
)

_OTHERS = {
    "location": location_candidates,
    "target": target_candidates,
    "band": band_candidates,
    "time": date_candidates,
}

#: All that can be read: ``location``, ``target``, ``band``, ``time`` and the numbers by their roles.
QUANTITIES = (*_OTHERS, *NUMBERS)


def candidates(schema: Schema, quantity: str) -> Candidates:
    """Ways to read a quantity out of a service's columns, best first.

    Parameters
    ----------
    schema : Schema
        The service's columns.
    quantity : str
        One of `QUANTITIES`.
    """
    finder = Finder.of(schema)
    return _OTHERS[quantity](finder) if quantity in _OTHERS else number_candidates(finder, quantity)
