"""Finds positions, motions and dates among the columns of a table: as said, by UCD, or by usual name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from ssap_mirror.core.quantities.units import Conversion, to_degrees
from ssap_mirror.errors import ParameterError
from ssap_mirror.tables.positions import names as usual
from ssap_mirror.tables.positions.frames import ICRS, is_equatorial, normal_frame
from ssap_mirror.tables.positions.named import is_number, is_text, names_by_key, names_by_ucd, resolve, unit_of
from ssap_mirror.tables.positions.place import Axis, Place
from ssap_mirror.tables.positions.said import Positions

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["find_positions"]

_NO_LETTERS = re.compile(r"[^a-z]")


@dataclass(frozen=True)
class _Pair:
    """Two columns that may be the positions."""

    longitude: str
    latitude: str
    frame: str | None
    by_guess: bool = False


def find_positions(
    types: pa.Schema, said: Positions | None = None, *, roles: Mapping[str, str] | None = None, parameter: str
) -> Place | None:
    """Find the columns of positions.

    Parameters
    ----------
    types : pyarrow.Schema
        Columns, with UCDs, units and frames in the fields' metadata where they are known.
    said : Positions, optional
        What the caller says; it always holds.
    roles : mapping of str to str, optional
        Columns ``ra`` and ``dec`` that the owner of the table has chosen: they come before any search.
    parameter : str
        What `said` is called in errors.

    Returns
    -------
    Place or None
        None if there are none. Numbers come before text, right ascension and declination before other coordinates.

    Raises
    ------
    ParameterError
        If what is said is not in the table or cannot be an angle.
    """
    said = said or Positions()
    if said.frame is not None:
        try:
            said = replace(said, frame=normal_frame(said.frame))
        except ValueError as error:
            name = f"{parameter}.frame"
            raise ParameterError(name, said.frame, str(error).removeprefix(f"the frame {said.frame!r} ")) from error
    for column in said.units:
        resolve(types, column, f"{parameter}.units")
    if said.ra is not None and said.dec is not None:
        named = resolve(types, said.ra, f"{parameter}.ra"), resolve(types, said.dec, f"{parameter}.dec")
        return _place(types, _Pair(*named, _frame_of_names(types, named)), said, parameter)
    roles = roles or {}
    if roles.get("ra") in types.names and roles.get("dec") in types.names:
        return _place(types, _Pair(roles["ra"], roles["dec"], None), said, parameter)
    pairs = list(_pairs(types))
    if said.frame is not None:
        pairs = [pair for pair in pairs if is_equatorial(pair.frame or ICRS) == is_equatorial(said.frame)]
    chosen = next((pair for pair in pairs if _fits(types, pair, said, text=False)), None)
    text = next((pair for pair in pairs if _fits(types, pair, said, text=True)), None)
    # Right ascension in text comes before galactic numbers.
    if text is not None and (
        chosen is None or (is_equatorial(text.frame or ICRS) and not is_equatorial(chosen.frame or ICRS))
    ):
        chosen = text
    return None if chosen is None else _place(types, chosen, said, parameter)


def _pairs(types: pa.Schema) -> Iterator[_Pair]:
    """Pairs of columns that may be positions, the likeliest first."""
    by_ucd, by_name = names_by_ucd(types), names_by_key(types)
    # A service may say "main" of a second, single-precision pair too: the more precise one, else the first, is meant.
    mains = [
        _by_precision(types, [n for ucd in usual.UCDS[axis] for n in by_ucd.get(ucd, [])]) for axis in ("ra", "dec")
    ]
    yield from (_Pair(ra, dec, None) for ra, dec in zip(mains[0], mains[1], strict=False))
    yield from (_Pair(*pair, None) for pair in _named(by_name, usual.EQUATORIAL))
    any_ra, any_dec = ([n for ucd in usual.UCDS[f"any_{axis}"] for n in by_ucd.get(ucd, [])] for axis in ("ra", "dec"))
    if len(any_ra) == len(any_dec) == 1:
        yield _Pair(any_ra[0], any_dec[0], None)
    dotted = [name for name in types.names if name.endswith(".ra") and f"{name[:-3]}.dec" in types.names]
    if len(dotted) == 1:
        yield _Pair(dotted[0], f"{dotted[0][:-3]}.dec", None)
    yield from (_Pair(*pair, "FK4 B1950", by_guess=True) for pair in _named(by_name, usual.FK4))
    for frame in ("galactic", "ecliptic"):
        axes = [[n for ucd in usual.UCDS[f"{frame}_{axis}"] for n in by_ucd.get(ucd, [])] for axis in ("lon", "lat")]
        if all(axes):
            yield _Pair(axes[0][0], axes[1][0], normal_frame(frame), by_guess=True)
    yield from (_Pair(*pair, "galactic", by_guess=True) for pair in _named(by_name, usual.GALACTIC))


def _named(by_name: Mapping[str, Sequence[str]], pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Columns of usual names; of some with one usual name (``RAJ2000``, ``_RAJ2000``) first those in the same place."""
    for names in pairs:
        longitudes, latitudes = (by_name.get(name, ()) for name in names)
        yield from dict.fromkeys((*zip(longitudes, latitudes, strict=False), *product(longitudes, latitudes)))


