"""Questions in ADQL that two servers of the same rows have to answer alike, made from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

__all__ = ["UPLOAD_ROWS", "Question", "questions", "upload_rows"]

#: Rows of the table that comes along, ``TAP_UPLOAD.mine``.
UPLOAD_ROWS = 60
_CLASSES = ("G2", "K3", "F9", "A5", "M0", "nothing")
# Few enough rows to send.
_FEW = "fiberid < 12"


@dataclass(frozen=True)
class Question:
    """One query."""

    kind: str
    """What it is about."""
    text: str
    """ADQL, with ``{table}`` where the table's name belongs. The first columns of its result tell its rows apart."""
    ordered: bool = False
    """Whether the order of the rows is part of the answer."""

    @property
    def uploads(self) -> bool:
        """Whether it needs the table that comes along."""
        return "TAP_UPLOAD" in self.text


def upload_rows(places: list[tuple[float, float]], seed: int) -> dict[str, list[object]]:
    """Make the rows of ``TAP_UPLOAD.mine``: places near those of the table, far from them, and missing ones."""
    rng = Random(seed)
    rows: dict[str, list[object]] = {"star": [], "x": [], "y": [], "mag": []}
    for number in range(UPLOAD_ROWS):
        ra, dec = rng.choice(places)
        shift = rng.choice((0.0, 0.0003, 0.02, 0.3))
        rows["star"].append(number)
        rows["x"].append(None if number == 3 else (ra + rng.uniform(-shift, shift)) % 360)
        rows["y"].append(None if number == 5 else max(-90.0, min(90.0, dec + rng.uniform(-shift, shift))))
        rows["mag"].append(None if number % 7 == 0 else round(rng.uniform(5, 20), 3))
    return rows


def questions(places: list[tuple[float, float]], count: int, seed: int) -> list[Question]:
    """Make questions of every kind in turn.

    Parameters
    ----------
    places : list of (float, float)
        Positions of some rows [deg].
    count, seed : int
        How many; the same seed gives the same.
    """
    rng = Random(seed)
    return [_KINDS[number % len(_KINDS)](rng, places) for number in range(count)]


Places = list[tuple[float, float]]
_POINT = "POINT('ICRS', ra, dec)"


def _circle(rng: Random, places: Places, largest: float = 8.0) -> str:
    ra, dec = rng.choice(places)
    radius = round(rng.choice((0.003, 0.3, largest)) * rng.uniform(0.5, 1.0), 6)
    ra, dec = ra + rng.uniform(-0.1, 0.1), max(-90, min(90, dec + rng.uniform(-0.1, 0.1)))
    return f"CIRCLE('ICRS', {ra:.6f}, {dec:.6f}, {radius})"


def _cone(rng: Random, places: Places) -> Question:
    one = rng.choice((f"1=CONTAINS({_POINT}, {{circle}})", f"CONTAINS({_POINT}, {{circle}}) = 1"))
    condition = one.replace("{circle}", _circle(rng, places))
    more = rng.choice(
        ("", f" AND ssa_snr BETWEEN {rng.randint(1, 30)} AND 500", f" AND obsid > 10{rng.randint(1, 5)}500")
    )
    return Question("cone", f"SELECT obsid, ra, dec, subclass FROM {{table}} WHERE {condition}{more}")


def _outside(rng: Random, places: Places) -> Question:
    return Question(
        "outside a cone", f"SELECT COUNT(*) AS n FROM {{table}} WHERE 0=CONTAINS({_POINT}, {_circle(rng, places)})"
    )


def _two_cones(rng: Random, places: Places) -> Question:
    one, other = _circle(rng, places), _circle(rng, places)
    condition = f"1=CONTAINS({_POINT}, {one}) OR 1=CONTAINS({_POINT}, {other})"
    return Question("two cones", f"SELECT obsid FROM {{table}} WHERE {condition}")


def _polygon(rng: Random, places: Places) -> Question:
    ra, dec = rng.choice([place for place in places if abs(place[1]) < 60 and 20 < place[0] < 340])
    size = rng.uniform(1, 8)
    corners = ((-size, -size / 2), (size, -size / 3), (size / 2, size), (-size / 2, size / 2))
    listed = ", ".join(f"{ra + x:.5f}, {dec + y:.5f}" for x, y in corners[: rng.choice((3, 4))])
    return Question("polygon", f"SELECT obsid FROM {{table}} WHERE 1=CONTAINS({_POINT}, POLYGON('ICRS', {listed}))")


def _distance(rng: Random, places: Places) -> Question:
    ra, dec = rng.choice(places)
    between = f"DISTANCE({_POINT}, POINT('ICRS', {ra:.5f}, {dec:.5f}))"
    text = f"SELECT obsid, {between} AS d FROM {{table}} WHERE {between} < {rng.uniform(0.01, 5):.4f}"
    return Question("distance", text)


