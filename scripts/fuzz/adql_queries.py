"""Queries in ADQL made from a seed: sound ones by the grammar, and what becomes of these when they are torn up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from ssap_query.adql.language.functions import FUNCTIONS

from scripts.fuzz.vocabulary import SQL

__all__ = ["UPLOAD_COLUMNS", "Queries"]

#: Columns of the table that comes with each query, ``TAP_UPLOAD.mine``.
UPLOAD_COLUMNS = ("star", "ra", "dec", "mag")

_TEXT_COLUMNS = frozenset(
    {"mobsid", "objtype", "star", "obs_id", "s_region", "table_name", "column_name", "unit", "ssa_location"}
)
_TEXT_FUNCTIONS = frozenset({"LOWER", "UPPER", "IVO_HASWORD", "IVO_HASHLIST_HAS", "IVO_NOCASEMATCH", "IVO_STRING_AGG"})
_SHAPE_FUNCTIONS = frozenset({"AREA", "CENTROID", "COORD1", "COORD2", "COORDSYS"})
_AGGREGATES = ("COUNT", "MIN", "MAX", "SUM", "AVG")
_TABLES = {
    "spectra": ("obsid", "ra", "dec", "ssa_snr", "ssa_specstart", "ssa_length", "mobsid", "objtype", "ssa_location"),
    "TAP_UPLOAD.mine": UPLOAD_COLUMNS,
    "ivoa.obscore": ("s_ra", "s_dec", "t_min", "em_min", "obs_id", "s_region", "access_estsize"),
    "TAP_SCHEMA.columns": ("table_name", "column_name", '"size"', "principal", "unit"),
}
_PLACES = {"spectra": ("ra", "dec"), "TAP_UPLOAD.mine": ("ra", "dec"), "ivoa.obscore": ("s_ra", "s_dec")}
_LITERALS = ("0", "1", "2", "7", "-1", "0.5", "1e-3", ".5", "3.", "0xff", "1/3600.", "359.9", "90", "1e308", "NULL")
_NUMBER_TYPES = ("INTEGER", "BIGINT", "SMALLINT", "REAL", "DOUBLE", "DOUBLE PRECISION")
_TEXTS = ("", "star", "it''s", "%a_", "100%", "-- no comment", "/* none */", "é", "\\", "$1", "?", ":text0")
_COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")
_OPERATORS = ("+", "-", "*", "/", "+", "-", "&", "^")
_NUMBER_FUNCTIONS = sorted(
    {
        "ABS",
        "CEILING",
        "FLOOR",
        "SIN",
        "ATAN2",
        "SQRT",
        "LOG10",
        "EXP",
        "POWER",
        "ROUND",
        "TRUNCATE",
        "COALESCE",
        "MOD",
        "PI",
        "IVO_HEALPIX_INDEX",
        "IVO_INTERVAL_OVERLAPS",
        "SIGN",
        "DEGREES",
        "ACOS",
        "RAND",
    }
)
_HOSTILE = (
    *SQL, "LIMIT 5", "INTO x", "OVER ()", "::TEXT", "PRAGMA database_list", "read_text('/etc/passwd')", "[1]",
    "{'a': 1}",
    "getenv('HOME')", "FOR UPDATE", "QUALIFY 1", "USING SAMPLE 5", "TABLESAMPLE 5", "PIVOT", "*", "SELECT", "FROM", "(",
    ")", ",", "FETCH FIRST 1 ROW ONLY", "LATERAL", "RECURSIVE", "FROM 'x.parquet'", "COLUMNS('.*')", "x -> y",
    "INTERVAL", "CAST(1 AS BLOB)", "\0", "AT TIME ZONE 'UTC'", "GROUP BY ALL", "NULLS FIRST", "EXCLUDE (ra)",
    "ARRAY[1]", "lambda x: x", "AS y", "ANY", "DESC",
)  # fmt: skip


class Queries:
    """Queries, each with a word of its own planted in its texts.

    Parameters
    ----------
    seed : int
        The same seed gives the same queries.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def make(self, number: int) -> tuple[str, str]:
        """Make one query.

        Returns
        -------
        text : str
            ADQL, or what was ADQL once.
        marker : str
            A word that may stand in its texts, and nowhere else.
        """
        rng = Random(f"adql/{self.seed}/{number}")
        marker = f"zq{self.seed}x{number}qz"
        text = _Grammar(rng, marker).query(depth=0)
        if rng.random() < 0.5:
            for _ in range(rng.randint(1, 3)):
                text = _torn(rng, text)
        return text, marker


