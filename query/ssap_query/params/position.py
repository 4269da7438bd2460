"""POS and SIZE: cones on the sky, and the exact test of a position against them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, LiteralString

from ssap_mirror.errors import ParameterError

from ssap_query.params.frames import FRAMES, to_icrs, wrapped
from ssap_query.params.parameter import Columns, Parameter, Row
from ssap_query.predicate import Predicate, any_of
from ssap_query.ranges import Range, RangeList, dachs_float, dachs_list, ivoa_float, ivoa_list

__all__ = [
    "DEFAULT_SIZE_DEG",
    "PARAMETERS",
    "Cone",
    "Positions",
    "cone_predicate",
    "cones",
    "cones_cover",
    "separation_deg",
    "within_sql",
]

#: Diameter of the region where POS comes without SIZE, dialect ``ivoa`` [deg]: one arcminute.
DEFAULT_SIZE_DEG = 1 / 60

# Edges are inclusive: to rounding (0.4 microarcsec) in ivoa, to pgsphere's EPSILON of 1e-9 rad in dachs.
_TOLERANCE_DEG = {"ivoa": 1e-10, "dachs": math.degrees(1e-9)}


_POS, _SIZE = "POS", "SIZE"


@dataclass(frozen=True)
class Cone:
    """A circle on the sky, its edge included."""

    ra_deg: float
    """Right ascension of the centre, ICRS [deg], 0 to 360."""
    dec_deg: float
    """Declination of the centre, ICRS [deg]."""
    radius_deg: float
    """Radius [deg], 0 to 180 (the reference server lets it be below 0 within the tolerance)."""
    tolerance_deg: float = _TOLERANCE_DEG["ivoa"]
    """By how much a position may lie outside and still count as on the edge [deg]."""

    @property
    def reach_deg(self) -> float:
        """Radius and tolerance [deg]: what a coarse step has to cover."""
        return max(0.0, min(180.0, self.radius_deg + self.tolerance_deg))

    @property
    def test(self) -> tuple[float, float, float, float]:
        """Numbers of the exact test: right ascension and declination [deg] to measure from, sign, limit.

        A position is inside if ``sign * haversine(separation) <= limit``. A cone beyond 90 deg is tested from its
        antipode, so that the test is as sharp near 180 deg as near 0.
        """
        if self.reach_deg <= 90:
            return self.ra_deg, self.dec_deg, 1.0, _haversine(self.reach_deg)
        return (self.ra_deg + 180) % 360, -self.dec_deg, -1.0, -_haversine(180 - self.reach_deg)


@dataclass(frozen=True)
class Positions:
    """The centres that POS gives."""

    centres: tuple[tuple[float, float], ...]
    """Right ascension and declination, ICRS [deg], without repeats."""
    given: tuple[tuple[float, float], ...]
    """The same as given, in their own frame [deg]."""
    frame: str = "ICRS"
    """The frame they were given in."""


@dataclass(frozen=True)
class DachsCentres:
    """What POS gives in dialect ``dachs``: numbers not yet put in pairs."""

    text: str
    """As given."""
    found: RangeList[list[float | None]]
    """Numbers of each item; None is an empty one."""

    def positions(self, name: str) -> Positions:
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
        return Positions(tuple(dict.fromkeys(_folded(*pair) for pair in pairs)), pairs)


def within_sql(
    ra: LiteralString,
    dec: LiteralString,
    centre_ra: LiteralString,
    centre_dec: LiteralString,
    sign: LiteralString,
    limit: LiteralString,
) -> LiteralString:
    """Make SQL of the exact test, from SQL of its parts (columns, or ``?``): true for a position inside a cone.

    Parameters
    ----------
    ra, dec : str
        Position of the row [deg].
    centre_ra, centre_dec, sign, limit : str
        The numbers of `Cone.test`, in that order.

    Returns
    -------
    str
        ``centre_dec`` occurs twice: bind it twice where it is a ``?`` (order: sign, centre_dec, centre_dec, centre_ra,
        limit).
    """
    return (
        sign + " * (pow(sin(radians(" + dec + " - " + centre_dec + ") / 2), 2)"
        " + cos(radians(" + dec + ")) * cos(radians(" + centre_dec + "))"
        " * pow(sin(radians(" + ra + " - " + centre_ra + ") / 2), 2)) <= " + limit
    )


_WITHIN = within_sql("{location}[1]", "{location}[2]", "?::DOUBLE", "?::DOUBLE", "?::DOUBLE", "?::DOUBLE")


def cone_predicate(cones: Iterable[Cone]) -> Predicate:
    """Exact condition that a row's location lies in one of the cones (one test per cone: meant for few)."""
    parts = []
    for cone in cones:
        ra, dec, sign, limit = cone.test
        parts.append(Predicate(_WITHIN, (sign, dec, dec, ra, limit)))
    return any_of(parts)


