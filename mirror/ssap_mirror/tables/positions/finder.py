"""Finds positions, motions and dates among the columns of a table: as said, by UCD, or by usual name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ssap_mirror.core.units import says_no_unit, to_degrees
from ssap_mirror.errors import ParameterError
from ssap_mirror.tables.positions import names as usual
from ssap_mirror.tables.positions.frames import ICRS, is_equatorial, normal_frame
from ssap_mirror.tables.positions.place import Axis, Place
from ssap_mirror.tables.positions.said import MOTION_ROLES, Positions

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["checked", "find_column", "find_motions", "find_positions", "resolve", "unit_of"]

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
    if text is not None and (chosen is None or (is_equatorial(text.frame or ICRS) and not is_equatorial(chosen.frame or ICRS))):
        chosen = text
    return None if chosen is None else _place(types, chosen, said, parameter)


def find_motions(types: pa.Schema, said: Positions, parameter: str) -> Positions | None:
    """Fill in proper motions, and parallax and radial velocity where there are any; None without proper motions.

    Raises
    ------
    ParameterError
        If a column so found holds no numbers.
    """
    found = {role: getattr(said, role) or find_column(types, role) for role in MOTION_ROLES}
    if found["pmra"] is None or found["pmdec"] is None:
        return None
    return checked(types, replace(said, **{role: column for role, column in found.items() if column}), parameter)


def checked(types: pa.Schema, said: Positions, parameter: str) -> Positions:
    """Give the columns that are said the names that they have here, and check that they can play their roles.

    Raises
    ------
    ParameterError
        If a column is not in the table, or of a type that cannot be read.
    """
    import pyarrow as pa

    named = {role: resolve(types, column, f"{parameter}.{role}") for role, column in said.columns().items()}
    for role, column in named.items():
        kind = types.field(column).type
        reads_text = role in ("ra", "dec", "epoch")
        if _is_number(kind) or (reads_text and _is_text(kind)) or (role == "epoch" and pa.types.is_temporal(kind)):
            continue
        name = f"{parameter}.{role}"
        raise ParameterError(name, column, f"is a column of type {kind}, not numbers{' or text' if reads_text else ''}")
    return replace(said, **named)


def find_column(types: pa.Schema, role: str) -> str | None:
    """Column of a role by UCD, then by usual name; None if there is none, or if more than one has that UCD."""
    by_ucd = _names_by_ucd(types)
    for ucd in usual.UCDS[role]:
        columns = by_ucd.get(ucd, [])
        if len(columns) == 1:
            return columns[0]
    by_name = _names_by_key(types)
    return next((by_name[name][0] for name in usual.NAMES[role] if name in by_name), None)


def resolve(types: pa.Schema, name: str, parameter: str) -> str:
    """Column of a name, or of that name in the source where it has another here.

    Raises
    ------
    ParameterError
        If there is none.
    """
    if name in types.names:
        return name
    renamed = [item.name for item in types if (item.metadata or {}).get(b"source_name") == name.encode()]
    if len(renamed) == 1:
        return str(renamed[0])
    raise ParameterError(parameter, name, "is not a column of the table")


def unit_of(types: pa.Schema, column: str, said: Positions) -> str:
    """Unit of a column: as said, else as the table says; empty without one."""
    given = next((unit for name, unit in said.units.items() if resolve(types, name, "units") == column), None)
    unit = given if given is not None else (types.field(column).metadata or {}).get(b"unit", b"").decode()
    return "" if says_no_unit(unit) else str(unit).strip()


def _pairs(types: pa.Schema) -> Iterator[_Pair]:
    """Pairs of columns that may be positions, the likeliest first."""
    by_ucd, by_name = _names_by_ucd(types), _names_by_key(types)
    # A service may say "main" of a second, single-precision pair too: the more precise one, else the first, is meant.
    mains = [_by_precision(types, [n for ucd in usual.UCDS[axis] for n in by_ucd.get(ucd, [])]) for axis in ("ra", "dec")]
    yield from (_Pair(*pair, None) for pair in zip(*mains, strict=False))
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
    """Columns of usual names; of some with one usual name (``RAJ2000``, ``_RAJ2000``) those in the same place."""
    for longitude, latitude in pairs:
        yield from zip(by_name.get(longitude, ()), by_name.get(latitude, ()), strict=False)


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
    if _is_text(kind):
        # "h:m:s", hh mm ss, hourangle; "d:m:s", deg, sexagesimal
        first = _NO_LETTERS.sub("", unit.lower())[:1]
        in_hours = first == "h" if first in ("h", "d") else in_hours
        return Axis(column, kind, unit, is_text=True, sexagesimal_hours=in_hours, plain_hours=first == "h")
    if not _is_number(kind):
        raise ParameterError(parameter, column, f"is a column of type {kind}, not numbers or text")
    try:
        return Axis(column, kind, unit, to_degrees(unit))
    except ValueError as error:
        raise ParameterError(parameter, column, f"is no angle: {error}") from error


def _fits(types: pa.Schema, pair: _Pair, said: Positions, *, text: bool) -> bool:
    """Whether both columns can be angles, of numbers or of text."""
    kinds = [types.field(name).type for name in (pair.longitude, pair.latitude)]
    if text:
        return any(map(_is_text, kinds)) and all(_is_text(kind) or _is_number(kind) for kind in kinds)
    if not all(map(_is_number, kinds)):
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


def _names_by_ucd(types: pa.Schema) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for field in types:
        ucd = (field.metadata or {}).get(b"ucd", b"").decode()
        found.setdefault("".join(ucd.split()).lower(), []).append(field.name)
    return found


def _names_by_key(types: pa.Schema) -> dict[str, list[str]]:
    """Usual name -> columns: without case, and any marks in it as one underscore."""
    found: dict[str, list[str]] = {}
    for field in types:
        name = (field.metadata or {}).get(b"source_name", field.name.encode()).decode()
        found.setdefault(usual.key(name), []).append(field.name)
    return found


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_text(kind: pa.DataType) -> bool:
    return str(kind) in ("string", "large_string", "string_view")