def _nearest(rng: Random, places: Places) -> Question:
    ra, dec = rng.choice(places)
    between = f"DISTANCE({_POINT}, POINT('ICRS', {ra + 0.0123:.5f}, {dec:.5f}))"
    text = (
        f"SELECT TOP 20 obsid, {between} AS d FROM {{table}} WHERE ra IS NOT NULL AND dec IS NOT NULL ORDER BY d, obsid"
    )
    return Question("nearest", text, ordered=True)


def _join(rng: Random, _: Places) -> Question:
    radius = rng.choice(("1/3600.", "10./3600", "0.05", "0.5"))
    near = f"1=CONTAINS(POINT('ICRS', s.ra, s.dec), CIRCLE('ICRS', u.x, u.y, {radius}))"
    kind = rng.choice(("JOIN", "LEFT OUTER JOIN"))
    if kind == "JOIN":
        return Question(
            "join", f"SELECT u.star, s.obsid, u.mag FROM {{table}} AS s JOIN TAP_UPLOAD.mine AS u ON {near}"
        )
    return Question(
        "left join", f"SELECT u.star, s.obsid FROM TAP_UPLOAD.mine AS u LEFT OUTER JOIN {{table}} AS s ON {near}"
    )


def _counted_join(rng: Random, _: Places) -> Question:
    near = f"1=CONTAINS(POINT('ICRS', s.ra, s.dec), CIRCLE('ICRS', u.x, u.y, {rng.uniform(0.01, 1):.3f}))"
    text = f"SELECT u.star, COUNT(*) AS n FROM {{table}} AS s JOIN TAP_UPLOAD.mine AS u ON {near} GROUP BY u.star"
    return Question("counted join", text)


def _of_upload(rng: Random, _: Places) -> Question:
    condition = rng.choice(
        ("mag > 12", "NOT mag > 12", "mag IS NULL", "x IS NULL OR y IS NULL", "COALESCE(mag, 30) > 15")
    )
    return Question("an upload alone", f"SELECT star, mag FROM TAP_UPLOAD.mine WHERE {condition}")


def _groups(rng: Random, _: Places) -> Question:
    key = rng.choice(("subclass", "lrs_class", "spid"))
    having = rng.choice(("", f" HAVING COUNT(*) > {rng.randint(1, 300)}", " HAVING MAX(obsid) > 102000"))
    text = f"SELECT {key}, COUNT(*) AS n, MIN(obsid) AS low, MAX(obsid) AS high, COUNT(teff) AS known, AVG(dec) AS d"
    return Question("groups", f"{text} FROM {{table}} GROUP BY {key}{having}")


def _missing(rng: Random, _: Places) -> Question:
    column = rng.choice(("ssa_targname", "ssa_redshift", "ssa_snr", "teff", "subclass", "ssa_dateObs"))
    condition = rng.choice((f"{column} IS NULL", f"{column} IS NOT NULL"))
    return Question("missing values", f"SELECT COUNT(*) AS n, COUNT({column}) AS m FROM {{table}} WHERE {condition}")


def _order(rng: Random, _: Places) -> Question:
    column, way = rng.choice(("subclass", "ssa_targname", "obsid", "dec")), rng.choice(("ASC", "DESC"))
    text = f"SELECT TOP {rng.randint(1, 80)} obsid, {column} FROM {{table}} ORDER BY {column} {way}, obsid"
    return Question("order", text, ordered=True)


def _offset(rng: Random, _: Places) -> Question:
    text = f"SELECT TOP 25 obsid, ra FROM {{table}} WHERE obsid > 10{rng.randint(1000, 3000)} ORDER BY obsid"
    return Question("offset", f"{text} OFFSET {rng.randint(0, 90)}", ordered=True)


def _numbers(rng: Random, _: Places) -> Question:
    expression = rng.choice(
        (
            *(
                "obsid / 7",
                "MOD(obsid, 13)",
                "-obsid + 3",
                "ROUND(dec, 2)",
                "TRUNCATE(dec, 1)",
                "FLOOR(dec)",
                "CEILING(ra)",
            ),
            *(
                "SQRT(ra)",
                "POWER(dec, 2)",
                "SIN(RADIANS(dec))",
                "ATAN2(dec, ra)",
                "DEGREES(ra)",
                "ABS(dec)",
                "obsid * 0.5",
            ),
            *("LOG10(ra + 1)", "LOG(ra + 1)", "EXP(dec / 100)", "obsid + 1e-3", "1/3600.", "COS(ra) + PI()"),
        )
    )
    return Question("numbers", f"SELECT obsid, {expression} AS v FROM {{table}} WHERE {_FEW}")


