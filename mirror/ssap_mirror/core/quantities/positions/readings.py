"""Where a spectrum was taken: a pair in one column, two columns or more, in text or numbers, in any frame."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.core.quantities.points import location_arrays
from ssap_mirror.core.quantities.positions.finder import Pair, pairs_of, place_of
from ssap_mirror.core.quantities.positions.frames import ICRS
from ssap_mirror.core.quantities.positions.place import Place
from ssap_mirror.core.quantities.positions.said import Positions
from ssap_mirror.core.quantities.positions.sexagesimal import angles
from ssap_mirror.core.quantities.positions.split import find_split
from ssap_mirror.core.quantities.reading import Candidates, Finder, NotUnderstood, shown
from ssap_mirror.core.schema.role_finding import is_icrs
from ssap_mirror.core.units import Conversion, to_degrees
from ssap_mirror.errors import ParameterError

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from ssap_mirror.core.schema import Column, Schema

__all__ = ["location_candidates", "target_candidates"]

# "deg,deg", "hms dms", '"h:m:s"': units of pairs, and of text that says itself what it is.
_SEPARATORS = re.compile(r"[,;\s]+")
_SEXAGESIMAL_UNITS = {"hms", "dms", "h:m:s", "d:m:s", "h m s", "d m s"}
_PREFIX = re.compile(r"\s*(?:position\b)?\s*(?:icrs\b|fk5\b|j2000\b)?\s*", re.IGNORECASE)
# Servers compute positions, and a pole may come out as 90.0000000000002 degrees.
_ROUNDING_DEG = 1e-6


@dataclass(frozen=True)
class PairReading:
    """A column of pairs: arrays of two, or text."""

    column: Column
    """The column."""
    to_degrees: tuple[Conversion, Conversion]
    """From the unit of each coordinate to degrees."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The one column."""
        return (self.column,)

    @property
    def as_is(self) -> Mapping[str, str]:
        """The column itself, if it holds arrays of degrees."""
        if self.column.is_text or not all(factor.is_identity for factor in self.to_degrees):
            return {}
        return {"location": self.column.name}

    @property
    def words(self) -> str:
        """Its name and unit."""
        return shown(self.columns) + (" (text)" if self.column.is_text else "")

    def values(self, rows: pa.RecordBatch) -> Mapping[str, NDArray[np.float64]]:
        """Right ascension and declination [deg]."""
        array = rows.column(self.column.name)
        if self.column.is_text:
            halves = zip(_halves(array), self.to_degrees, (True, False), strict=True)
            return _on_sphere(*(angles(half, in_hours=hours, plain=factor) for half, factor, hours in halves))
        ra, dec = location_arrays(array)
        return _on_sphere(self.to_degrees[0].apply(ra), self.to_degrees[1].apply(dec))


@dataclass(frozen=True)
class AxesReading:
    """Columns of their own for both coordinates."""

    columns: tuple[Column, ...]
    """Two, or more where a coordinate is split into hours or degrees, minutes and seconds."""
    place: Place
    """How they are read."""

    @property
    def as_is(self) -> Mapping[str, str]:
        """The columns themselves, if they hold degrees in double precision: single would be arcseconds off."""
        return dict(zip(("ra", "dec"), self.place.columns, strict=True)) if self.place.is_degrees else {}

    @property
    def words(self) -> str:
        """Their names and units, and the frame where it is another one."""
        moved = "" if self.place.frame == ICRS else f", transformed from {self.place.frame}"
        return shown(self.columns) + moved

    def values(self, rows: pa.RecordBatch) -> Mapping[str, NDArray[np.float64]]:
        """Right ascension and declination [deg]."""
        return _on_sphere(*self.place.icrs(rows))


PositionReading = PairReading | AxesReading


def location_candidates(finder: Finder) -> Candidates:
    """Ways to read the position that POS is about: that of the observation; failing that, of the target."""
    observed = _pairs(finder, "location"), _axes(finder, "location_ra", "location_dec")
    return _joined(*observed, _target_axes(finder), _pairs(finder, "target_pos"))


def target_candidates(finder: Finder) -> Candidates:
    """Ways to read the position of the target, in double precision if it can be; failing that, of the observation."""
    targets = _target_axes(finder)
    doubles = tuple(reading for reading in targets.readings if reading.as_is)
    observed = _pairs(finder, "location"), _axes(finder, "location_ra", "location_dec")
    first = _joined(Candidates(doubles), *observed, targets, _pairs(finder, "target_pos"))
    exact = tuple(reading for reading in first.readings if not _is_single(reading))
    single = tuple(reading for reading in first.readings if _is_single(reading))
    return Candidates((*exact, *single), first.refusals)


def _is_single(reading: object) -> bool:
    columns: tuple[Column, ...] = getattr(reading, "columns", ())
    return any(column.datatype == "float" for column in columns)


def _joined(*parts: Candidates) -> Candidates:
    readings = dict.fromkeys(reading for part in parts for reading in part.readings)
    return Candidates(tuple(readings), tuple(dict.fromkeys(text for part in parts for text in part.refusals)))


def _pairs(finder: Finder, role: str) -> Candidates:
    return _understood(_read_pair, [(column,) for column in finder.singles(role)])


def _axes(finder: Finder, ra_role: str, dec_role: str) -> Candidates:
    return _understood(_read_axes, finder.pairs(ra_role, dec_role))


