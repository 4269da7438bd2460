"""POS and SIZE: which region of the sky is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.columns import Columns, Row
from ssap_query.ssap.parameter import Parameter
from ssap_query.ssap.ranges import Range, RangeList, dachs_float, dachs_list, ivoa_float, ivoa_list
from ssap_query.ssap.values.cones import FIBRE, TOLERANCE_DEG, Cone, Region
from ssap_query.ssap.values.frames import FRAMES, to_icrs, wrapped
from ssap_query.ssap.values.python_text import number_text, position_text

__all__ = ["DEFAULT_SIZE_DEG", "PARAMETERS", "Centres", "region"]

#: Diameter of the region where POS comes without SIZE, dialect ``ivoa`` [deg]: one arcminute.
DEFAULT_SIZE_DEG = 1 / 60

_POS, _SIZE = "POS", "SIZE"


@dataclass(frozen=True)
class Centres:
    """The centres that POS gives."""

    centres: tuple[tuple[float, float], ...]
    """Right ascension and declination, ICRS [deg], without repeats."""
    given: tuple[tuple[float, float], ...]
    """The same as given, in their own frame [deg]."""
    frame: str = "ICRS"
    """The frame they were given in."""
    numbers: tuple[int, ...] = ()
    """Of each position given, the number of its centre, from 0."""

    @classmethod
    def of(
        cls, given: tuple[tuple[float, float], ...], icrs: Iterable[tuple[float, float]], frame: str = "ICRS"
    ) -> Centres:
        """Make the centres of positions as they were given, and of what these are in ICRS."""
        numbers: dict[tuple[float, float], int] = {}
        of_each = tuple(numbers.setdefault(centre, len(numbers)) for centre in icrs)
        return cls(tuple(numbers), given, frame, of_each)


@dataclass(frozen=True)
class DachsCentres:
    """What POS gives in dialect ``dachs``: numbers not yet put in pairs."""

    text: str
    """As given."""
    found: RangeList[list[float | None]]
    """Numbers of each item; None is an empty one."""

    def positions(self, name: str) -> Centres:
        """Put the numbers in pairs.

        Raises
        ------
        ParameterError
            For ranges, frames, odd numbers of coordinates and coordinates that are not finite.
        """
        frame = self.found.qualifier
        if frame and frame.upper() != "ICRS":
            raise ParameterError(name, self.text, f"is in the frame {frame!r}; the server knows ICRS alone")
        numbers = [number for item in self.found.values for number in item]
        finite = [number for number in numbers if number is not None and math.isfinite(number)]
        if len(finite) < len(numbers):
            raise ParameterError(name, self.text, "has a coordinate that is empty or not finite")
        pairs = _pairs(name, self.text, [*finite, *self.found.ranges])
        return Centres.of(pairs, (_folded(*pair) for pair in pairs))


def region(positions: Centres | DachsCentres | None, size_deg: float | None, dialect: str) -> Region | None:
    """Put POS and SIZE together: a region of fibre positions.

    Parameters
    ----------
    positions : Centres, DachsCentres or None
        Value of POS.
    size_deg : float or None
        Value of SIZE [deg]: a diameter in ``ivoa``, a radius in ``dachs``.
    dialect : {'ivoa', 'dachs'}
        In ``ivoa`` a missing SIZE is `DEFAULT_SIZE_DEG`; in ``dachs`` POS without SIZE says nothing.

    Returns
    -------
    Region or None
        None is no constraint.

    Raises
    ------
    ParameterError
        If the reference server would refuse the centres or the radius.
    """
    tolerance = TOLERANCE_DEG[dialect]
    if isinstance(positions, DachsCentres):
        if size_deg is None:
            return None
        found = positions.positions(_POS)
        if not -tolerance <= size_deg <= 90 + tolerance:
            raise ParameterError(_SIZE, size_deg, "is not a radius between 0 and 90 degrees")
        return _cones(found, size_deg, tolerance)
    if positions is None:
        return None
    radius = (DEFAULT_SIZE_DEG if size_deg is None else size_deg) / 2
    return _cones(positions, radius, tolerance)


def _cones(positions: Centres, radius_deg: float, tolerance_deg: float) -> Region:
    cones = tuple(Cone(ra, dec, radius_deg, tolerance_deg) for ra, dec in positions.centres)
    return Region(cones, FIBRE, positions.numbers)


class _OnlyTogether:
    """POS and SIZE constrain nothing one by one: `region` puts them together."""

    def compile(self, value: object, columns: Columns) -> None:
        """Set no condition alone."""

    def covers(self, value: object, row: Row, columns: Columns) -> bool:
        """Select every row."""
        return True


@dataclass(frozen=True)
class IvoaPosition(_OnlyTogether):
    """POS as SSA 1.1 reads it."""

    doc: ClassVar[str] = (
        "Longitude and latitude in degrees; more pairs are more centres (a union). Frames after `;`: ICRS (default), "
        "FK5 (J2000), GALACTIC. Without SIZE the diameter is 1 arcmin."
    )

    def parse(self, name: str, text: str) -> Centres:
        """Read pairs of coordinates and their frame."""
        found = ivoa_list(name, text, _degrees)
        frame = (found.qualifier or "ICRS").upper()
        if frame not in FRAMES:
            raise ParameterError(name, text, f"is in the frame {found.qualifier!r}; known are {', '.join(FRAMES)}")
        pairs = _pairs(name, text, found.items)
        for longitude, latitude in pairs:
            if not -360 <= longitude <= 360:
                raise ParameterError(name, text, f"has the longitude {longitude:g}, beyond 360 degrees")
            if not -90 <= latitude <= 90:
                raise ParameterError(name, text, f"has the latitude {latitude:g}, beyond 90 degrees")
        return Centres.of(pairs, (to_icrs(frame, *pair) for pair in pairs), frame)

    def words(self, value: Centres) -> str:
        """Say the centres in words."""
        return _position_words(value)

    def needs(self, value: Centres) -> tuple[str, ...]:
        """Ask for the location."""
        return ("location",)


@dataclass(frozen=True)
class DachsPosition(_OnlyTogether):
    """POS as the reference server reads it."""

    doc: ClassVar[str] = (
        "ICRS alone. POS without SIZE, and SIZE without POS, say nothing. Right ascension wraps, declination beyond "
        "the poles folds over."
    )

    def parse(self, name: str, text: str) -> DachsCentres:
        """Read numbers; whether they make sense as centres is asked only if there is a SIZE."""
        return DachsCentres(text, dachs_list(name, text, _dachs_numbers))

    def words(self, value: DachsCentres) -> str:
        """Say the centres in words."""
        return f"around {value.text}"

    def needs(self, value: DachsCentres) -> tuple[str, ...]:
        """Ask for the location."""
        return ("location",)


@dataclass(frozen=True)
class IvoaSize(_OnlyTogether):
    """SIZE as SSA 1.1 reads it."""

    doc: ClassVar[str] = "Diameter of the region, 0 to 360 degrees, edge included."

    def parse(self, name: str, text: str) -> float:
        """Read a diameter [deg]."""
        size = ivoa_float(name, text.strip())
        if not 0 <= size <= 360:
            raise ParameterError(name, text, "is not a diameter between 0 and 360 degrees")
        return size

    def words(self, value: float) -> str:
        """Say the diameter in words."""
        return f"diameter {value:g} deg"

    def needs(self, value: float) -> tuple[str, ...]:
        """Needs no column beyond those of POS."""
        return ()


@dataclass(frozen=True)
class DachsSize(_OnlyTogether):
    """SIZE as the reference server reads it."""

    doc: ClassVar[str] = (
        "Used as the **radius** of the cone, 0 to 90 degrees, edge included to 1e-9 rad; with 0 its index may overlook "
        "rows."
    )

    def parse(self, name: str, text: str) -> float | None:
        """Read a radius [deg]; NaN is as good as none."""
        try:
            size = float(text)
        except ValueError:
            raise ParameterError(name, text, "is not a number") from None
        return None if math.isnan(size) else size

    def words(self, value: float | None) -> str:
        """Say the radius in words."""
        return "not given" if value is None else f"radius {value:g} deg"

    def needs(self, value: float | None) -> tuple[str, ...]:
        """Needs no column beyond those of POS."""
        return ()


def _degrees(name: str, text: str) -> float:
    try:
        return ivoa_float(name, text)
    except ParameterError as error:
        raise ParameterError(name, error.value, "expected RA,Dec in decimal degrees") from error


def _dachs_numbers(piece: str) -> list[float | None]:
    """Numbers of one piece: a comma that was encoded twice separates too."""
    return [dachs_float(number) if number else None for number in piece.split(",")]


def _pairs(name: str, text: str, items: Sequence[float | Range[Any]]) -> tuple[tuple[float, float], ...]:
    if any(isinstance(item, Range) for item in items):
        raise ParameterError(name, text, "has a range; centres are pairs of numbers")
    if len(items) % 2:
        raise ParameterError(name, text, "has an odd number of coordinates; centres are pairs of numbers")
    numbers = [item for item in items if not isinstance(item, Range)]
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _folded(ra: float, dec: float) -> tuple[float, float]:
    """Bring a declination back within the poles, direction unchanged, as pgsphere does."""
    if -90 <= dec <= 90:
        return wrapped(ra), dec
    dec = wrapped(dec)
    if 90 < dec < 270:
        return wrapped(wrapped(ra) + 180), 180 - dec
    return wrapped(ra), dec if dec <= 90 else dec - 360


def _position_words(value: Centres) -> str:
    shown = "; ".join(f"{lon:g}, {lat:g}" for lon, lat in value.given[:3])
    more = f" and {len(value.given) - 3:,} more" if len(value.given) > 3 else ""
    return f"around {shown}{more} ({value.frame})"


PARAMETERS = (
    Parameter(
        name="POS",
        section="4.1.1.1",
        python=position_text,
        title="Pos",
        description="Position of the target object: the centre of the region, decimal degrees.",
        rules={"ivoa": IvoaPosition(), "dachs": DachsPosition()},
        grammar="longitude,latitude[,...][;frame]",
        examples=("292.06,43.93", "0,20,180,-9.5", "75.6,12.2;GALACTIC"),
        roles=("location",),
        unit="deg",
        utype="ssa:Char.SpatialAxis.Coverage.Location.Value",
        null="a row without a location never matches",
    ),
    Parameter(
        name="SIZE",
        section="4.1.1.2",
        python=number_text("deg"),
        title="Size",
        description="Size (diameter) of the region of interest around POS.",
        rules={"ivoa": IvoaSize(), "dachs": DachsSize()},
        grammar="a number",
        examples=("0.2", "0", "180"),
        roles=("location",),
        datatype="double",
        unit="deg",
        utype="ssa:Char.SpatialAxis.Coverage.Bounds.Extent",
    ),
)
