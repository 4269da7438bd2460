"""Section ``statistics``: over the whole table, a histogram, a count by type and a map of densities."""

from __future__ import annotations

from measure import Clock
from registry import Options, peer

QUESTIONS = (
    "SELECT floor(ssa_snr / 5) AS bin, count(*) FROM {} GROUP BY bin",
    "SELECT objtype, count(*) FROM {} GROUP BY objtype",
    "SELECT _healpix_29 >> 46 AS cell, count(*) FROM {} GROUP BY cell",
)
TIMES = 5


@peer("statistics", "plain DuckDB, one sorted file")
def one_file(options: Options) -> tuple[int, Clock, int]:
    """Ask one Parquet file that holds the same rows in the order of the sky."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET parquet_metadata_cache = true")
    source = "read_parquet('" + options["one_file"].replace("'", "''") + "')"
    with Clock() as clock:
        count = sum(len(connection.execute(q.format(source)).fetchall()) for q in QUESTIONS * TIMES)
    return count, clock, TIMES


@peer("statistics", "ours")
def ours(options: Options) -> tuple[int, Clock, int]:
    """Ask the mirror with `Mirror.sql`."""
    import ssap_query

    mirror = ssap_query.open(options["mirror"])
    mirror.sql("SELECT 1").to_arrow()
    with Clock() as clock:
        count = sum(int(mirror.sql(q.format("spectra")).to_arrow().num_rows) for q in QUESTIONS * TIMES)
    return count, clock, TIMES
