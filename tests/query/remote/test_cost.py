"""What it costs a host to answer from it: few requests, and few bytes."""

from __future__ import annotations

import ssap_query as ssap
from ssap_query.mirror.shipped import sample_path

from tests.support.range_host import range_host
from tests.support.same_table import same_table

MOST_REQUESTS, MOST_BYTES = 8, 2_000_000
POS, SIZE = (292.06, 43.93), 20 / 60


def test_a_cone_from_cold_takes_few_requests_and_bytes() -> None:
    expected = ssap.open(sample_path()).search(pos=POS, size=SIZE).to_arrow()
    assert len(expected)
    with range_host(sample_path()) as host:
        far = ssap.open(host.url)
        assert same_table(far.search(pos=POS, size=SIZE).to_arrow(), expected)
        assert len(host.requests) <= MOST_REQUESTS
        assert host.sent <= MOST_BYTES
        touched = {path for path, _ in host.requests if path.endswith(".parquet")}
        assert len(touched) == 2, "the partition of the cone, and the unplaced rows"

        host.forget()
        assert same_table(far.search(pos=POS, size=SIZE).to_arrow(), expected)
        assert host.requests == [], "what was fetched is kept"

        again = ssap.open(host.url)
        assert same_table(again.search(pos=POS, size=SIZE).to_arrow(), expected)
        assert [path.rpartition("/")[2] for path, _ in host.requests] == ["CURRENT", "manifest.json.sha256"]


def test_a_column_is_fetched_alone() -> None:
    with range_host(sample_path()) as host:
        far = ssap.open(host.url)
        host.forget()
        assert len(far.sql("SELECT avg(ssa_snr) AS snr FROM spectra").to_arrow()) == 1
        largest = max(far.catalog.partitions, key=lambda part: part.rows)
        name = f"Npix={largest.npix}.parquet"
        assert next(wanted for path, wanted in host.requests if path.endswith(name)) is not None
        assert host.sent < sum(path.stat().st_size for path in sample_path().rglob("Npix*.parquet"))
