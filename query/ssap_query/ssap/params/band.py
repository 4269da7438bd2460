"""BAND: the wavelengths that a spectrum covers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, LiteralString

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.columns import Columns, Row
from ssap_query.ssap.parameter import Parameter
from ssap_query.ssap.predicate import TRUE, Predicate, any_of
from ssap_query.ssap.ranges import (
    MAX_TESTS,
    Interval,
    Range,
    RangeList,
    dachs_float,
    dachs_list,
    ivoa_float,
    ivoa_list,
    merged,
    single_precision,
)
from ssap_query.ssap.values.band_names import band_names, named_band
from ssap_query.ssap.values.numbers import total_order
from ssap_query.ssap.values.python_text import range_text
from ssap_query.ssap.values.string_lists import StringList, read_strings, string_words

__all__ = ["PARAMETERS"]

# Largest finite float32, where a shifted band is clipped before it is rounded to float32.
_MAX_SINGLE = 3.4e38


@dataclass(frozen=True)
class Band:
    """What BAND gives: wavelengths, in the observer's or the source's frame."""

    intervals: tuple[Interval, ...]
    """Wanted wavelengths [m]; values are intervals of no width."""
    at_source: bool
    """Whether they are rest-frame wavelengths."""
    everything: bool
    """Whether ``/`` is among the items."""
    text: str
    """As given."""


@dataclass(frozen=True)
class IvoaBand:
    """BAND as SSA 1.1 reads it."""

    doc: ClassVar[str] = (
        "Vacuum wavelengths in metres. A value matches coverage that contains it, a range coverage that overlaps it, "
        "ends included, whichever of them is given first (§8.7.2). Names are the ranges of their bands: the messenger "
        "vocabulary (Optical, X-ray, ...) and Johnson's U B V R I J H K L M; others are errors. `;source`: rest-frame "
        "wavelengths, shifted by 1 + z of each row (no z: no match); `;observer` is the default."
    )

    def parse(self, name: str, text: str) -> Band:
        """Read a list of wavelengths, ranges of them, and names."""
        found = ivoa_list(name, text, _wavelength_or_name)
        qualifier = (found.qualifier or "observer").lower()
        if qualifier not in ("observer", "source"):
            raise ParameterError(name, text, f"has the qualifier {found.qualifier!r}; known are source and observer")
        intervals = []
        for item in found.items:
            if isinstance(item, Interval):
                intervals.append(item)
                continue
            ends = [end for end in (item.low, item.high) if end is not None]
            if any(end.low != end.high for end in ends):
                raise ParameterError(name, text, "has a range between names; names stand alone")
            low, high = (None if end is None else end.low for end in (item.low, item.high))
            # A range and its mirror image mean the same (§8.7.2).
            ends_in_order = sorted((-math.inf if low is None else low, math.inf if high is None else high))
            intervals.append(Interval(*ends_in_order))
        disjoint = tuple(merged(intervals))
        if len(disjoint) > MAX_TESTS:
            raise ParameterError(name, text, f"has more than the {MAX_TESTS:,} separate items allowed")
        return Band(disjoint, qualifier == "source", Range(None, None) in found.items, text)

    def compile(self, value: Band, columns: Columns) -> Predicate | None:
        """Overlap of coverage and wanted wavelengths; NaN is kept out by infinity as an upper bound."""
        if value.everything:
            return None
        single = "em_min" in columns.single and "em_max" in columns.single
        parts = []
        for band in value.intervals:
            low, high = _stored(band, single=single and not value.at_source)
            lower = upper = TRUE
            if band.low != -math.inf:
                lower = Predicate(_SQL_LOWER[single, value.at_source], (low,))
            if band.high != math.inf:
                upper = Predicate(_SQL_UPPER[single, value.at_source], (high,))
            parts.append(lower & upper)
        wanted = any_of(parts)
        return Predicate(_REDSHIFT_KNOWN) & wanted if value.at_source else wanted

    def covers(self, value: Band, row: Row, columns: Columns) -> bool:
        """Whether the row's coverage overlaps one of the intervals."""
        if value.everything:
            return True
        start, end = row["em_min"], row["em_max"]
        single = "em_min" in columns.single and "em_max" in columns.single
        stretch = 1.0
        if value.at_source:
            z = row["redshift"]
            if z is None or not math.isfinite(z) or z <= -1:
                return False
            stretch = 1.0 + z
        for band in value.intervals:
            low, high = band.low * stretch, band.high * stretch
            if single and value.at_source:
                low, high = min(low, _MAX_SINGLE), min(high, _MAX_SINGLE)
            if single:
                low, high = single_precision(low), single_precision(high)
            # An open end asks nothing of the other end of the coverage.
            below = band.low == -math.inf or (_is_number(end) and end >= low)
            above = band.high == math.inf or (_is_number(start) and start <= high)
            if below and above:
                return True
        return False

    def words(self, value: Band) -> str:
        """Say the union in words."""
        frame = ", in the frame of the source" if value.at_source else ""
        return ("any wavelength" if value.everything else f"covering {value.text.partition(';')[0]} (m)") + frame

    def needs(self, value: Band) -> tuple[str, ...]:
        """Ask for both ends of the coverage, and the redshift for rest-frame bands."""
        return ("em_min", "em_max", "redshift") if value.at_source else ("em_min", "em_max")


