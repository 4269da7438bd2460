"""Range lists: the grammar of SSA 1.1 §8.7.2 and the reference server's reading of it.

::

    list  := item { "," item } [ ";" qualifier ]
    item  := value | low "/" high | low "/" | "/" high | "/"
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote

from ssap_mirror.errors import ParameterError

__all__ = [
    "MAX_ITEMS",
    "MAX_TESTS",
    "Interval",
    "Range",
    "RangeList",
    "dachs_float",
    "dachs_list",
    "ivoa_float",
    "ivoa_list",
    "merged",
    "single_precision",
]

T = TypeVar("T")

_NUMBER = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE
)
#: Most items of a list where each is cheap: values, which are looked up all at once.
MAX_ITEMS = 100_000
#: Most items where each costs a comparison with every row.
MAX_TESTS = 1000


@dataclass(frozen=True)
class Range(Generic[T]):
    """What lies between two bounds."""

    low: T | None
    """Lower bound; None is open."""
    high: T | None
    """Upper bound; None is open."""
    step: str | None = None
    """Third piece of the reference server's grammar, as text."""


@dataclass(frozen=True)
class RangeList(Generic[T]):
    """A list whose items are values and ranges; a union."""

    items: tuple[T | Range[T], ...]
    """In the order given."""
    qualifier: str | None = None
    """What stands after the ``;``."""

    @property
    def values(self) -> tuple[T, ...]:
        """The single values."""
        return tuple(item for item in self.items if not isinstance(item, Range))

    @property
    def ranges(self) -> tuple[Range[T], ...]:
        """The ranges."""
        return tuple(item for item in self.items if isinstance(item, Range))


@dataclass(frozen=True, order=True)
class Interval:
    """A closed interval of numbers."""

    low: float
    """Lower end, included."""
    high: float
    """Upper end, included."""

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def ivoa_list(name: str, text: str, read: Callable[[str, str], T], *, most: int = MAX_ITEMS) -> RangeList[T]:
    """Read a range list as SSA 1.1 §8.7.2 has it.

    Parameters
    ----------
    name : str
        The parameter, for errors.
    text : str
        The value, decoded.
    read : callable
        ``read(name, piece)`` makes a value of one piece, or raises `ParameterError`.
    most : int
        Most items.

    Returns
    -------
    RangeList
        ``/`` alone is ``Range(None, None)``: everything.

    Raises
    ------
    ParameterError
        For empty items, more than two pieces in an item, or more than one qualifier.
    """
    body, *qualifiers = text.split(";")
    if len(qualifiers) > 1:
        raise ParameterError(name, text, "has more than one qualifier (only one ';' is allowed)")
    parts = _bounded(name, text, body.split(","), most)
    items: list[T | Range[T]] = []
    for part in parts:
        pieces = [piece.strip() for piece in part.split("/")]
        if len(pieces) == 1:
            if not pieces[0]:
                raise ParameterError(name, text, "has an empty item in its list")
            items.append(read(name, pieces[0]))
        elif len(pieces) == 2:
            low, high = (read(name, piece) if piece else None for piece in pieces)
            items.append(Range(low, high))
        else:
            raise ParameterError(name, text, f"has the item {part.strip()!r} with more than two ends")
    return RangeList(tuple(items), qualifiers[0].strip() if qualifiers else None)


def dachs_list(
    name: str, text: str, read: Callable[[str], T], *, ranges: bool = True, most: int = MAX_ITEMS
) -> RangeList[T]:
    """Read a list as the reference server does (DaCHS "PQL").

    Every piece is percent-decoded once more after splitting.

    Parameters
    ----------
    name, text : str
        The parameter and its value, decoded once.
    read : callable
        Makes a value of one decoded piece; raises ValueError where it cannot.
    ranges : bool
        Whether ``/`` has a meaning.
    most : int
        Most items.

    Returns
    -------
    RangeList
        Range steps are kept as text, unread.

    Raises
    ------
    ParameterError
        For what the server calls an invalid value.
    """
    body, *qualifiers = text.split(";")
    if len(qualifiers) > 1:
        raise ParameterError(name, text, "has more than one qualifier (only one ';' is allowed)")
    parts = _bounded(name, text, body.split(","), most)
    try:
        items = tuple(_dachs_item(name, text, part.split("/") if ranges else [part], read) for part in parts)
    except ParameterError:
        raise
    except ValueError as error:
        raise ParameterError(name, text, f"is not valid: {error}") from None
    return RangeList(items, qualifiers[0] if qualifiers else None)


def _dachs_item(name: str, text: str, encoded: list[str], read: Callable[[str], T]) -> T | Range[T]:
    pieces = [unquote(piece) for piece in encoded]
    if any("\0" in piece for piece in pieces):
        raise ParameterError(name, text, "contains a NUL character")
    if len(pieces) == 1:
        return read(pieces[0])
    if len(pieces) > 3:
        raise ParameterError(name, text, "has an item with more than two ends and a step")
    low, high = (read(piece) if piece else None for piece in pieces[:2])
    step = (pieces[2] or None) if len(pieces) == 3 else None
    if low is None and high is None:
        raise ParameterError(name, text, "has a range without ends")
    if step is not None and (low is None or high is None):
        raise ParameterError(name, text, "has an open range with a step")
    return Range(low, high, step)


def ivoa_float(name: str, piece: str) -> float:
    """Read a finite or infinite decimal number.

    Raises
    ------
    ParameterError
        For NaN, for other text, and for what overflows a double.
    """
    if not _NUMBER.fullmatch(piece):
        raise ParameterError(name, piece, "is not a number")
    value = float(piece)
    if math.isinf(value) and "i" not in piece.lower():
        raise ParameterError(name, piece, "is beyond the range of a double")
    return value


def dachs_float(piece: str) -> float:
    """Read a number as the reference server's Python does: ``1_0``, ``nan``, ``1e400`` (infinity) are numbers."""
    return float(piece)


def single_precision(value: float) -> float:
    """Nearest float32 of a number, as a double; what is out of range becomes infinite."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Disjoint intervals with the same union, in ascending order."""
    found: list[Interval] = []
    for interval in sorted(intervals):
        if found and interval.low <= found[-1].high:
            found[-1] = Interval(found[-1].low, max(found[-1].high, interval.high))
        else:
            found.append(interval)
    return found


def _bounded(name: str, text: str, parts: Sequence[str], most: int) -> Sequence[str]:
    if len(parts) > most:
        raise ParameterError(name, text, f"is a list of {len(parts):,} items; {most:,} are allowed")
    return parts
