"""Positions: one column or two, numbers or texts, in many units, with twins that mislead."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ssap_mirror.core.schema import Column

from tests.support.simulated.forms.parts import LOCATION, Part, Shown, each, numbers, sexagesimal, texts

__all__ = ["POSITIONS"]

_MAIN = ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main")
_POSITION_2D = "ssa:Char.SpatialAxis.Coverage.Location.Coord.Position2D.Value2"


def _axes(
    unit: str | None,
    per_degree: tuple[float, float] = (1.0, 1.0),
    ucds: tuple[str | None, str | None] = _MAIN,
    utypes: tuple[str | None, str | None] = (None, None),
    datatype: str = "double",
    names: tuple[str, str] = ("pos_1", "pos_2"),
) -> tuple[Shown, Shown]:
    """Show a position in two columns."""
    return (
        numbers(names[0], lambda s: s.ra * per_degree[0], datatype, unit=unit, ucd=ucds[0], utype=utypes[0]),
        numbers(names[1], lambda s: s.dec * per_degree[1], datatype, unit=unit, ucd=ucds[1], utype=utypes[1]),
    )


def _pair(unit: str | None, per_degree: float = 1.0) -> Shown:
    column = Column("location", "double", "2", unit, "pos.eq", LOCATION)
    return Shown(column, each(lambda a, d: [a * per_degree, d * per_degree], "ra", "dec"))


def _text_pair(write: Callable[[float, float], str], unit: str | None = "deg", name: str = "place") -> Shown:
    return texts(name, each(write, "ra", "dec"), unit=unit, ucd="pos.eq", utype=LOCATION)


def _split(coordinate: str, in_hours: bool) -> tuple[Shown, ...]:  # noqa: FBT001
    """Show one coordinate in columns for its hours or degrees, minutes and seconds."""
    stem, factor, whole_unit, units = (
        ("RA", 15, "h", ("min", "s")) if in_hours else ("DE", 1, "deg", ("arcmin", "arcsec"))
    )
    ucd = f"pos.eq.{coordinate}"

    def part(which: int) -> Callable[[float], float]:
        def value(degrees: float) -> float:
            seconds = abs(degrees) / factor * 3600
            return (int(seconds // 3600), int(seconds % 3600 // 60), seconds % 60)[which]

        return value

    names = ("h", "m", "s") if in_hours else ("d", "m", "s")
    return tuple(
        Shown(Column(stem + name, kind, unit=unit, ucd=ucd), each(part(which), coordinate))
        for which, (name, kind, unit) in enumerate(
            zip(names, ("short", "short", "double"), (whole_unit, *units), strict=True)
        )
    )


def _plain(ra: float, dec: float) -> str:
    return f"{ra!r} {dec!r}"


#: Name -> columns.
POSITIONS: dict[str, Part] = {
    "two columns in deg": Part(_axes("deg")),
    "C1 and C2": Part(_axes("deg", ucds=("pos.eq.ra", "pos.eq.dec"), utypes=(f"{LOCATION}.C1", f"{LOCATION}.C2"))),
    "Position2D": Part(
        _axes(
            "deg",
            ucds=(None, None),
            utypes=(f"{_POSITION_2D}.C1", f"{_POSITION_2D}.C2"),
        )
    ),
    "UCDs without meta.main": Part(_axes("deg", ucds=("pos.eq.ra", "pos.eq.dec"))),
    "UCDs with blanks and capitals": Part(_axes("deg", ucds=("POS.EQ.RA; meta.main", "POS.EQ.DEC; meta.main"))),
    "UCD1 of 2002": Part(_axes("deg", ucds=("POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN"))),
    "ObsCore names alone": Part(_axes("deg", ucds=(None, None), names=("s_ra", "s_dec"))),
    "the word degrees": Part(_axes("degrees")),
    "no unit": Part(_axes(None)),
    "a pair in deg,deg": Part((_pair("deg,deg"),)),
    "a pair in rad": Part((_pair("rad", np.pi / 180),)),
    "hours and degrees": Part(
        (
            numbers("pos_1", lambda s: s.ra / 15, unit="h", ucd=_MAIN[0]),
            numbers("pos_2", lambda s: s.dec, unit="deg", ucd=_MAIN[1]),
        )
    ),
    "hourangle": Part(
        (
            numbers("pos_1", lambda s: s.ra / 15, unit="hourangle", ucd=_MAIN[0]),
            numbers("pos_2", lambda s: s.dec, unit="deg", ucd=_MAIN[1]),
        )
    ),
    "radians": Part(_axes("rad", (np.pi / 180, np.pi / 180))),
    "arcminutes": Part(_axes("arcmin", (60.0, 60.0))),
    "arcseconds": Part(_axes("arcsec", (3600.0, 3600.0))),
    "a text of two numbers": Part((_text_pair(_plain),)),
    "a text in sexagesimal": Part((_text_pair(sexagesimal, None),)),
    "two texts": Part(
        (
            texts("ra", each(repr, "ra"), unit="deg", ucd=_MAIN[0]),
            texts("dec", each(repr, "dec"), unit="deg", ucd=_MAIN[1]),
        )
    ),
    "hours, minutes and seconds apart": Part(
        (
            *_split("ra", in_hours=True),
            texts("DE-", each(lambda dec: "-" if dec < 0 else "+", "dec"), ucd="pos.eq.dec"),
            *_split("dec", in_hours=False),
        )
    ),
    "a text and a pair with one utype": Part((_text_pair(_plain), _pair("deg"))),
    "the right ascension has the utype of the pair": Part(
        _axes("deg", ucds=("pos.eq.ra", "pos.eq.dec"), utypes=(LOCATION, None))
    ),
    "float32 twins that call themselves main": Part(
        (
            *_axes("deg", datatype="float", names=("ra_f", "dec_f")),
            *_axes("deg", ucds=("pos.eq.ra", "pos.eq.dec"), names=("ra", "dec")),
        )
    ),
    "a unit that nobody knows": Part(_axes("furlong"), "unclear"),
    "no position": Part((), "nothing"),
    "a position that is empty": Part(
        (Shown(Column("location", "double", "2", "deg", "pos.eq", LOCATION), lambda s: [None] * len(s)),), "empty"
    ),
}
