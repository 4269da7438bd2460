"""One source of values for each parameter of an SSAP service, fed from the rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import numpy as np
from ssap_mirror.core.sphere import separation_arcsec

from scripts.corpus import literals, vocabulary

Row = Mapping[str, Any]
#: Random numbers, a row that the value should select, and any other row -> the value as text.
Draw = Callable[[Random, Row, Row], str]


def _numbers(column: str, odd: tuple[str, ...] = literals.ODD_NUMBERS) -> Draw:
    """Range lists of a float32 column."""

    def draw(rng: Random, row: Row, other: Row) -> str:
        if rng.random() < 0.10:
            return rng.choice((*literals.WHOLE_EXPRESSIONS, *literals.NOT_NUMBERS, ""))
        return literals.expression(rng, lambda: _spell(rng, row[column]), lambda: _spell(rng, other[column]), odd)

    return draw


def _spell(rng: Random, value: float | None) -> str:
    return rng.choice(literals.ODD_NUMBERS) if value is None else literals.spell_float32(rng, value)


def _listed(options: tuple[str, ...], column: str, share: float) -> Draw:
    """Words, and the row's own word for a share of the requests."""

    def draw(rng: Random, row: Row, other: Row) -> str:
        if rng.random() > share or row[column] is None:
            return rng.choice(options)
        own = str(row[column])
        return own if rng.random() < 0.8 else f"{own},{other[column]}"

    return draw


def position(rng: Random, row: Row, other: Row) -> str:
    """POS: at or near the row's fibre, written with few or many digits; lists, frames and nonsense."""
    if row["ssa_location"] is None or rng.random() < 0.18:
        return rng.choice(vocabulary.ODD_POSITIONS)
    ra, dec = row["ssa_location"]
    if rng.random() < 0.3:
        ra, dec = ra + rng.uniform(-0.2, 0.2), dec + rng.uniform(-0.2, 0.2)
    if rng.random() < 0.05:
        ra += rng.choice((360.0, -360.0))
    digits = rng.choice((3, 4, 6, 10))
    text = f"{ra!r},{dec!r}" if rng.random() < 0.3 else f"{ra:.{digits}f},{dec:.{digits}f}"
    if rng.random() < 0.08 and other["ssa_location"] is not None:
        text += ",{!r},{!r}".format(*other["ssa_location"])
    return text + rng.choices(("", ";ICRS", ";icrs", ";Icrs", ";GALACTIC"), weights=(20, 1, 1, 0.5, 0.3))[0]


def size(rng: Random, row: Row, other: Row) -> str:
    """SIZE: mostly round; sometimes the very separation of two rows, which is a tie."""
    if rng.random() < 0.12:
        return rng.choice(vocabulary.ODD_SIZES)
    if rng.random() < 0.1 and row["ssa_location"] is not None and other["ssa_location"] is not None:
        separation = float(separation_arcsec(*row["ssa_location"], *other["ssa_location"])) / 3600
        if separation <= 90.0:
            return repr(separation)
    return rng.choice(vocabulary.SIZES)


def band(rng: Random, row: Row, other: Row) -> str:
    """BAND: edges of the rows' coverage, wavelengths between them, and names."""
    if rng.random() < 0.15:
        return rng.choice(vocabulary.BAND_NAMES)
    if rng.random() < 0.08:
        return rng.choice((*vocabulary.ODD_BANDS, *literals.WHOLE_EXPRESSIONS))

    def wavelength(of: Row) -> str:
        if rng.random() < 0.25:
            return rng.choice(("5e-7", "6562.8e-10", "5150e-10", "5.8e-7", "0.0000005", "6.5e-7", "4e-7", "7e-7"))
        return _spell(rng, of[rng.choice(("ssa_specstart", "ssa_specend"))])

    return literals.expression(rng, lambda: wavelength(row), lambda: wavelength(other), literals.ODD_NUMBERS)


def time(rng: Random, row: Row, other: Row) -> str:
    """TIME: instants before, at and after the rows' dates."""

    def date(of: Row) -> str:
        if of["ssa_dateObs"] is None:
            return rng.choice(literals.ODD_DATES)
        return literals.spell_date(rng, of["ssa_dateObs"] + rng.choice((0, 0, -1e-6, 1e-6, -0.5, 0.5, -3, 3)))

    return _dates(rng, lambda: date(row), lambda: date(other), ("2018-01-01/2018-03-01/10", "/2018-01-01/1"))


def publication_time(rng: Random, row: Row, other: Row) -> str:
    """MTIME: the rows' publication dates, ranges and steps."""

    def date(of: Row) -> str:
        value = of["ssa_pdate"] or "2020-03-31T00:00:00"
        kind = rng.random()
        if kind < 0.3:
            return value
        year, rest = value[:4], value[4:]
        return value[:10] if kind < 0.8 else f"{int(year) + rng.choice((0, 1)):04d}{rest[:6]}"

    steps = ("2018-09-29/2018-10-01/1", "2018-09-30/2020-04-01/0.5", "2018-09-29/2018-10-01/0", "2018-09-29/foo/1")
    return _dates(rng, lambda: date(row), lambda: date(other), steps)


def _dates(rng: Random, value: Callable[[], str], other: Callable[[], str], steps: tuple[str, ...]) -> str:
    kind = rng.random()
    if kind < 0.12:
        return rng.choice((*literals.NOT_DATES, *steps, "/", "//", "", " ", ",", ";"))
    if kind < 0.18:
        return rng.choice(literals.NOT_DATES) + rng.choice(("/", "/2019-01-01"))
    return literals.expression(rng, value, other, literals.ODD_DATES)


