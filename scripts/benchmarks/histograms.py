"""Section ``statistics``: over the whole table, a histogram, a count by type and a map of densities."""

from __future__ import annotations

from collections.abc import Callable

from scripts.benchmarks.measure import Clock
from scripts.benchmarks.registry import Options, peer

# NaN is NULL in a mirror's `spectra` and a bin of its own in the file: neither is asked for.
QUESTIONS = (
    "SELECT floor(ssa_snr / 5) AS bin, count(*) FROM {} WHERE isfinite(ssa_snr) GROUP BY bin",
    "SELECT objtype, count(*) FROM {} GROUP BY objtype",
    "SELECT _healpix_29 >> 46 AS cell, count(*) FROM {} GROUP BY cell",
)
#: Times that all is asked before the clock starts, in a live process; and while it runs.
WARM_UP, TIMES = 2, 5


def ask(answer: Callable[[str], int], warm_up: int, times: int) -> tuple[int, Clock, int]:
    """Time the answers to all questions together; the rows are those of one time."""
    for question in QUESTIONS * warm_up:
        answer(question)
    with Clock() as clock:
        count = sum(answer(question) for question in QUESTIONS * times)
    return count // times, clock, times


def of_one_file(options: Options) -> Callable[[str], int]:
    """Ask one Parquet file that holds the same rows in the order of the sky."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET parquet_metadata_cache = true")
    source = "read_parquet('" + options["one_file"].replace("'", "''") + "')"
    return lambda question: len(connection.execute(question.format(source)).fetchall())


def of_mirror(options: Options) -> Callable[[str], int]:
    """Ask the mirror with `Mirror.sql`."""
    import ssap_query

    mirror = ssap_query.open(options["mirror"])
    mirror.sql("SELECT 1").to_arrow()
    return lambda question: int(mirror.sql(question.format("spectra")).to_arrow().num_rows)


@peer("statistics", "plain DuckDB, one sorted file")
def one_file(options: Options) -> tuple[int, Clock, int]:
    """Ask the file in a live process."""
    return ask(of_one_file(options), WARM_UP, TIMES)


@peer("statistics", "ours")
def ours(options: Options) -> tuple[int, Clock, int]:
    """Ask the mirror in a live process."""
    return ask(of_mirror(options), WARM_UP, TIMES)


@peer("statistics", "plain DuckDB, the first time")
def one_file_at_first(options: Options) -> tuple[int, Clock, int]:
    """Ask the file once."""
    return ask(of_one_file(options), 0, 1)


@peer("statistics", "ours, the first time")
def ours_at_first(options: Options) -> tuple[int, Clock, int]:
    """Ask the mirror once."""
    return ask(of_mirror(options), 0, 1)