def cones_cover(cones: Iterable[Cone], row: Row) -> bool:
    """Whether a row's location lies in one of the cones: plain Python, by the angle between vectors."""
    location = row["location"]
    if location is None or any(x is None or not math.isfinite(x) for x in location):
        return False
    return any(separation_deg(location[0], location[1], cone.ra_deg, cone.dec_deg) <= cone.reach_deg for cone in cones)


def separation_deg(ra1: float, dec1: float, ra2: float, dec2: float) -> float:
    """Angle between two directions [deg], by the arctangent form that is stable everywhere (Vincenty 1975)."""
    lat1, lat2, delta = math.radians(dec1), math.radians(dec2), math.radians(ra1 - ra2)
    cross = math.hypot(
        math.cos(lat2) * math.sin(delta),
        math.cos(lat1) * math.sin(lat2) - math.sin(lat1) * math.cos(lat2) * math.cos(delta),
    )
    dot = math.sin(lat1) * math.sin(lat2) + math.cos(lat1) * math.cos(lat2) * math.cos(delta)
    return math.degrees(math.atan2(cross, dot))


def cones(positions: Positions | DachsCentres | None, size_deg: float | None, dialect: str) -> tuple[Cone, ...] | None:
    """Put POS and SIZE together.

    Parameters
    ----------
    positions : Positions, DachsCentres or None
        Value of POS.
    size_deg : float or None
        Value of SIZE [deg]: a diameter in ``ivoa``, a radius in ``dachs``.
    dialect : {'ivoa', 'dachs'}
        In ``ivoa`` a missing SIZE is `DEFAULT_SIZE_DEG`; in ``dachs`` POS without SIZE says nothing.

    Returns
    -------
    tuple of Cone, or None
        None is no constraint.

    Raises
    ------
    ParameterError
        If the reference server would refuse the centres or the radius.
    """
    tolerance = _TOLERANCE_DEG[dialect]
    if isinstance(positions, DachsCentres):
        if size_deg is None:
            return None
        centres = positions.positions(_POS).centres
        if not -tolerance <= size_deg <= 90 + tolerance:
            raise ParameterError(_SIZE, size_deg, "is not a radius between 0 and 90 degrees")
        return tuple(Cone(ra, dec, size_deg, tolerance) for ra, dec in centres)
    if positions is None:
        return None
    radius = (DEFAULT_SIZE_DEG if size_deg is None else size_deg) / 2
    return tuple(Cone(ra, dec, radius, tolerance) for ra, dec in positions.centres)


def _haversine(angle_deg: float) -> float:
    return math.sin(math.radians(angle_deg) / 2) ** 2


class _OnlyTogether:
    """POS and SIZE constrain nothing one by one: `cones` puts them together."""

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

    def parse(self, name: str, text: str) -> Positions:
        """Read pairs of coordinates and their frame."""
        found = ivoa_list(name, text, ivoa_float)
        frame = (found.qualifier or "ICRS").upper()
        if frame not in FRAMES:
            raise ParameterError(name, text, f"is in the frame {found.qualifier!r}; known are {', '.join(FRAMES)}")
        pairs = _pairs(name, text, found.items)
        for longitude, latitude in pairs:
            if not -360 <= longitude <= 360:
                raise ParameterError(name, text, f"has the longitude {longitude:g}, beyond 360 degrees")
            if not -90 <= latitude <= 90:
                raise ParameterError(name, text, f"has the latitude {latitude:g}, beyond 90 degrees")
        return Positions(tuple(dict.fromkeys(to_icrs(frame, *pair) for pair in pairs)), pairs, frame)

    def words(self, value: Positions) -> str:
        """Say the centres in words."""
        return _position_words(value)

    def needs(self, value: Positions) -> tuple[str, ...]:
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
        """Ask for nothing that POS does not need."""
        return ()


@dataclass(frozen=True)
class DachsSize(_OnlyTogether):
    """SIZE as the reference server reads it."""

    doc: ClassVar[str] = "Used as the **radius** of the cone, 0 to 90 degrees, edge included to 1e-9 rad."

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
        """Ask for nothing that POS does not need."""
        return ()


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


def _position_words(value: Positions) -> str:
    shown = "; ".join(f"{lon:g}, {lat:g}" for lon, lat in value.given[:3])
    more = f" and {len(value.given) - 3:,} more" if len(value.given) > 3 else ""
    return f"around {shown}{more} ({value.frame})"


PARAMETERS = (
    Parameter(
        name="POS",
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
