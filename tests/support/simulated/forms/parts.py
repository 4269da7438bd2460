"""The columns that services show their spectra in: a part for each thing that a parameter asks about, in many forms.

The same truth is worn in other units, as text, with other utypes; `Part.tells` says what a question about it has to be
answered with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from ssap_mirror.core.schema import Column
from ssap_mirror.core.times import MJD_EPOCH

from tests.support.simulated.spectra import DAY_S, Spectra

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BAND_AXIS",
    "BASE",
    "LOCATION",
    "TIME_AXIS",
    "Form",
    "Part",
    "Shown",
    "each",
    "iso",
    "numbers",
    "sexagesimal",
    "texts",
]

Cells = list[Any]
Coverage = Callable[[Spectra], "tuple[NDArray[np.float64], NDArray[np.float64]]"]


@dataclass(frozen=True)
class Shown:
    """A column, and how its cells come from the truth."""

    column: Column
    """As the service declares it."""
    cells: Callable[[Spectra], Cells]
    """Python values, None for a missing one."""
    volatile: bool = False
    """Whether it differs in each answer, so that no two can be compared by it."""


@dataclass(frozen=True)
class Part:
    """Columns that answer one kind of question."""

    shown: tuple[Shown, ...] = ()
    """The columns."""
    tells: Literal["values", "nothing", "empty", "unclear"] = "values"
    """Whether a question has to be answered as by brute force (values), to be refused (nothing), to select no row
    (empty: there are columns and they have no values), or may be refused or answered (unclear)."""
    coverage: Coverage | None = None
    """What the columns cover, low and high, where that is not what the truth covers."""


@dataclass(frozen=True)
class Form:
    """All columns of a service."""

    identity: Part
    position: Part
    time: Part
    band: Part
    snr: Part
    target: Part
    others: Part

    def shown(self, verb: int = 3) -> tuple[Shown, ...]:
        """Columns in the order of a document; with VERB=1 those that tell rows, places and times apart."""
        parts = (self.identity, self.position, self.time)
        if verb > 1:
            parts += (self.band, self.snr, self.target, self.others)
        return tuple(item for part in parts for item in part.shown if verb > 2 or item.column.verbosity <= 20)

    def columns(self) -> tuple[Column, ...]:
        """As the service declares them."""
        return tuple(item.column for item in self.shown())

    def cells(self, spectra: Spectra) -> dict[str, Cells]:
        """Values of each column."""
        return {item.column.name: item.cells(spectra) for item in self.shown()}


def _number(values: Any) -> Cells:
    return [None if np.isnan(value) else float(value) for value in values]


def _single(values: Any) -> Cells:
    return [None if np.isnan(value) else float(np.float32(value)) for value in values]


def numbers(name: str, value: Callable[[Spectra], Any], datatype: str = "double", **attributes: Any) -> Shown:
    """Show a number of each spectrum; NaN is missing."""
    convert = _single if datatype == "float" else _number
    return Shown(Column(name, datatype, **attributes), lambda spectra: convert(value(spectra)))


def texts(name: str, value: Callable[[Spectra], Sequence[Any]], **attributes: Any) -> Shown:
    """Show a text of each spectrum."""
    return Shown(Column(name, "char", "*", **attributes), lambda spectra: list(value(spectra)))


def each(function: Callable[..., Any], *names: str) -> Callable[[Spectra], Cells]:
    """Work out a cell from some fields of each spectrum; missing if one of them is."""

    def cells(spectra: Spectra) -> Cells:
        columns = [np.asarray(getattr(spectra, name)) for name in names]
        return [
            None if any(isinstance(v, float) and np.isnan(v) for v in row) else function(*row)
            for row in zip(*(column.tolist() for column in columns), strict=True)
        ]

    return cells


def iso(mjd: float) -> str:
    """Write a date to the second."""
    moment = MJD_EPOCH + timedelta(seconds=round(mjd * DAY_S))
    return moment.isoformat()


def sexagesimal(ra: float, dec: float) -> str:
    """Write a position as ``hh mm ss.sss +dd mm ss.ss``."""

    def parts(value: float, digits: int) -> str:
        units = round(abs(value) * 3600 * 10**digits)
        seconds = units % (60 * 10**digits) / 10**digits
        minutes = units // (60 * 10**digits)
        return f"{minutes // 60:02d} {minutes % 60:02d} {seconds:0{3 + digits}.{digits}f}"

    return f"{parts(ra % 360 / 15, 3)} {'-' if dec < 0 else '+'}{parts(dec, 2)}"


#: Utypes of SSA 1.1 (§4.2.5), without their last words.
LOCATION = "ssa:Char.SpatialAxis.Coverage.Location.Value"
TIME_AXIS = "ssa:Char.TimeAxis.Coverage"
BAND_AXIS = "ssa:Char.SpectralAxis.Coverage"
_APERTURE = "ssa:Char.SpatialAxis.Coverage.Bounds.Extent"

IDENTITY = Part(
    (
        texts("accref", each(lambda n: f"http://example.org/get?{n}", "number"), utype="ssa:Access.Reference"),
        texts("pubdid", each(lambda n: f"ivo://example/s?{n}", "number"), utype="ssa:Curation.PublisherDID"),
    )
)
PAIR = Part(
    (Shown(Column("location", "double", "2", "deg", "pos.eq", LOCATION), each(lambda a, d: [a, d], "ra", "dec")),)
)
MIDPOINT = Part(
    (
        numbers("t_mid", lambda s: s.t_mid, unit="d", ucd="time.epoch", utype=f"{TIME_AXIS}.Location.Value"),
        numbers("t_ext", lambda s: s.exposure, unit="s", utype=f"{TIME_AXIS}.Bounds.Extent"),
    )
)
LIMITS = Part(
    (
        numbers("w_min", lambda s: s.wave_min, unit="m", ucd="em.wl;stat.min", utype=f"{BAND_AXIS}.Bounds.Start"),
        numbers("w_max", lambda s: s.wave_max, unit="m", ucd="em.wl;stat.max", utype=f"{BAND_AXIS}.Bounds.Stop"),
    )
)
SNR = Part((numbers("snr", lambda s: s.snr, "float", ucd="stat.snr", utype="ssa:Derived.SNR"),))
TARGET = Part((texts("target", lambda s: s.target, ucd="meta.id;src", utype="ssa:Target.Name"),))
OTHERS = Part(
    (
        numbers("aperture", lambda s: np.full(len(s), 0.001), "float", unit="deg", utype=_APERTURE),
        texts("collection", lambda s: s.collection, utype="ssa:DataID.Collection"),
        numbers("velocity", lambda s: s.velocity, unit="km/s", ucd="spect.dopplerVeloc", verbosity=30),
        Shown(Column("rownum", "long", null="-1"), lambda s: s.number.tolist()),
    )
)
#: What the reference server shows.
BASE = Form(IDENTITY, PAIR, MIDPOINT, LIMITS, SNR, TARGET, OTHERS)
