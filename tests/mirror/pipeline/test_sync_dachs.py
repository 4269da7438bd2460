"""A mirror made from a real DaCHS server holds exactly what the server's database holds."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.errors import SourceError
from ssap_mirror.pipeline.known_services import lamost6_mrs
from ssap_mirror.pipeline.sync import sync
from ssap_mirror.sources.source import RequestPolicy

from tests.support import fault_proxy
from tests.support.fault_proxy import FaultProxy
from tests.support.held import database_table, mirror_rows

pytestmark = [pytest.mark.dachs, pytest.mark.xdist_group("dachs")]


def database_rows(url: str) -> pa.Table:
    """Rows behind an MRS service of the fixture, as its answers should show them."""
    parts = urlsplit(url)
    table = database_table(parts.path.split("/")[1], parts.port or 80)
    for at, field in enumerate(table.schema):
        sent = _AS_SENT.get(field.name) or (_ascii if field.metadata[b"datatype"] == b"char" else None)
        if sent is not None:
            values = [None if value is None else sent(value, url) for value in table.column(at).to_pylist()]
            table = table.set_column(at, field, pa.array(values, field.type))
    return table.sort_by("mobsid")


def _accref(value: str, url: str) -> str:
    root = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    return f"{root}/getproduct/{quote(value)}"


def _ascii(value: str, url: str) -> str:
    # DaCHS sends columns of type text as ASCII.
    return re.sub(r"[^\x00-\x7f]", "?", value)


def _nan_within(value: list[float | None], url: str) -> list[float]:
    # No VOTable serialisation has a NULL within an array of floats.
    return [float("nan") if part is None else part for part in value]


_AS_SENT: dict[str, Callable[[Any, str], Any]] = {"accref": _accref, "mag_arr": _nan_within}


def assert_same_values(mirror: pa.Table, truth: pa.Table) -> None:
    """Column by column, value by value; NULL is not NaN."""
    assert mirror.column("mobsid").to_pylist() == truth.column("mobsid").to_pylist()
    for name in truth.column_names:
        ours, theirs = (table.column(name).combine_chunks() for table in (mirror, truth))
        assert ours.type == theirs.type, name
        assert ours.is_valid().equals(theirs.is_valid()), f"{name}: NULL"
        if pa.types.is_list(ours.type) or pa.types.is_fixed_size_list(ours.type):
            assert pc.list_value_length(ours).equals(pc.list_value_length(theirs)), name
            ours, theirs = ours.drop_null().flatten(), theirs.drop_null().flatten()
            assert ours.is_valid().equals(theirs.is_valid()), f"{name}: NULL within"
        if pa.types.is_floating(ours.type):
            left, right = (array.drop_null().to_numpy() for array in (ours, theirs))
            np.testing.assert_array_equal(left, right, name)
        else:
            assert ours.drop_null().equals(theirs.drop_null()), name


@pytest.fixture(scope="module")
def url() -> str:
    return os.environ["SSAP_MIRROR_DACHS"]


@pytest.fixture(scope="module")
def truth(url: str) -> pa.Table:
    return database_rows(url)


def test_a_mirror_holds_exactly_the_rows_of_the_database(url: str, truth: pa.Table, tmp_path: Path) -> None:
    report = sync("lamost6-mrs", source=url, home=tmp_path)
    assert report.complete
    assert report.rows == len(truth)
    catalog = open_catalog(tmp_path / "lamost6-mrs")
    assert_same_values(mirror_rows(catalog), truth)
    known = lamost6_mrs()
    assert set(catalog.schema.names) == set(known.names)
    for column in catalog.schema:
        expected = known[column.name]
        assert (column.verbosity, column.unit, column.datatype) == (
            expected.verbosity,
            expected.unit,
            expected.datatype,
        ), column.name


# Many small slices, so that there is much to spoil.
SMALL = RequestPolicy(
    attempts=8, first_wait_s=0.01, longest_wait_s=0.05, read_timeout_s=5.0, slice_rows=700, survey_rows=3000
)


def synced(url: str, home: Path) -> bool:
    """Sync until it is done, as often as it fails honestly; whether the result is called complete."""
    for _ in range(6):
        try:
            report = sync("lamost6-mrs", source=url, home=home, policy=SMALL)
        except SourceError:
            continue
        if report.complete:
            return True
    return False


def test_a_row_that_time_does_not_show_is_reported_by_the_audit(url: str, truth: pa.Table, tmp_path: Path) -> None:
    dated = truth.filter(pc.and_(truth.column("ssa_dateObs").is_valid(), truth.column("ssa_location").is_valid()))
    hidden = dated.column("mobsid")[1234].as_py().encode()

    def one_row(reply: fault_proxy.Reply, rng: np.random.Generator) -> fault_proxy.Reply:
        return fault_proxy.without_rows(reply, hidden)

    with FaultProxy(url, (one_row,), rate=1.0, spares=lambda query: "TIME=" not in query).running() as proxy:
        report = sync("lamost6-mrs", source=proxy.url, home=tmp_path)
    assert proxy.counts["one_row"] >= 1
    assert report.complete
    undated = truth.column("ssa_dateObs").null_count
    assert f"found {undated + 1:,} more, which were fetched; {undated:,} rows have no date" in report.words()
    assert_same_values(mirror_rows(open_catalog(tmp_path / "lamost6-mrs")), truth)


def under_faults(url: str, truth: pa.Table, folder: Path, faults: int, rate: float) -> dict[str, int]:
    """Sync through a proxy until so many answers were spoiled; every mirror that goes live is whole."""
    counts: Counter[str] = Counter()
    complete = 0
    for seed in itertools.count(1):
        kinds = fault_proxy.PLAIN + fault_proxy.SLY
        with FaultProxy(url, kinds, rate=rate, seed=seed).running() as proxy:
            home = folder / str(seed)
            if synced(proxy.url, home):
                complete += 1
                assert_same_values(mirror_rows(open_catalog(home / "lamost6-mrs")), truth)
            elif (home / "lamost6-mrs" / "CURRENT").exists():
                # Each proof was spoiled: the rows are live, and not called complete.
                live = open_catalog(home / "lamost6-mrs")
                assert live.manifest["harvest"]["status"] == "not proven"
                assert_same_values(mirror_rows(live), truth)
        counts += proxy.counts
        if sum(counts.values()) >= faults:
            break
    assert complete >= 1
    return dict(counts)


def test_a_mirror_made_under_faults_is_whole(url: str, truth: pa.Table, tmp_path: Path) -> None:
    under_faults(url, truth, tmp_path, faults=25, rate=0.2)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_thousand_faults(url: str, truth: pa.Table, tmp_path: Path) -> None:
    counts = under_faults(url, truth, tmp_path, faults=1000, rate=0.3)
    print(counts)
    assert len(counts) == len(fault_proxy.PLAIN + fault_proxy.SLY)
