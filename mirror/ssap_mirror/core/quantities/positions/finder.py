"""Finds the positions of a table among its columns: as said, by UCD, or by usual name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ssap_mirror.core.quantities.positions import names as usual
from ssap_mirror.core.quantities.positions.frames import ICRS, is_equatorial, normal_frame
from ssap_mirror.core.quantities.positions.named import index_of, is_number, is_text, resolve, unit_of
from ssap_mirror.core.quantities.positions.place import Axis, Place
from ssap_mirror.core.quantities.positions.said import Positions
from ssap_mirror.core.quantities.positions.split import find_split
from ssap_mirror.core.schema.role_finding import name_key
from ssap_mirror.core.schema.roles import EQUATORIAL
from ssap_mirror.core.units import Conversion, to_degrees
from ssap_mirror.errors import ParameterError

if TYPE_CHECKING:
    import pyarrow as pa

    from ssap_mirror.core.schema import Column
    from ssap_mirror.core.schema.role_finding import ColumnIndex

__all__ = ["Pair", "find_positions", "pairs_of", "place_of"]

_NO_LETTERS = re.compile(r"[^a-z]")
_HOUR_DEG = 15.0


@dataclass(frozen=True)
class Pair:
    """Two columns that may be the positions."""

    longitude: str
    """Right ascension, or what the frame has for it."""
    latitude: str
    """Declination, or what the frame has for it."""
    frame: str | None = None
    """Frame that their UCDs or names tell of; None is ICRS."""
    by_guess: bool = False
    """Whether a name alone tells of them that is not plainly one of positions."""
    by_ucd_alone: bool = False
    """Whether nothing tells of them but a UCD without ``meta.main``, which any position of a table may have."""


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
        return place_of(types, Pair(*named, _frame_of_names(types, named)), said, parameter)
    roles = roles or {}
    if roles.get("ra") in types.names and roles.get("dec") in types.names:
        return place_of(types, Pair(roles["ra"], roles["dec"]), said, parameter)
    pairs = list(pairs_of(index_of(types), types.names))
    if sum(pair.by_ucd_alone for pair in pairs) > 1:  # nothing tells which are meant
        pairs = [pair for pair in pairs if not pair.by_ucd_alone]
    if said.frame is not None:
        pairs = [pair for pair in pairs if is_equatorial(pair.frame or ICRS) == is_equatorial(said.frame)]
    numbers = next((pair for pair in pairs if _fits(types, pair, said, text=False)), None)
    # Right ascension in text, or split, comes before galactic numbers.
    if numbers is not None and is_equatorial(numbers.frame or ICRS):
        return place_of(types, numbers, said, parameter)
    text = next((pair for pair in pairs if _fits(types, pair, said, text=True)), None)
    if text is not None and is_equatorial(text.frame or ICRS):
        return place_of(types, text, said, parameter)
    if (said.frame is None or is_equatorial(said.frame)) and (split := find_split(types, said.frame)) is not None:
        return split
    chosen = numbers or text
    return None if chosen is None else place_of(types, chosen, said, parameter)


def pairs_of(index: ColumnIndex, names: Sequence[str]) -> Iterator[Pair]:
    """Pairs of columns that may be positions, the likeliest first.

    Parameters
    ----------
    index : ColumnIndex
        The columns.
    names : sequence of str
        Their names, in order.
    """
    for ra, dec in index.pairs("ra", "dec"):
        yield Pair(ra.name, dec.name, by_ucd_alone=_is_by_ucd_alone(ra, dec))
    dotted = [name for name in names if name.endswith(".ra") and f"{name[:-3]}.dec" in names]
    if len(dotted) == 1:
        yield Pair(dotted[0], f"{dotted[0][:-3]}.dec")
    yield from _named(index, usual.FK4, "FK4 B1950")
    for frame in ("galactic", "ecliptic"):
        axes = [
            [column for ucd in usual.UCDS[f"{frame}_{axis}"] for column in index.known_by(usual.ucd_key(ucd))]
            for axis in ("lon", "lat")
        ]
        if all(axes):
            yield Pair(axes[0][0].name, axes[1][0].name, normal_frame(frame), by_guess=True)
    yield from _named(index, usual.GALACTIC, "galactic")


def _is_by_ucd_alone(ra: Column, dec: Column) -> bool:
    names = name_key(ra.source_name or ra.name), name_key(dec.source_name or dec.name)
    return "main" not in (ra.ucd or "").lower() and names not in EQUATORIAL


def _named(index: ColumnIndex, names: Iterable[tuple[str, str]], frame: str) -> Iterator[Pair]:
    for longitude, latitude in names:
        found = (index.known_by(f"name:{name}") for name in (longitude, latitude))
        yield from (Pair(a.name, b.name, frame, by_guess=True) for a, b in zip(*found, strict=False))


def place_of(types: pa.Schema, pair: Pair, said: Positions, parameter: str) -> Place:
    """Work out what it takes to make positions of two columns.

    Parameters
    ----------
    types : pyarrow.Schema
        All columns.
    pair : Pair
        The two.
    said : Positions
        Frame and units that somebody says.
    parameter : str
        What `said` is called in errors.

    Raises
    ------
    ParameterError
        If a column can be no angle, or nobody knows the frame.
    """
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
        plain = Conversion(_HOUR_DEG if first == "h" else 1.0)
        if first not in ("h", "d"):
            with suppress(ValueError):  # a word of somebody's for text
                plain = to_degrees(unit)
        return Axis(column, kind, unit, plain, is_text=True, in_hours=in_hours)
    if not is_number(kind):
        raise ParameterError(parameter, column, f"is a column of type {kind}, not numbers or text")
    try:
        return Axis(column, kind, unit, to_degrees(unit))
    except ValueError as error:
        raise ParameterError(parameter, column, f"is no angle: {error}") from error


def _fits(types: pa.Schema, pair: Pair, said: Positions, *, text: bool) -> bool:
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
    pairs = pairs_of(index_of(types), types.names)
    return next((found.frame for found in pairs if (found.longitude, found.latitude) == pair and found.frame), None)