def resolving_power(rng: Random, row: Row, other: Row) -> str:
    """SPECRP: round numbers, and the very quotients of rows."""
    if rng.random() < 0.35:
        odd = ("", "0", "-1", "foo", "7000/", "/7000", "7000,8000", "inf", "NaN", " 7500", "1e4", "7500;x", "1e400")
        return rng.choice(odd)
    of = rng.choice((row, other))
    if rng.random() < 0.5 or not of["ssa_specres"] or not of["ssa_specend"]:
        return rng.choice(("600", "680", "7000", "7500", "7787.5", "7800", "8000", "9000"))
    return literals.spell_float32(rng, float(np.float32(of["ssa_specend"]) / np.float32(of["ssa_specres"])))


def words(rng: Random, row: Row, other: Row) -> str:
    """TARGETNAME: names as they are, in another case, in part, and words."""
    name = row["ssa_targname"] or "any"
    kind = rng.random()
    if kind < 0.25:
        return name
    if kind < 0.45:
        return rng.choice((name.upper(), name.lower(), name.swapcase(), f" {name} "))
    if kind < 0.60:
        parts = name.split()
        rng.shuffle(parts)
        return " ".join(parts[: rng.randint(1, 2)])
    if kind < 0.70:
        return f"{name},{other['ssa_targname']}"
    if kind < 0.75:
        return name[: max(1, len(name) - rng.randint(1, 4))]
    return " ".join(rng.sample(vocabulary.WORDS, rng.randint(1, 2)))


def pattern(rng: Random, row: Row, other: Row) -> str:
    """WILDTARGET and WILDTARGETCASE: names with a piece replaced by a wildcard, and hard patterns."""
    name = (row if rng.random() < 0.8 else other)["ssa_targname"] or ""
    kind = rng.random()
    if kind < 0.35:
        return rng.choice(vocabulary.PATTERNS)
    if kind < 0.50:
        return rng.choice((name, name.upper(), name.lower()))
    at = sorted(rng.choices(range(len(name) + 1), k=2))
    return name[: at[0]] + rng.choice(vocabulary.PATTERN_PIECES) + name[at[1] :]


def _identifier(column: str) -> Draw:
    def draw(rng: Random, row: Row, other: Row) -> str:
        own = row[column] or "ivo://nowhere/~?x"
        kind = rng.random()
        if kind < 0.75:
            return own
        return rng.choice(
            (own.upper(), f"{own},{other[column]}", own[:-3] + "*", f"{own};x", f" {own}", "", "any", "'")
        )

    return draw


def _any_of(options: tuple[str, ...]) -> Draw:
    return lambda rng, row, other: rng.choice(options)


#: Search parameter -> how often it is used, relative to the others; and its values. SIZE comes with POS.
SEARCH: dict[str, tuple[float, Draw]] = {
    "POS": (28, position),
    "TIME": (15, time),
    "SNR": (15, _numbers("ssa_snr")),
    "BAND": (15, band),
    "TARGETNAME": (12, words),
    "WILDTARGET": (11, pattern),
    "FORMAT": (8, _listed(vocabulary.FORMATS, "mime", 0.3)),
    "REDSHIFT": (8, _numbers("ssa_redshift")),
    "TARGETCLASS": (6, _listed(vocabulary.CLASSES, "ssa_targclass", 0.4)),
    "WILDTARGETCASE": (6, pattern),
    "APERTURE": (6, _numbers("ssa_aperture")),
    "FLUXCALIB": (5, _listed(vocabulary.FLUX_CALIBRATIONS, "ssa_fluxcalib", 0.4)),
    "MTIME": (6, publication_time),
    "SPECRP": (5, resolving_power),
    "SPATRES": (4, _numbers("ssa_spaceRes", (*literals.ODD_NUMBERS, "any", "ANY"))),
    "COLLECTION": (4, _listed(vocabulary.COLLECTIONS, "ssa_collection", 0.5)),
    "PUBDID": (3, _identifier("ssa_pubDID")),
    "CREATORDID": (2, _identifier("ssa_creatorDID")),
    "WAVECALIB": (3, _listed(vocabulary.WAVE_CALIBRATIONS, "ssa_speccalib", 0.4)),
    "SIZE": (1, size),
}
#: The same for parameters that do not select rows, and for names that mean nothing here.
OTHER: dict[str, tuple[float, Draw]] = {
    "RESPONSEFORMAT": (4, _any_of(vocabulary.RESPONSE_FORMATS)),
    "TOP": (3, _any_of(vocabulary.TOPS)),
    "COMPRESS": (2, _any_of(vocabulary.COMPRESSIONS)),
    "VERB": (3, _any_of(("2", "3", "0", "4", "-1", "30", "foo", "1.5", "", " 2", "01"))),
    "MAXREC": (4, _any_of(vocabulary.MAXRECS)),
    "RUNID": (0.5, _any_of(("1", "a b"))),
    "FOO": (0.5, _any_of(("foo", "1"))),
    "TIMERES": (0.5, _any_of(("foo", "1", ""))),
    "VARAMPL": (0.3, _any_of(("foo", "1"))),
    "FLUXLIMIT": (0.3, _any_of(("1",))),
    "VERSION": (0.3, _any_of(("1.1", "1.04", "foo"))),
    "mobsid": (0.3, _any_of(("1",))),
}
