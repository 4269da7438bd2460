"""A small table with every hard value, and the rows that a predicate selects in it."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pytest
from ssap_query.ssap import ALL_COLUMNS, Columns
from ssap_query.ssap.predicate import DistinctValues, Predicate

ROWS = 400

#: float32 values; each is stored once as FLOAT and once, with the same digits, as DOUBLE.
NUMBERS = (None, math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 5.0, 10.0, 50.0, 54.55, 163.86, 1e-30, 3e38, 0.3)
WAVELENGTHS = (None, math.nan, math.inf, 0.0, 1e-7, 3e-7, 4.95e-7, 5.35e-7, 6.3e-7, 6.8e-7, 1e-6, 2.2e-6, 0.21)
RESOLUTIONS = (None, math.nan, math.inf, 0.0, -1e-11, 6.87e-11, 8.73e-11, 1e-9)
REDSHIFTS = (None, math.nan, math.inf, -1.0, -2.0, -0.5, 0.0, -0.0, 1e-4, 0.02, 7.0)
DATES = (None, math.nan, math.inf, 58119.0, 58119.25, 58119.999, 58120.0, 58120.5, 58150.0, 58239.4, 58484.0, 0.0, -1e5)
EXPOSURES = (None, math.nan, math.inf, 0.0, -5.0, 600.0, 43200.0, 86400.0, 1e9)
PUBLISHED = (
    None, "", "not a date", "2018-09-30T00:00:00", "2019-03-31T12:30:00", "2019-03-31 12:30:00.5", "2020-03-31",
    "9999-12-31T23:59:59", "2018-09-30T00:00:00.000001",
)  # fmt: skip
NAMES = (
    None, "", " ", "*", "?", "star", "Star", "the Star", "Running stars", "ran star", "NGC 1234", "ngc1234", "NGC1234",
    "M 31", "a/b", "a,b", "a;b", "a-b", "a.b", "a+b", "[bracket]", "a]b", "back\\slash", "O'Neill", "50% off", "%2C",
    "under_score", "Äquator 7", "äquator 7", "STRASSE", "straße", "İstanbul", "istanbul", "⭐ star", "two\nlines",
    "tab\there", "  padded  ", "LAMOST J000420.41+343551.4", "LAMOST J000420.41-343551.4", "ΑΣ", "ας", "x" * 300, "-1",
)  # fmt: skip
WORDS = (
    None, "", " ", "star", "Star", "STAR ", "QSO", "QSO, cand", "galaxy", "any", "a/b", "Ä", "ä", "ABSOLUTE",
    "Absolute", "relative", "Normalized", "LAMOST6 MRS", "lamost6 mrs", "LAMOST6/MRS,test", "Optical", "R", "B", "5e-7",
)  # fmt: skip
MIMES = (
    None, "", "application/fits", "Application/FITS", "image/fits", "image/jpeg", "image/png", "text/csv", "text/plain",
    "text/xml", "application/xml", "application/x-votable+xml", "application/x-votable+xml;serialization=binary2",
    "text/xml;content=x-votable", "text/xml;charset=utf-8", "any", "metadata",
)  # fmt: skip
DIDS = (None, "", "ivo://a/~?x", "ivo://a/~?X", "ivo://a/~?x,y", "any", "ivo://ü")
LOCATIONS = (
    None, [0.0, 20.0], [359.9999999, 20.0], [1e-7, 20.0], [0.0, 90.0], [200.0, 89.99], [180.0, -9.5], [10.0, -90.0],
    [0.0, 21.0], [1.0, 20.0], [180.0, -20.0], [359.5, 20.5], [math.nan, 20.0], [90.0, 0.0], [270.0, 0.0], [0.0, 0.0],
)  # fmt: skip

POOLS: dict[str, tuple[Any, ...]] = {
    "location": LOCATIONS,
    "t_mid": DATES,
    "t_exptime": EXPOSURES,
    "em_min": WAVELENGTHS,
    "em_max": WAVELENGTHS,
    "em_res": RESOLUTIONS,
    "s_resolution": NUMBERS,
    "t_resolution": NUMBERS,
    "aperture": NUMBERS,
    "snr": NUMBERS,
    "redshift": REDSHIFTS,
    "var_ampl": NUMBERS,
    "target_name": NAMES,
    "target_class": WORDS,
    "bandpass": WORDS,
    "obs_publisher_did": DIDS,
    "obs_creator_did": DIDS,
    "obs_collection": WORDS,
    "access_format": MIMES,
    "flux_calib": WORDS,
    "wave_calib": WORDS,
    "date_published": PUBLISHED,
}
_TYPES = {role: "VARCHAR" if isinstance(pool[-1], str) else "FLOAT" for role, pool in POOLS.items()}
_TYPES |= {"location": "DOUBLE[]", "t_mid": "DOUBLE"}
SINGLE = frozenset(role for role, kind in _TYPES.items() if kind == "FLOAT")


@dataclass(frozen=True)
class Table:
    """Rows in DuckDB and the same as the oracles see them."""

    connection: duckdb.DuckDBPyConnection
    name: str
    rows: tuple[dict[str, Any], ...]
    columns: Columns

    def select(self, predicate: Predicate | None) -> list[int]:
        """Numbers of the rows that a predicate selects."""
        if predicate is None:
            return list(range(len(self.rows)))
        sql = re.sub(r"\{(\w+)\}", r'"\1"', predicate.sql)
        assert "{" not in sql
        values = [self._bound(value) for value in predicate.values]
        found = self.connection.execute(f"SELECT n FROM {self.name} WHERE {sql} ORDER BY n", values).fetchall()
        return [n for (n,) in found]

    def _bound(self, value: object) -> object:
        if isinstance(value, DistinctValues):
            return value.select(sorted({row[value.role] for row in self.rows if row[value.role] is not None}))
        return list(value) if isinstance(value, tuple) else value


def _make(name: str, single: frozenset[str]) -> Table:
    draw = random.Random(7)
    connection = duckdb.connect()
    types = {role: kind if role in single or kind != "FLOAT" else "DOUBLE" for role, kind in _TYPES.items()}
    columns = ", ".join(f'"{role}" {kind}' for role, kind in types.items())
    connection.execute(f"CREATE TABLE {name} (n INTEGER, {columns})")
    cycles = {role: itertools.cycle(draw.sample(pool, len(pool))) for role, pool in POOLS.items()}
    rows = []
    for n in range(ROWS):
        # Each value of a pool comes up, and what it comes up with varies.
        rows.append([n, *(next(c) if n < 64 else draw.choice(POOLS[role]) for role, c in cycles.items())])
    connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * (len(types) + 1))})", rows)
    stored = connection.execute(f"SELECT * EXCLUDE (n) FROM {name} ORDER BY n").fetchall()
    return Table(
        connection,
        name,
        tuple(dict(zip(types, row, strict=True)) for row in stored),
        Columns(ALL_COLUMNS.present, single),
    )


@pytest.fixture(scope="session")
def tables() -> Iterator[dict[str, Table]]:
    """The same rows with single-precision columns, as the service has them, and with double ones."""
    made = {"single": _make("single_rows", SINGLE), "double": _make("double_rows", frozenset())}
    yield made
    for table in made.values():
        table.connection.close()


@pytest.fixture(scope="session")
def published_as_timestamps(tables: dict[str, Table]) -> Table:
    """Rows whose date of publication is a TIMESTAMP."""
    base = tables["single"]
    base.connection.execute(
        "CREATE OR REPLACE TABLE stamped AS"
        " SELECT * REPLACE (try_cast(date_published AS TIMESTAMP) AS date_published) FROM single_rows"
    )
    stored = base.connection.execute("SELECT n, date_published FROM stamped ORDER BY n").fetchall()
    rows = tuple({**row, "date_published": when} for row, (_, when) in zip(base.rows, stored, strict=True))
    assert any(isinstance(row["date_published"], datetime) for row in rows)
    return Table(base.connection, "stamped", rows, base.columns)
