"""Parameters of a service's own that cut its table: those of computed spectra, as t_eff and log_g."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.sources.harvest.samples import Sample
from ssap_mirror.sources.harvest.slices import ENDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OwnParameter", "own_parameters"]

_NUMBERS = ("short", "int", "long", "float", "double", "unsignedByte")
_STANDARD = frozenset(
    ("POS", "SIZE", "TIME", "BAND", "SNR", "REDSHIFT", "APERTURE", "SPATRES", "SPECRP", "MTIME", "VARAMPL")
)
_LOWEST, _HIGHEST = "MIN", "MAX"


@dataclass(frozen=True)
class OwnParameter:
    """A parameter, or a pair of them, that selects by the values of one column."""

    name: str
    """Of the parameter; of a pair, both with `ssap_mirror.sources.harvest.slices.ENDS` between."""
    column: str
    """What it is about."""
    values: NDArray[np.float64]
    """Values of some rows, by which the first cuts are made."""


def own_parameters(declared: Sequence[Column], schema: Schema, sample: Sample) -> tuple[OwnParameter, ...]:
    """Find declared parameters of numbers that have a column of their name.

    Parameters
    ----------
    declared : sequence of Column
        Inputs of the service.
    schema : Schema
        Its columns.
    sample : Sample
        Some rows.
    """
    columns = {_plain(c.name): c.name for c in schema if not c.shape and c.datatype in _NUMBERS}
    names = [p.name for p in declared if p.datatype in _NUMBERS and p.name.upper() not in _STANDARD]
    found = {name: columns[_plain(name)] for name in names if _plain(name) in columns}
    lowest, highest = ({_without(name, end): name for name in names} for end in (_LOWEST, _HIGHEST))
    for key in [key for key in lowest if key is not None and key in highest and key in columns]:
        found[f"{lowest[key]}{ENDS}{highest[key]}"] = columns[key]
    bounds = {p.name: (getattr(p, "minimum", None), getattr(p, "maximum", None)) for p in declared}
    return tuple(
        OwnParameter(name, column, _values(sample, column, bounds.get(name.split(ENDS)[0], (None, None))))
        for name, column in found.items()
    )


def _values(sample: Sample, column: str, bounds: tuple[str | None, str | None]) -> NDArray[np.float64]:
    """Values in the sample, or else some between the declared bounds."""
    if column in sample.rows.column_names:
        values: NDArray[np.float64] = sample.rows.column(column).to_numpy().astype(np.float64)
        if np.isfinite(values).any():
            return values[np.isfinite(values)]
    try:
        return np.linspace(float(bounds[0] or "nan"), float(bounds[1] or "nan"), 64)
    except ValueError:
        return np.empty(0)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _without(name: str, end: str) -> str | None:
    """Name of a quantity without the word that says which end of its range a parameter is; None if there is none."""
    words = name.upper().split("_")
    return _plain("".join(word for word in words if word != end)) if end in words and len(words) > 1 else None
