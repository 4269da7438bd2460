"""Where a spectrum was taken: a pair in one column, two columns, or text; degrees, hours or sexagesimal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.quantities.points import floats, location_arrays
from ssap_mirror.core.quantities.reading import Candidates, Finder, NotUnderstood, shown
from ssap_mirror.core.quantities.units import Conversion, to_degrees

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from ssap_mirror.core.schema import Column

__all__ = ["location_candidates", "target_candidates"]

# "deg,deg", "hms dms", '"h:m:s"': units of pairs, and of text that says itself what it is.
_SEPARATORS = re.compile(r"[,;\s]+")
_SEXAGESIMAL_UNITS = {"hms", "dms", "h:m:s", "d:m:s", "h m s", "d m s"}
_PREFIX = re.compile(r"\s*(?:position\b)?\s*(?:icrs\b|fk5\b|j2000\b)?\s*", re.IGNORECASE)
_SEXAGESIMAL = re.compile(r"([+-]?)(\d{1,3})[:hd°](\d{1,2})(?:[:m'](\d{1,2}(?:\.\d*)?)?[s\"]?)?", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_HOUR_DEG = 15.0
# Servers compute positions, and a pole may come out as 90.0000000000002 degrees.
_ROUNDING_DEG = 1e-6
# Frames that are ICRS to 0.1 arcsec.
_EQUATORIAL = ("icrs", "fk5", "eq_fk5", "j2000", "gcrs")


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
            return _on_sphere(*_parsed(array, lambda text: _position(text, self.to_degrees), 2))
        ra, dec = location_arrays(array)
        return _on_sphere(self.to_degrees[0].apply(ra), self.to_degrees[1].apply(dec))


@dataclass(frozen=True)
class AxesReading:
    """Two columns, one for each coordinate."""

    ra: Column
    """Right ascension."""
    dec: Column
    """Declination."""
    to_degrees: tuple[Conversion, Conversion]
    """From the unit of each to degrees."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Both."""
        return self.ra, self.dec

    @property
    def as_is(self) -> Mapping[str, str]:
        """The columns themselves, if they hold degrees in double precision: single would be arcseconds off."""
        doubles = all(column.datatype == "double" for column in self.columns)
        if not doubles or not all(factor.is_identity for factor in self.to_degrees):
            return {}
        return {"ra": self.ra.name, "dec": self.dec.name}

    @property
    def words(self) -> str:
        """Their names and units."""
        return shown(self.columns)

    def values(self, rows: pa.RecordBatch) -> Mapping[str, NDArray[np.float64]]:
        """Right ascension and declination [deg]."""
        axes = []
        for column, factor, per_hour in zip(self.columns, self.to_degrees, (_HOUR_DEG, 1.0), strict=True):
            array = rows.column(column.name)
            if column.is_text:
                axes += _parsed(array, partial(_one_coordinate, factor=factor, per_unit_deg=per_hour), 1)
            else:
                axes.append(factor.apply(floats(array)))
        return _on_sphere(*axes)


PositionReading = PairReading | AxesReading


def location_candidates(finder: Finder) -> Candidates:
    """Ways to read the position that POS is about: that of the observation; failing that, of the target."""
    observed = _pairs(finder, "location"), _axes(finder, "location_ra", "location_dec")
    return _joined(*observed, _axes(finder, "ra", "dec"), _pairs(finder, "target_pos"))


def target_candidates(finder: Finder) -> Candidates:
    """Ways to read the position of the target, in double precision if it can be; failing that, of the observation."""
    targets = _axes(finder, "ra", "dec")
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


def _understood(read: Callable[..., PositionReading], found: Iterable[tuple[Column, ...]]) -> Candidates:
    readings, refusals = [], []
    for columns in found:
        try:
            readings.append(read(*columns))
        except NotUnderstood as error:
            refusals.append(str(error))
    return Candidates(tuple(readings), tuple(refusals))


def _read_pair(column: Column) -> PairReading:
    if not column.is_text and column.shape not in ((2,), (None,)):
        message = f"the column {column.name!r} does not hold pairs of coordinates"
        raise NotUnderstood(message)
    return PairReading(column, _factors(column))