class _Grammar:
    """One query, by the grammar of ADQL 2.1."""

    def __init__(self, rng: Random, marker: str) -> None:
        self._rng, self._marker = rng, marker
        # Columns that are there at this place, as they are written; and the places that can be made of them.
        self._columns: list[str] = []
        self._places: list[tuple[str, str]] = []

    def query(self, depth: int) -> str:
        """SELECT, or several put together."""
        rng = self._rng
        if depth < 2 and rng.random() < 0.1:
            word = rng.choice(("UNION", "UNION ALL", "EXCEPT", "INTERSECT"))
            one, other = self._of_one_column(depth + 1), self._of_one_column(depth + 1)
            return f"{one} {word} {other}{rng.choice(('', ' ORDER BY 1', ' OFFSET 1'))}"
        if depth == 0 and rng.random() < 0.1:
            return f"WITH w AS ({self.query(1)}) SELECT {rng.choice(('*', 'COUNT(*)'))} FROM w"
        return self._select(depth)

    def _of_one_column(self, depth: int) -> str:
        columns, places = self._columns, self._places
        source = self._from(depth)
        found = f"SELECT {self._scalar(depth)} AS x FROM {source}{self._where(depth)}"
        self._columns, self._places = columns, places
        return found

    def _select(self, depth: int) -> str:
        rng = self._rng
        columns, places = self._columns, self._places
        source = self._from(depth)
        grouped = rng.random() < 0.25
        if grouped:
            keys = [rng.choice(self._columns) for _ in range(rng.randint(0, 2))]
            items = [*keys, *(self._aggregate(depth) for _ in range(rng.randint(1, 2)))]
            tail = f" GROUP BY {', '.join(keys)}" if keys else ""
            if rng.random() < 0.6:
                tail += f" HAVING {self._having(depth, keys)}"
        else:
            items, tail = [self._item(depth) for _ in range(rng.randint(1, 4))], ""
        chosen = rng.choice(("", "", "ALL ", "DISTINCT ")) + rng.choice(("", "TOP 5 ", "TOP 0 "))
        where = self._where(depth)
        if rng.random() < 0.3:
            key = rng.choice((str(rng.randint(1, len(items))), rng.choice(self._columns), self._scalar(depth)))
            tail += f" ORDER BY {key}{rng.choice(('', ' ASC', ' DESC'))}"
        if rng.random() < 0.1:
            tail += f" OFFSET {rng.randint(0, 3)}"
        self._columns, self._places = columns, places
        return f"SELECT {chosen}{', '.join(items)} FROM {source}{where}{tail}"

    def _from(self, depth: int) -> str:
        """Tables, and what the rest may name of them."""
        rng = self._rng
        self._columns, self._places = list(self._columns), list(self._places)
        first = self._table(depth)
        if rng.random() < 0.6:
            return first
        place = self._places[-1] if self._places else None
        kind = rng.choice(
            (", ", " JOIN ", " LEFT JOIN ", " RIGHT OUTER JOIN ", " FULL JOIN ", " NATURAL JOIN ", " USING ")
        )
        if kind == " USING ":
            return f"{first} {rng.choice(('', 'LEFT ', 'FULL '))}JOIN {self._table(depth)} USING (ra)"
        second = self._table(depth)
        if kind in (", ", " NATURAL JOIN "):
            return f"{first}{kind}{second}"
        if place is not None and self._places[-1] != place and rng.random() < 0.7:
            (ra, dec), (x, y) = place, self._places[-1]
            radius = rng.choice(("0.5", "1/3600.", "2", "0", f"{self._number(2)}"))
            near = (
                f"1 = CONTAINS(POINT('ICRS', {ra}, {dec}), CIRCLE('ICRS', {x}, {y}, {radius}))",
                f"DISTANCE({ra}, {dec}, {x}, {y}) < {radius}",
            )
            return f"{first}{kind}{second} ON {rng.choice(near)}"
        return f"{first}{kind}{second} ON {self._condition(depth + 1)}"

    def _table(self, depth: int) -> str:
        rng = self._rng
        alias = f"t{len(self._columns)}"
        if depth < 2 and rng.random() < 0.1:
            inner = _Grammar(rng, self._marker)._of_one_column(depth + 1)
            self._columns.append(f"{alias}.x")
            return f"({inner}) AS {alias}"
        table = rng.choices(list(_TABLES), weights=(6, 3, 2, 1))[0]
        self._columns += [f"{alias}.{name}" for name in _TABLES[table]]
        if table in _PLACES:
            ra, dec = _PLACES[table]
            self._places.append((f"{alias}.{ra}", f"{alias}.{dec}"))
        return f"{table} AS {alias}"

    def _where(self, depth: int) -> str:
        return f" WHERE {self._condition(depth)}" if self._rng.random() < 0.7 else ""

    def _item(self, depth: int) -> str:
        rng = self._rng
        kind = rng.random()
        if kind < 0.1:
            return "*"
        if kind < 0.4:
            return rng.choice(self._columns)
        name = rng.choice(("", f" AS c{rng.randint(0, 3)}", ' AS "Two words"'))
        return f"{self._scalar(depth)}{name}"

    def _aggregate(self, depth: int) -> str:
        name = self._rng.choice(_AGGREGATES)
        inner = self._rng.choice(("*" if name == "COUNT" else self._number(depth), f"DISTINCT {self._number(depth)}"))
        return f"{name}({inner})"

    def _having(self, depth: int, keys: Sequence[str]) -> str:
        rng = self._rng
        one = rng.choice((self._aggregate(depth), *keys))
        found = f"{one} {rng.choice(_COMPARISONS)} {rng.choice((self._number(depth + 2), self._aggregate(depth)))}"
        return rng.choice((found, f"NOT {found}", f"{found} {rng.choice(('AND', 'OR'))} {self._condition(depth + 1)}"))

    def _condition(self, depth: int) -> str:
        rng = self._rng
        if depth < 3 and rng.random() < 0.3:
            one, other = self._condition(depth + 1), self._condition(depth + 1)
            return rng.choice((f"{one} AND {other}", f"({one} OR {other})", f"NOT ({one})", f"NOT {one} AND {other}"))
        kind = rng.random()
        negated = rng.choice(("", "NOT "))
        value = rng.choice((self._number, self._number, self._string)) if rng.random() < 0.95 else self._scalar
        if kind < 0.4:
            return f"{value(depth)} {rng.choice(_COMPARISONS)} {value(depth)}"
        if kind < 0.65:
            return self._place_condition(depth)
        if kind < 0.72:
            return f"{value(depth)} {negated}BETWEEN {value(3)} AND {value(3)}"
        if kind < 0.79:
            return f"{value(depth)} {negated}IN ({value(3)}, {value(3)})"
        if kind < 0.85:
            return f"{self._string(depth)} {negated}{rng.choice(('LIKE', 'ILIKE'))} {self._text()}"
        if kind < 0.92 or depth > 1:
            return f"{self._scalar(depth)} IS {negated}NULL"
        inner = self._of_one_column(depth + 1)
        return rng.choice((f"{negated}EXISTS ({inner})", f"{self._scalar(3)} {negated}IN ({inner})"))

    def _place_condition(self, depth: int) -> str:
        rng = self._rng
        test = rng.choice((f"CONTAINS({self._shape(depth)}, {self._shape(depth)})",
                           f"INTERSECTS({self._shape(depth)}, {self._shape(depth)})"))  # fmt: skip
        distance = f"DISTANCE({self._point(depth)}, {self._point(depth)})"
        return rng.choice((f"1 = {test}", f"{test} = 1", f"0 = {test}", f"{distance} < 1", f"{distance} >= 0.1"))

    def _shape(self, depth: int) -> str:
        rng, frame = self._rng, self._rng.choice(("", "", "'ICRS', "))
        lon, lat = str(rng.randint(0, 360)), str(rng.randint(-90, 90))
        return rng.choice(
            (
                self._point(depth),
                self._point(depth),
                f"CIRCLE({frame}{lon}, {lat}, {rng.choice(('1', '30', '0', self._number(3)))})",
                f"CIRCLE({self._point(depth)}, 2)",
                f"BOX({frame}{lon}, {rng.randint(-60, 60)}, 10, 5)",
                f"POLYGON({frame}10, 10, 40, 10, 30, {rng.randint(20, 60)})",
                f"REGION('CIRCLE ICRS {lon} {lat} 3')",
                rng.choice(self._columns),
            )
        )

    def _point(self, depth: int) -> str:
        rng, frame = self._rng, self._rng.choice(("", "'ICRS', ", "'', "))
        ra, dec = rng.choice([*self._places, ("12.5", "-3e0"), (self._number(3), self._number(3))])
        return f"POINT({frame}{ra}, {dec})"

    def _scalar(self, depth: int) -> str:
        """Anything: a number, a text, or now and then what fits nowhere."""
        rng = self._rng
        kind = rng.random()
        if kind < 0.05 and depth < 2:
            return self._call(depth, rng.choice(list(FUNCTIONS)))
        return self._string(depth) if kind < 0.3 else self._number(depth)

    def _number(self, depth: int) -> str:
        rng = self._rng
        if depth > 1 or rng.random() < 0.5:
            numbers = [name for name in self._columns if name.rpartition(".")[2] not in _TEXT_COLUMNS]
            return rng.choice((rng.choice(numbers or ["3"]), rng.choice(_LITERALS)))
        kind = rng.random()
        if kind < 0.3:
            return f"{self._number(depth + 1)} {rng.choice(_OPERATORS)} {self._number(depth + 1)}"
        if kind < 0.4:
            return f"CASE WHEN {self._condition(depth + 2)} THEN {self._number(2)} ELSE {self._number(2)} END"
        if kind < 0.5:
            return f"CAST({self._number(depth + 1)} AS {rng.choice(_NUMBER_TYPES)})"
        if kind < 0.55:
            return f"(SELECT {self._aggregate(2)} FROM spectra AS i WHERE i.ra < {self._number(2)})"
        if kind < 0.65:
            return f"DISTANCE({self._point(depth)}, {self._point(depth)})"
        if kind < 0.75:
            return f"{rng.choice(sorted(_SHAPE_FUNCTIONS))}({self._shape(depth)})"
        return self._call(depth, rng.choice(_NUMBER_FUNCTIONS))

    def _string(self, depth: int) -> str:
        rng = self._rng
        if depth > 1 or rng.random() < 0.6:
            texts = [name for name in self._columns if name.rpartition(".")[2] in _TEXT_COLUMNS - {"ssa_location"}]
            return rng.choice((rng.choice(texts), self._text())) if texts else self._text()
        return rng.choice(
            (
                f"{rng.choice(('LOWER', 'UPPER'))}({self._string(depth + 1)})",
                f"{self._string(depth + 1)} || {self._string(depth + 1)}",
                f"CAST({self._scalar(depth + 1)} AS {rng.choice(('CHAR(3)', 'VARCHAR(5)', 'VARCHAR'))})",
                f"COALESCE({self._string(depth + 1)}, {self._text()})",
            )
        )

    def _call(self, depth: int, name: str) -> str:
        function = FUNCTIONS[name]
        count = self._rng.randint(function.least, max(function.least, min(function.most, 6)))
        value = self._string if name in _TEXT_FUNCTIONS else self._number
        arguments = [value(depth + 1) for _ in range(count + (self._rng.random() < 0.02))]
        return f"{function.name}({', '.join(arguments)})"

    def _text(self) -> str:
        return f"'{self._rng.choice((*_TEXTS, self._marker, self._marker))}'"


def _torn(rng: Random, text: str) -> str:
    """Change a query in one place, by words."""
    words = re.findall(r"'(?:[^']|'')*'|\w+|\s+|.", text, re.DOTALL) or [""]
    at = rng.randrange(len(words))
    kind = rng.random()
    if kind < 0.35:
        words[at] = rng.choice(_HOSTILE)
    elif kind < 0.55:
        words.insert(at, f" {rng.choice(_HOSTILE)} ")
    elif kind < 0.75:
        del words[at : at + rng.randint(1, 4)]
    elif kind < 0.9:
        other = rng.randrange(len(words))
        words[at], words[other] = words[other], words[at]
    else:
        words[at:at] = words[rng.randrange(len(words)) :][:8]
    return "".join(words)