def _texts(rng: Random, _: Places) -> Question:
    word = rng.choice(("'LAMOST J1%'", "'%2_'", "'LAMOST%'", "'%a%'", "'_%'"))
    kind = rng.choice(_CLASSES)
    condition = rng.choice(
        (f"ssa_targname LIKE {word}", f"ssa_targname NOT LIKE {word}", f"subclass = '{kind}'",
         f"LOWER(subclass) = '{kind.lower()}'", f"subclass IN ('K3', '{kind}')", f"subclass NOT IN ('K3', '{kind}')",
         f"ssa_targname BETWEEN 'LAMOST J0' AND 'LAMOST J{rng.randint(1, 3)}'",
         "subclass || '_' || lrs_class = 'G2_STAR'", f"UPPER(ssa_targname) LIKE {word.upper()}")
    )  # fmt: skip
    return Question("text", f"SELECT obsid, subclass FROM {{table}} WHERE {condition} AND {_FEW}")


def _queries(rng: Random, places: Places) -> Question:
    low = rng.randint(1, 60)
    cone = f"1=CONTAINS({_POINT}, {_circle(rng, places)})"
    bright = f"ssa_snr BETWEEN {low} AND 400 AND {_FEW}"
    text = rng.choice(
        (
            f"SELECT obsid FROM {{table}} WHERE {cone} UNION SELECT obsid FROM {{table}} WHERE {bright}",
            f"SELECT obsid FROM {{table}} WHERE {bright} EXCEPT SELECT obsid FROM {{table}} WHERE {cone}",
            f"SELECT obsid FROM {{table}} WHERE {bright} INTERSECT SELECT obsid FROM {{table}} WHERE {cone}",
            f"WITH b AS (SELECT obsid, ra FROM {{table}} WHERE {bright}) SELECT obsid FROM b WHERE ra > {low}",
            f"SELECT q.obsid FROM (SELECT obsid, ra FROM {{table}} WHERE {bright}) AS q WHERE q.ra < {low * 5}",
            f"SELECT obsid FROM {{table}} WHERE obsid IN (SELECT obsid FROM {{table}} WHERE {cone})",
            "SELECT a.obsid FROM {table} AS a WHERE EXISTS"
            f" (SELECT 1 FROM {{table}} AS b WHERE b.obsid = a.obsid + {low}) AND {_FEW}",
            f"SELECT DISTINCT subclass FROM {{table}} WHERE {bright}",
            "SELECT a.obsid, b.obsid AS o FROM {table} AS a"
            f" JOIN {{table}} AS b ON a.obsid = b.obsid + {low} WHERE b.{_FEW}",
            f"SELECT COUNT(DISTINCT subclass) AS n FROM {{table}} WHERE {cone}",
        )
    )
    return Question("queries in queries", text)


def _odd(rng: Random, _: Places) -> Question:
    text = rng.choice(
        (
            "SELECT obsid, CAST(obsid AS VARCHAR) AS v FROM {table} WHERE fiberid < 12",
            "SELECT obsid, CAST(dec AS INTEGER) AS v FROM {table} WHERE fiberid < 12",
            "SELECT obsid, COALESCE(subclass, 'none') AS v FROM {table} WHERE fiberid < 12",
            "SELECT obsid, CASE WHEN dec > 20 THEN 1 ELSE 0 END AS v FROM {table} WHERE fiberid < 12",
            "SELECT obsid FROM {table} WHERE subclass ILIKE 'k%' AND fiberid < 12",
            "SELECT obsid, IN_UNIT(ssa_specstart, 'nm') AS v FROM {table} WHERE fiberid < 12",
            "SELECT obsid FROM {table} WHERE 1=ivo_interval_overlaps(ssa_specstart, ssa_specend, 4e-7, 5e-7)"
            " AND fiberid < 12",
            "SELECT obsid FROM {table} WHERE 1=ivo_nocasematch(subclass, 'k3') AND fiberid < 12",
            "SELECT obsid FROM {table} WHERE 1=ivo_hasword(ssa_dstitle, 'lamost') AND fiberid < 12",
            "SELECT obsid FROM {table} WHERE 1=CONTAINS(POINT('ICRS', ra, dec), BOX('ICRS', 150, 30, 8, 6))",
            "SELECT obsid FROM {table} WHERE 1=INTERSECTS(CIRCLE('ICRS', ra, dec, 0.5), CIRCLE('ICRS', 150, 30, 2))",
        )
    )
    return Question("what not every server has", text)


_KINDS: tuple[Callable[[Random, Places], Question], ...] = (
    _cone, _outside, _two_cones, _polygon, _distance, _nearest, _join, _counted_join, _of_upload, _groups, _missing,
    _order, _offset, _numbers, _texts, _queries, _odd, _join, _cone, _queries,
)  # fmt: skip