def _place(types: pa.Schema, pair: _Pair, said: Positions, parameter: str) -> Place:
    field = types.field(pair.longitude)
    metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    frame = said.frame or metadata.get("frame") or pair.frame or ICRS
    try:
        frame = normal_frame(frame)
    except ValueError as error:
        name = f"{parameter}.frame"
        raise ParameterError(name, frame, f"is the frame of {pair.longitude!r} in the table: {error}") from error
    axes = [
        _axis(types, column, said, f"{parameter}.{role}", in_hours=role == "ra" and is_equatorial(frame))
        for role, column in (("ra", pair.longitude), ("dec", pair.latitude))
    ]
    epoch = metadata.get("epoch")
    return Place(axes[0], axes[1], frame, None if epoch is None else float(epoch), pair.by_guess)


def _axis(types: pa.Schema, column: str, said: Positions, parameter: str, *, in_hours: bool) -> Axis:
    kind, unit = types.field(column).type, unit_of(types, column, said)
    if is_text(kind):
        # "h:m:s", hh mm ss, hourangle; "d:m:s", deg, sexagesimal
        first = _NO_LETTERS.sub("", unit.lower())[:1]
        in_hours = first == "h" if first in ("h", "d") else in_hours
        return Axis(
            column, kind, unit, Conversion(1.0), is_text=True, sexagesimal_hours=in_hours, plain_hours=first == "h"
        )
    if not is_number(kind):
        raise ParameterError(parameter, column, f"is a column of type {kind}, not numbers or text")
    try:
        return Axis(column, kind, unit, to_degrees(unit))
    except ValueError as error:
        raise ParameterError(parameter, column, f"is no angle: {error}") from error


def _fits(types: pa.Schema, pair: _Pair, said: Positions, *, text: bool) -> bool:
    """Whether both columns can be angles, of numbers or of text."""
    kinds = [types.field(name).type for name in (pair.longitude, pair.latitude)]
    if text:
        return any(map(is_text, kinds)) and all(is_text(kind) or is_number(kind) for kind in kinds)
    if not all(map(is_number, kinds)):
        return False
    try:
        for name in (pair.longitude, pair.latitude):
            _axis(types, name, said, "", in_hours=False)
    except ParameterError:
        return False
    return True


def _frame_of_names(types: pa.Schema, pair: tuple[str, str]) -> str | None:
    """Frame of two columns that somebody has named, where their UCDs or names tell of another one than ICRS."""
    return next(
        (found.frame for found in _pairs(types) if (found.longitude, found.latitude) == pair and found.frame), None
    )


def _by_precision(types: pa.Schema, names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: str(types.field(name).type) != "double")
