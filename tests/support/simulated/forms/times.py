"""Times: midpoints and ends, numbers and texts, units and origins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.support.simulated.forms.parts import TIME_AXIS, Part, Shown, each, iso, numbers, texts
from tests.support.simulated.spectra import DAY_S, Spectra

__all__ = ["TIMES", "with_origin"]


def _middle(unit: str | None = "d", value: Callable[[Spectra], Any] = lambda s: s.t_mid, name: str = "t_mid") -> Shown:
    return numbers(name, value, unit=unit, ucd="time.epoch", utype=f"{TIME_AXIS}.Location.Value")


def _extent(unit: str, per_second: float, utype: str = "Bounds.Extent") -> Shown:
    return numbers(
        "t_ext", lambda s: s.exposure * per_second, unit=unit, ucd="time.duration", utype=f"{TIME_AXIS}.{utype}"
    )


def _text_middle(write: Callable[[float], str]) -> Shown:
    return texts("t_text", each(write, "t_mid"), ucd="time.epoch", utype=f"{TIME_AXIS}.Location.Value")


def _ends(write: Callable[[float], str] | None = None) -> tuple[Shown, Shown]:
    """Show beginning and end as MJD, or as text."""

    def end(name: str, of: str, word: str) -> Shown:
        ucd, utype = f"time.{word.lower()}", f"{TIME_AXIS}.Bounds.{word}"
        if write is not None:
            return texts(name, each(write, of), ucd=ucd, utype=utype)
        return numbers(name, lambda s: getattr(s, of), unit="d", ucd=ucd, utype=utype)

    return end("t_begin", "t_min", "Start"), end("t_finish", "t_max", "Stop")


def _julian_year(spectra: Spectra) -> Any:
    return 2000.0 + (spectra.t_mid - 51544.5) / 365.25


#: Name -> columns.
TIMES: dict[str, Part] = {
    "exposures in min": Part((_middle(), _extent("min", 1 / 60))),
    "exposures in h": Part((_middle(), _extent("h", 1 / 3600))),
    "exposures in d": Part((_middle(), _extent("d", 1 / DAY_S))),
    "DAYS, and exposures in sec.": Part((_middle("DAYS"), _extent("sec.", 1.0))),
    "start and stop as ISO texts with Z": Part(_ends(lambda mjd: f"{iso(mjd)}.000Z")),
    "Support.Extent": Part((_middle(), _extent("s", 1.0, "Support.Extent"))),
    "a midpoint alone": Part((_middle(),), coverage=lambda s: (s.t_mid, s.t_mid)),
    "the unit MJD": Part((_middle("MJD"), _extent("s", 1.0))),
    "start and stop": Part(_ends()),
    "start and stop beside a midpoint": Part((_middle(), *_ends())),
    "start and stop as ISO texts": Part(_ends(iso)),
    "ObsCore names alone": Part(
        (numbers("t_min", lambda s: s.t_min, unit="d"), numbers("t_max", lambda s: s.t_max, unit="d"))
    ),
    "a midpoint as ISO text": Part((_text_middle(iso), _extent("s", 1.0))),
    "a date alone": Part(
        (_text_middle(lambda mjd: iso(mjd)[:10]),), coverage=lambda s: (np.floor(s.t_mid), np.floor(s.t_mid) + 1)
    ),
    "JD by its unit": Part((_middle("JD", lambda s: s.t_mid + 2400000.5), _extent("s", 1.0)), "unclear"),
    "Julian years": Part((_middle("yr", _julian_year), _extent("s", 1.0))),
    "UCDs alone": Part(
        (
            numbers("begin", lambda s: s.t_min, unit="d", ucd="time.start;obs.exposure"),
            numbers("finish", lambda s: s.t_max, unit="d", ucd="time.end;obs.exposure"),
        )
    ),
    "a unit that nobody knows": Part((_middle("fortnight", lambda s: s.t_mid / 14),), "unclear"),
    "the date of the data set": Part(
        (texts("made", each(iso, "t_mid"), ucd="time;meta.dataset", utype="ssa:DataID.Date"),), "nothing"
    ),
    "no time": Part((), "nothing"),
    "a time that is empty": Part((_middle(value=lambda s: np.full(len(s), np.nan)),), "empty"),
}


def with_origin(origin: float) -> Part:
    """Show midpoints as days since a Julian Date, which the TIMESYS of the document has to tell (VOTable 1.4 §3.3)."""
    return Part((_middle("d", lambda s: s.t_mid + 2400000.5 - origin), _extent("s", 1.0)))
