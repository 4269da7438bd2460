"""What goes wrong in the middle of a statement's rows is an error of DuckDB's, wherever it is noticed."""

from __future__ import annotations

import threading

import duckdb
import pytest
from ssap_query.engine.duckdb_session import streamed

_LATE = "SELECT CAST(CASE WHEN i = 900000 THEN 'x' ELSE '1' END AS INTEGER) AS n FROM range(1000000) t(i)"


def test_a_value_that_cannot_be_converted() -> None:
    connection = duckdb.connect()
    batches = streamed(connection.sql(_LATE).to_arrow_reader(1000))
    assert next(batches).num_rows
    with pytest.raises(duckdb.Error, match="Could not convert string 'x'"):
        list(batches)


def test_an_interrupt() -> None:
    connection = duckdb.connect()
    batches = streamed(connection.sql("SELECT a.range FROM range(3000000000) a").to_arrow_reader(1000))
    next(batches)
    threading.Timer(0.2, connection.interrupt).start()
    with pytest.raises(duckdb.InterruptException):
        for _ in batches:
            pass
