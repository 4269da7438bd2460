"""What a table says of the dates in a column: years, days since some day, or text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ssap_mirror.core.quantities.time_systems import count_of_days
from ssap_mirror.core.times import MJD_ZERO_JD
from ssap_mirror.core.units import conversion

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Dates", "told_dates"]

_YEARS = ("a", "yr", "year", "years", "jyear", "julian year", "julian years")
_XTYPES = {"mjd": MJD_ZERO_JD, "jd": 0.0}
# Names of columns that hold years if their values could be
_YEAR_NAMES = re.compile(r"(?:^|[^a-z])(ep|epoch|year|yr|jyear|years)(?:$|[^a-z])|epoch|year", re.IGNORECASE)


@dataclass(frozen=True)
class Dates:
    """What is told of dates."""

    kind: Literal["years", "days", "numbers", "text", "timestamps"]
    """``numbers`` are years, MJD or JD: their values have to tell."""
    origin_jd: float | None = None
    """Julian date that days are counted from; None: MJD or JD, as the values tell."""
    days: float = 1.0
    """Days that one of them is."""
    may_be_years: bool = True
    """Whether ``numbers`` between 1000 and 3000 are years; days since some day fall there as well."""


def told_dates(item: pa.Field, unit: str) -> Dates:
    """Find out what is told of the dates in a column.

    Parameters
    ----------
    item : pyarrow.Field
        The column, with its metadata.
    unit : str
        Its unit; empty without one.

    Raises
    ------
    ValueError
        If the unit is none of time.
    """
    import pyarrow as pa

    metadata = {key.decode(): value.decode() for key, value in (item.metadata or {}).items()}
    if pa.types.is_temporal(item.type):
        return Dates("timestamps")
    if not (pa.types.is_integer(item.type) or pa.types.is_floating(item.type) or pa.types.is_decimal(item.type)):
        return Dates("text")
    if unit.lower() in _YEARS and "time_origin" not in metadata:
        return Dates("years")
    if (counted := count_of_days(unit)) is not None:
        return Dates("days", counted[0])
    days = 1.0
    if unit:
        factor = conversion(unit, "d")
        days = factor.times / factor.over
    origin = metadata.get("time_origin")
    if origin is not None:
        return Dates("days", float(origin), days)
    if metadata.get("xtype", "").lower() in _XTYPES:
        return Dates("days", _XTYPES[metadata["xtype"].lower()], days)
    if unit and days != 1.0:
        message = f"is in {unit}, and nothing tells since when (TIMESYS)"
        raise ValueError(message)
    if unit:
        return Dates("days")
    name = metadata.get("source_name", item.name)
    told_by_ucd = metadata.get("ucd", "").lower().startswith("meta.ref;time.epoch")
    return Dates("numbers", may_be_years=told_by_ucd or _YEAR_NAMES.search(name) is not None)