def _target_axes(finder: Finder) -> Candidates:
    """Ways to read right ascension and declination: by columns that a role names, else as in any table."""
    schema = finder.schema
    if {"ra", "dec"} & schema.overrides.keys():
        return _axes(finder, "ra", "dec")
    split = _split(schema)
    parts = {column.name for reading in split for column in reading.columns}
    pairs = [pair for pair in pairs_of(finder.index, schema.names) if not parts & {pair.longitude, pair.latitude}]
    sure = [pair for pair in pairs if not pair.by_guess]
    # What a name alone tells of, and not plainly, counts if there is nothing else.
    others = [] if sure or split else pairs
    found = _understood(_read_axes, [(schema[pair.longitude], schema[pair.latitude], pair) for pair in sure or others])
    return Candidates((*found.readings, *split), found.refusals)


def _split(schema: Schema) -> tuple[AxesReading, ...]:
    import pyarrow as pa

    scalars = [column for column in schema if not column.is_hidden and not column.shape and column.datatype != "bit"]
    place = find_split(pa.schema([column.arrow_field() for column in scalars]), None)
    return () if place is None else (AxesReading(tuple(schema[name] for name in place.columns), place),)


def _understood(read: Callable[..., PositionReading], found: Iterable[tuple[Any, ...]]) -> Candidates:
    readings, refusals = [], []
    for given in found:
        try:
            readings.append(read(*given))
        except NotUnderstood as error:
            refusals.append(str(error))
    return Candidates(tuple(readings), tuple(refusals))


def _read_pair(column: Column) -> PairReading:
    if not column.is_text and column.shape not in ((2,), (None,)):
        message = f"the column {column.name!r} does not hold pairs of coordinates"
        raise NotUnderstood(message)
    return PairReading(column, _factors(column))


def _read_axes(ra: Column, dec: Column, pair: Pair | None = None) -> AxesReading:
    import pyarrow as pa

    for column in (ra, dec):
        if column.shape or column.datatype in ("boolean", "bit"):
            message = f"the column {column.name!r} does not hold one coordinate a row"
            raise NotUnderstood(message)
        if column.is_text and not (column.utype or column.ucd):
            message = f"nothing but its name says that the text of the column {column.name!r} is a coordinate"
            raise NotUnderstood(message)
    types = pa.schema([ra.arrow_field(), dec.arrow_field()])
    # A service compares POS with the numbers that it has, so what is ICRS but for some milliarcseconds stays as it is.
    frame = ICRS if ra.frame and is_icrs(ra.frame) else None
    units = {column.name: _units(column)[which] for column, which in ((ra, 0), (dec, -1)) if _is_pair(column.unit)}
    try:
        place = place_of(types, pair or Pair(ra.name, dec.name), Positions(frame=frame, units=units), "position")
    except ParameterError as error:
        if error.name == "position.frame":
            message = f"the positions of the column {ra.name!r} are in the frame {error.value!r}, which is not known"
            raise NotUnderstood(message) from None
        message = f"the column {error.value!r} does not tell where a row is: it {error.reason}"
        raise NotUnderstood(message) from None
    return AxesReading((ra, dec), place)


def _is_pair(unit: str | None) -> bool:
    """Whether a unit is that of a pair: ``deg,deg``."""
    return "," in (unit or "") or ";" in (unit or "")


def _factors(column: Column) -> tuple[Conversion, Conversion]:
    """Factor of each coordinate of a column to degrees."""
    if not is_icrs(column.frame):
        message = f"the positions of the column {column.name!r} are in the frame {column.frame!r}, and not ICRS"
        raise NotUnderstood(message)
    units = _units(column)
    try:
        return to_degrees(units[0]), to_degrees(units[-1])
    except ValueError as error:
        message = f"the unit of the column {column.name!r} does not tell what its coordinates are: {error}"
        raise NotUnderstood(message) from None


def _units(column: Column) -> list[str]:
    """Units of both coordinates, or the one that both have; nothing where text says itself what it is."""
    unit = (column.unit or "").strip().replace('"', "")
    parts = [part for part in _SEPARATORS.split(unit) if part] or [""]
    says_itself = unit.lower() in _SEXAGESIMAL_UNITS or all(part.lower() in _SEXAGESIMAL_UNITS for part in parts)
    return [""] if column.is_text and says_itself else parts


def _halves(array: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Both coordinates of each text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    distinct = array if pa.types.is_dictionary(array.type) else pc.dictionary_encode(array)
    halves = [_cut(text or "") for text in distinct.dictionary.to_pylist()]
    found = [pa.array([half[which] for half in halves], pa.string()).take(distinct.indices) for which in (0, 1)]
    return found[0], found[1]


def _cut(text: str) -> tuple[str | None, str | None]:
    """Cut ``10.5 -20.25``, ``(10.5, -20.25)``, ``00:42:00 -20:15:00``, ``00 42 00 -20 15 00`` into its halves."""
    body = _PREFIX.sub("", text.strip().strip("()[]"), count=1)
    pieces = [piece for piece in _SEPARATORS.split(body) if piece]
    half = len(pieces) // 2
    return (" ".join(pieces[:half]), " ".join(pieces[half:])) if len(pieces) in (2, 6) else (None, None)


def _on_sphere(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> Mapping[str, NDArray[np.float64]]:
    """Leave out what is no direction, and what has one coordinate alone."""
    with np.errstate(invalid="ignore"):
        good = np.isfinite(ra) & (np.abs(dec) < 90 + _ROUNDING_DEG)
    return {"ra": np.where(good, ra, np.nan), "dec": np.where(good, np.clip(dec, -90, 90), np.nan)}