_REDSHIFT_KNOWN = "{redshift} > -1 AND isfinite({redshift})"
_STRETCHED = "?::DOUBLE * (1e0 + {redshift}::DOUBLE)"
# (float32 columns, at source) -> SQL. Infinity as an upper bound keeps NaN out.
_SQL_LOWER: dict[tuple[bool, bool], LiteralString] = {
    (False, False): "{em_max} BETWEEN ?::DOUBLE AND 'inf'::DOUBLE",
    (True, False): "{em_max} BETWEEN ?::FLOAT AND 'inf'::FLOAT",
    (False, True): "{em_max} BETWEEN " + _STRETCHED + " AND 'inf'::DOUBLE",
    (True, True): "{em_max} BETWEEN least(" + _STRETCHED + ", 3.4e38)::FLOAT AND 'inf'::FLOAT",
}
_SQL_UPPER: dict[tuple[bool, bool], LiteralString] = {
    (False, False): "{em_min} <= ?::DOUBLE",
    (True, False): "{em_min} <= ?::FLOAT",
    (False, True): "{em_min} <= " + _STRETCHED,
    (True, True): "{em_min} <= least(" + _STRETCHED + ", 3.4e38)::FLOAT",
}


@dataclass(frozen=True)
class DachsBand:
    """BAND as the reference server reads it."""

    doc: ClassVar[str] = (
        "A value matches coverage that contains it, ends included; a range coverage that overlaps it, ends "
        "**excluded**. If any piece is not a number, the whole is a list of strings to equal (or, as ranges, to order "
        "with) the bandpass column, case and all. Qualifiers are ignored."
    )

    def parse(self, name: str, text: str) -> RangeList[float] | RangeList[str]:
        """Read numbers, or failing that strings."""
        try:
            found = dachs_list(name, text, _dachs_wavelength)
        except ParameterError:
            return read_strings(name, text)
        if any(item.step is not None for item in found.ranges):
            return read_strings(name, text)
        items = tuple(item for item in found.items if item is not None)
        if len(items) < len(found.items):
            raise ParameterError(name, text, "has an empty item in its list of numbers")
        if len(items) > MAX_TESTS:
            raise ParameterError(name, text, f"is a list of {len(items):,} items; {MAX_TESTS:,} are allowed")
        return RangeList(items, found.qualifier)

    def compile(self, value: Any, columns: Columns) -> Predicate | None:
        """Condition on the coverage, or on the name of the band."""
        if _is_named(value):
            return _BANDPASS.compile(value, columns)
        parts = []
        for item in value.items:
            if not isinstance(item, Range):
                parts.append(Predicate("?::DOUBLE BETWEEN {em_min} AND {em_max}", (item,)))
            elif item.low is None:
                parts.append(Predicate("?::DOUBLE > {em_min}", (item.high,)))
            elif item.high is None:
                parts.append(Predicate("?::DOUBLE < {em_max}", (item.low,)))
            else:
                parts.append(Predicate("?::DOUBLE > {em_min} AND ?::DOUBLE < {em_max}", (item.high, item.low)))
        return any_of(parts)

    def covers(self, value: Any, row: Row, columns: Columns) -> bool:
        """Whether one of the items fits the row, in PostgreSQL's order of numbers."""
        if _is_named(value):
            return _BANDPASS.covers(value, row, columns)
        start, end = (None if row[role] is None else total_order(row[role]) for role in ("em_min", "em_max"))
        for item in value.items:
            if isinstance(item, Range):
                below = item.low is None or (end is not None and total_order(item.low) < end)
                above = item.high is None or (start is not None and total_order(item.high) > start)
                if below and above:
                    return True
            elif start is not None and end is not None and start <= total_order(item) <= end:
                return True
        return False

    def words(self, value: Any) -> str:
        """Say the union in words."""
        if _is_named(value):
            return "named " + string_words(value)
        return "covering " + " or ".join(
            f"{i.low or ''}/{i.high or ''}" if isinstance(i, Range) else repr(i) for i in value.items
        )

    def needs(self, value: Any) -> tuple[str, ...]:
        """Ask for the coverage, or the name of the band."""
        return ("bandpass",) if _is_named(value) else ("em_min", "em_max")


_BANDPASS = StringList("{bandpass}")


def _dachs_wavelength(piece: str) -> Any:
    # An empty item does not make strings of its neighbours; the database refuses it.
    return dachs_float(piece) if piece else None


def _wavelength_or_name(name: str, piece: str) -> Interval:
    band = named_band(piece)
    if band is not None:
        return band
    try:
        value = ivoa_float(name, piece)
    except ParameterError:
        reason = f"is neither a wavelength in metres nor one of the bands {', '.join(band_names())}"
        raise ParameterError(name, piece, reason) from None
    if not value >= 0:
        raise ParameterError(name, piece, "is no wavelength: it is negative")
    return Interval(value, value)


def _is_named(value: RangeList[Any]) -> bool:
    first = value.items[0]
    ends = (first.low, first.high) if isinstance(first, Range) else (first,)
    return any(isinstance(end, str) for end in ends)


def _is_number(x: float | None) -> bool:
    return x is not None and not math.isnan(x)


def _stored(band: Interval, *, single: bool) -> tuple[float, float]:
    return (single_precision(band.low), single_precision(band.high)) if single else (band.low, band.high)


PARAMETERS = (
    Parameter(
        name="BAND",
        title="Band",
        description="Wavelength (range) of interest, or symbolic bandpass names.",
        rules={"ivoa": IvoaBand(), "dachs": DachsBand()},
        grammar="range list of wavelengths, or names [;source|;observer]",
        python=range_text("m"),
        examples=("6.5628e-7", "4.9e-7/5.4e-7,6.3e-7/", "Optical", "6.5628e-7;source"),
        roles=("em_min", "em_max"),
        section="4.1.1.3",
        unit="m",
        ucd="em.wl",
        utype="ssa:Char.SpectralAxis.Coverage.Bounds",
        null="NULL and NaN never match (dachs: NaN is above all numbers); an open range asks for one end alone",
    ),
)
