"""The macros that decode LAMOST's codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from ssap_query.sql.lamost_macros import DECODING_MACROS, FIBER_PROBLEMS, RV_FLAGS


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    made = duckdb.connect()
    for macro in DECODING_MACROS:
        made.execute(macro.create)
    yield made
    made.close()


def one(connection: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> Any:
    found = connection.execute(sql, list(values)).fetchone()
    assert found is not None
    return found[0]


@pytest.mark.parametrize("bit", range(9))
def test_each_bit_has_its_meaning(bit: int, connection: duckdb.DuckDBPyConnection) -> None:
    assert one(connection, "SELECT fiber_problems(?::INTEGER)", 1 << bit) == [FIBER_PROBLEMS[bit]]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (None, None),
        (-9999, None),
        (0, []),
        (64, ["Whopping fiber"]),  # seen in real rows
        (0b100000101, [FIBER_PROBLEMS[0], FIBER_PROBLEMS[2], FIBER_PROBLEMS[8]]),
        (1 << 9 | 1, [FIBER_PROBLEMS[0], "bit 9 (no meaning given)"]),
    ],
)
@pytest.mark.parametrize("kind", ["INTEGER", "SMALLINT", "BIGINT"])
def test_masks(mask: int | None, expected: list[str] | None, kind: str, connection: duckdb.DuckDBPyConnection) -> None:
    assert one(connection, f"SELECT fiber_problems(?::{kind})", mask) == expected


@pytest.mark.parametrize(
    ("flag", "expected"),
    [*enumerate(RV_FLAGS), (None, None), (-9999, None), (7, "flag 7 (no meaning given)")],
)
def test_flags(flag: int | None, expected: str | None, connection: duckdb.DuckDBPyConnection) -> None:
    assert one(connection, "SELECT rv_flag_words(?::SMALLINT)", flag) == expected


@pytest.mark.parametrize(
    ("magtype", "bands"),
    [
        ("gaia_g_bp_rp", ["g", "bp", "rp"]),
        ("gbprp", ["g", "bp", "rp"]),
        ("Kp", ["kp"]),
        ("KP", ["kp"]),
        ("g", ["g"]),
        ("ugrizjh", list("ugrizjh")),
        ("BVgri", list("bvgri")),
        ("JHK", list("jhk")),
        ("", []),
        (None, None),
    ],
)
def test_bands(magtype: str | None, bands: list[str] | None, connection: duckdb.DuckDBPyConnection) -> None:
    assert one(connection, "SELECT magnitude_bands(?::VARCHAR)", magtype) == bands


@pytest.mark.parametrize("kind", ["FLOAT[7]", "FLOAT[]"])
@pytest.mark.parametrize(
    ("magnitudes", "magtype", "band", "expected"),
    [
        ([11.5, 12.25, 10.75, 99, 99, 99, 99], "gaia_g_bp_rp", "BP", 12.25),
        ([11.5, 12.25, 10.75, 99, 99, 99, 99], "gaia_g_bp_rp", "rp", 10.75),
        ([11.5, 12.25, 10.75, 99, 99, 99, 99], "gaia_g_bp_rp", "u", None),
        ([11.5, 99, None, float("nan"), -9999, 0, 0], "ugriz", "u", 11.5),
        ([11.5, 99, None, float("nan"), -9999, 0, 0], "ugriz", "g", None),
        ([11.5, 99, None, float("nan"), -9999, 0, 0], "ugriz", "r", None),
        ([11.5, 99, None, float("nan"), -9999, 0, 0], "ugriz", "i", None),
        ([11.5, 99, None, float("nan"), -9999, 0, 0], "ugriz", "z", None),
        ([11.5] * 7, "ugrizjhk", "k", None),  # more names than magnitudes
        ([11.5] * 7, None, "g", None),
        (None, "ugriz", "g", None),
    ],
)
def test_magnitudes(
    magnitudes: list[float | None] | None,
    magtype: str | None,
    band: str,
    expected: float | None,
    kind: str,
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = one(connection, f"SELECT magnitude(?::{kind}, ?::VARCHAR, ?)", magnitudes, magtype, band)
    assert found == expected


def test_macros_are_described() -> None:
    for macro in DECODING_MACROS:
        assert macro.signature.startswith(macro.name + "(")
        assert macro.description.endswith(".")