def _read_axes(ra: Column, dec: Column) -> AxesReading:
    for column in (ra, dec):
        if column.shape or column.datatype in ("boolean", "bit"):
            message = f"the column {column.name!r} does not hold one coordinate a row"
            raise NotUnderstood(message)
        if column.is_text and not (column.utype or column.ucd):
            message = f"nothing but its name says that the text of the column {column.name!r} is a coordinate"
            raise NotUnderstood(message)
    return AxesReading(ra, dec, (_factors(ra)[0], _factors(dec)[-1]))


def _factors(column: Column) -> tuple[Conversion, Conversion]:
    """Factor of each coordinate of a column to degrees."""
    frame = (column.frame or "").strip().lower()
    if frame and not frame.startswith(_EQUATORIAL):
        message = f"the positions of the column {column.name!r} are in the frame {column.frame!r}, and not ICRS"
        raise NotUnderstood(message)
    unit = (column.unit or "").strip().replace('"', "")
    if column.is_text and unit.lower() in _SEXAGESIMAL_UNITS:
        unit = ""
    parts = [part for part in _SEPARATORS.split(unit) if part] or [""]
    if column.is_text and all(part.lower() in _SEXAGESIMAL_UNITS for part in parts):
        parts = [""]
    try:
        return to_degrees(parts[0]), to_degrees(parts[-1])
    except ValueError as error:
        message = f"the unit of the column {column.name!r} does not tell what its coordinates are: {error}"
        raise NotUnderstood(message) from None


def _parsed(array: pa.Array, read: Callable[[str], Iterable[float]], width: int) -> list[NDArray[np.float64]]:
    """Read each distinct text once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    distinct = array if pa.types.is_dictionary(array.type) else pc.dictionary_encode(array)
    texts = distinct.dictionary.to_pylist()
    numbers = np.full((len(texts) + 1, width), np.nan)
    for number, text in enumerate(texts):
        numbers[number] = tuple(read(text or ""))
    which = distinct.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    return [numbers[which, axis] for axis in range(width)]


def _position(text: str, factors: tuple[Conversion, Conversion]) -> tuple[float, float]:
    """Both coordinates of ``10.5 -20.25``, ``(10.5, -20.25)``, ``00:42:00 -20:15:00`` or ``00 42 00 -20 15 00``."""
    body = _PREFIX.sub("", text.strip().strip("()[]"), count=1)
    pieces = [piece for piece in _SEPARATORS.split(body) if piece]
    half = len(pieces) // 2
    if len(pieces) not in (2, 6):
        return np.nan, np.nan
    return _coordinate(pieces[:half], factors[0], _HOUR_DEG), _coordinate(pieces[half:], factors[1], 1.0)


def _one_coordinate(text: str, factor: Conversion, per_unit_deg: float) -> tuple[float]:
    """Read the text of a column with one coordinate."""
    return (_coordinate(text.split() or [""], factor, per_unit_deg),)


def _coordinate(pieces: list[str], factor: Conversion, per_unit_deg: float) -> float:
    """Degrees of one coordinate: a number in its unit, or sexagesimal in hours or degrees; NaN for anything else."""
    text = pieces[0] if len(pieces) == 1 else ":".join(pieces)
    if _NUMBER.fullmatch(text):
        return float(factor.apply(np.array([float(text)]))[0])
    found = _SEXAGESIMAL.fullmatch(text)
    if found is None:
        return np.nan
    sign, whole, minutes, seconds = found.groups()
    if int(minutes) > 59 or float(seconds or 0) >= 60:
        return np.nan
    value = (int(whole) + int(minutes) / 60 + float(seconds or 0) / 3600) * per_unit_deg
    return -value if sign == "-" else value


def _on_sphere(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> Mapping[str, NDArray[np.float64]]:
    """Leave out what is no direction, and what has one coordinate alone."""
    with np.errstate(invalid="ignore"):
        good = np.isfinite(ra) & (np.abs(dec) < 90 + _ROUNDING_DEG)
    return {"ra": np.where(good, ra, np.nan), "dec": np.where(good, np.clip(dec, -90, 90), np.nan)}
