"""COOSYS and TIMESYS of a VOTable: frames of coordinates and origins of times (VOTable 1.5 §3.1 and §3.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ssap_mirror.core.schema import Column
from ssap_mirror.core.times import J2000_MJD, JULIAN_YEAR_DAYS, MJD_ZERO_JD

__all__ = ["Systems"]

# Words of VOTable 1.1 to 1.5 -> frame and the epoch of its equinox, where it has one
_FRAMES = {
    "eq_fk4": ("FK4", "B1950"),
    "fk4": ("FK4", "B1950"),
    "eq_fk5": ("FK5", "J2000"),
    "fk5": ("FK5", "J2000"),
    "icrs": ("ICRS", ""),
    "galactic": ("galactic", ""),
    "galactic_ii": ("galactic", ""),
    "supergalactic": ("supergalactic", ""),
    "super_galactic": ("supergalactic", ""),
    "ecl_fk5": ("ecliptic", "J2000"),
    "ecliptic": ("ecliptic", "J2000"),
}
_DATE = re.compile(r"(?P<kind>[JBjb]?)\s*(?P<year>\d{4}(?:\.\d*)?)")
_ORIGINS = {"MJD-ORIGIN": str(MJD_ZERO_JD), "JD-ORIGIN": "0"}
# Besselian epochs: JD = 2415020.31352 + (B - 1900) * 365.242198781 (Lieske 1979)
_B1900_JD, _TROPICAL_YEAR_D = 2415020.31352, 365.242198781
_J2000_JD = J2000_MJD + MJD_ZERO_JD


@dataclass(frozen=True)
class _Frame:
    frame: str
    epoch: str | None


class Systems:
    """The COOSYS and TIMESYS elements of a document, by their IDs."""

    def __init__(self) -> None:
        self._frames: dict[str, _Frame] = {}
        self._times: dict[str, dict[str, Any]] = {}

    def add(self, element: str, attributes: Mapping[str, str]) -> None:
        """Take an element."""
        name = attributes.get("ID", "")
        if element == "COOSYS":
            self._frames[name] = _frame(attributes)
            return
        origin = attributes.get("timeorigin", "").strip()
        told = {
            "time_origin": _ORIGINS.get(origin.upper(), origin),
            "time_scale": attributes.get("timescale", "").strip(),
        }
        self._times[name] = {key: value for key, value in told.items() if value}

    def located(self, column: Column, ref: str) -> Column:
        """Column with its frame, or with the origin and the scale of its times.

        A coordinate that refers to nothing is in the frame of the document, if there is just one.
        """
        if ref in self._times:
            return replace(column, **self._times[ref])
        frame = self._frames.get(ref)
        if frame is None and len(self._frames) == 1 and (column.ucd or "").lower().startswith("pos"):
            frame = next(iter(self._frames.values()))
        return column if frame is None else replace(column, frame=frame.frame, epoch=frame.epoch)


def _frame(attributes: Mapping[str, str]) -> _Frame:
    system = attributes.get("system", "").strip().rpartition("#")[2]
    name, equinox = _FRAMES.get(system.lower(), (system, ""))
    if equinox and (given := _DATE.search(attributes.get("equinox", ""))):
        equinox = (given["kind"].upper() or equinox[0]) + f"{float(given['year']):g}"
    return _Frame(f"{name} {equinox}".strip(), _julian_year(attributes.get("epoch", "")))


def _julian_year(text: str) -> str | None:
    found = _DATE.fullmatch(text.strip())
    if found is None:
        return None
    year = float(found["year"])
    if found["kind"].upper() == "B":
        days = _B1900_JD + (year - 1900) * _TROPICAL_YEAR_D
        year = 2000 + (days - _J2000_JD) / JULIAN_YEAR_DAYS
    return f"{year:.6f}".rstrip("0").rstrip(".")
