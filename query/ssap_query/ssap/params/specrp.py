"""SPECRP: how well a spectrum resolves its wavelengths."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.columns import Columns, Row
from ssap_query.ssap.parameter import Parameter
from ssap_query.ssap.predicate import Predicate, any_of
from ssap_query.ssap.ranges import MAX_TESTS, Range, RangeList, ivoa_float, ivoa_list, single_precision
from ssap_query.ssap.values.numbers import in_order, total_order
from ssap_query.ssap.values.python_text import number_text

__all__ = ["PARAMETERS"]


@dataclass(frozen=True)
class IvoaResolvingPower:
    """SPECRP as SSA 1.1 reads it."""

    doc: ClassVar[str] = (
        "Resolving power is the service's own where it has one, else the middle of the coverage over the spectral "
        "resolution. A value is a lower limit; ranges, an extension, include both ends, whichever is given first "
        "(§8.7.2). A resolution that is missing, NaN or not positive never matches."
    )

    def parse(self, name: str, text: str) -> RangeList[float]:
        """Read a range list of numbers."""
        found = ivoa_list(name, text, ivoa_float, most=MAX_TESTS)
        if found.qualifier:
            raise ParameterError(name, text, f"has the qualifier {found.qualifier!r}, but {name} takes none")
        return in_order(found)

    def compile(self, value: RangeList[float], columns: Columns) -> Predicate | None:
        """Condition on the quotient."""
        if Range(None, None) in value.items:
            return None
        power = "{em_res_power}" if "em_res_power" in columns.present else _RESOLVING
        return any_of(Predicate(power + " BETWEEN ?::DOUBLE AND ?::DOUBLE", _limits(item)) for item in value.items)

    def covers(self, value: RangeList[float], row: Row, columns: Columns) -> bool:
        """Whether the resolving power is in one of the ranges."""
        if Range(None, None) in value.items:
            return True
        if "em_res_power" in columns.present:
            power = math.nan if row["em_res_power"] is None else row["em_res_power"]
        else:
            start, end, resolution = row["em_min"], row["em_max"], row["em_res"]
            if None in (start, end, resolution) or not resolution > 0:
                return False
            power = (start + end) / 2 / resolution
        return any(low <= power <= high for low, high in (_limits(item) for item in value.items))

    def words(self, value: RangeList[float]) -> str:
        """Say the union in words."""
        return " or ".join("from {:g} to {:g}".format(*_limits(item)) for item in value.items)

    def needs(self, value: RangeList[float]) -> tuple[str, ...]:
        """Ask for coverage and resolution."""
        return ("em_min", "em_max", "em_res")


_RESOLVING = (
    "CASE WHEN {em_res} > 0 AND NOT isnan({em_res})"
    " THEN ({em_min}::DOUBLE + {em_max}::DOUBLE) / 2e0 / {em_res}::DOUBLE END"
)


@dataclass(frozen=True)
class DachsResolvingPower:
    """SPECRP as the reference server reads it."""

    doc: ClassVar[str] = (
        "One number, less than (not equal to) the **upper end** of the coverage over the resolution, computed in the "
        "columns' own precision. A NaN resolution always matches; one of 0, on which the server fails, never does."
    )

    def parse(self, name: str, text: str) -> float | None:
        """Read a number; NaN is as good as none."""
        try:
            value = float(text)
        except ValueError:
            raise ParameterError(name, text, "is not a number") from None
        return None if math.isnan(value) else value

    def compile(self, value: float | None, columns: Columns) -> Predicate | None:
        """Condition on the quotient; NULL where the resolution is 0."""
        return None if value is None else Predicate("?::DOUBLE < {em_max} / nullif({em_res}, 0)", (value,))

    def covers(self, value: float | None, row: Row, columns: Columns) -> bool:
        """Whether the number is below the quotient, NaN being above all numbers."""
        if value is None:
            return True
        end, resolution = row["em_max"], row["em_res"]
        if end is None or resolution is None or resolution == 0:
            return False
        power = end / resolution
        if "em_max" in columns.single and "em_res" in columns.single:
            power = math.nan if math.isnan(power) else single_precision(power)
        return total_order(value) < total_order(power)

    def words(self, value: float | None) -> str:
        """Say the limit in words."""
        return "not given" if value is None else f"above {value:g}"

    def needs(self, value: float | None) -> tuple[str, ...]:
        """Ask for the upper end of the coverage, and the resolution."""
        return () if value is None else ("em_max", "em_res")


def _limits(item: float | Range[float]) -> tuple[float, float]:
    if isinstance(item, Range):
        return -math.inf if item.low is None else item.low, math.inf if item.high is None else item.high
    return item, math.inf


PARAMETERS = (
    Parameter(
        name="SPECRP",
        title="Specrp",
        description="Lower limit to the spectral resolving power λ/Δλ.",
        rules={"ivoa": IvoaResolvingPower(), "dachs": DachsResolvingPower()},
        grammar="range list of numbers; a value alone is a lower limit",
        python=number_text(),
        examples=("7000", "7000/8000"),
        roles=("em_min", "em_max", "em_res"),
        instead=("em_res_power",),
        section="4.1.2.2",
        datatype="double",
        ucd="spect.resolution",
        utype="ssa:Char.SpectralAxis.Resolution",
        null="NULL never matches; NaN never matches (dachs: a NaN resolution always does)",
    ),
)
