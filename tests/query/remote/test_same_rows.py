"""A mirror that is read where it lies gives the rows that it gives on disk."""

from __future__ import annotations

import pytest
import ssap_query as ssap
from ssap_mirror.errors import ParameterError
from ssap_query.ssap.request import DIALECTS

from tests.support.random_requests import Requests
from tests.support.same_table import same_table

SEED, SOME, MANY = 16, 12, 300

STATEMENTS = (
    "SELECT objtype, count(*) AS n, avg(ssa_snr) AS snr FROM spectra GROUP BY ALL ORDER BY ALL",
    "SELECT count(*) AS n FROM spectra",
    "SELECT mobsid, ra FROM spectra WHERE in_cone(ra, dec, 0, 0, 2) ORDER BY ALL",
    "SELECT count(*) AS n FROM spectra_raw WHERE isnan(ssa_snr)",
    "SELECT * EXCLUDE (mag_arr) FROM spectra ORDER BY mobsid LIMIT 3",
)


def same_rows(far: ssap.Mirror, near: ssap.Mirror, awkward, count: int) -> None:
    asked = some = 0
    requests = Requests(awkward.rows, SEED)
    while asked < count:
        dialect = DIALECTS[asked % len(DIALECTS)]
        pairs = [*requests.make(dialect), ("MAXREC", "100000")]
        try:
            expected = near.ssap(pairs, dialect, columns="all").to_arrow()
        except ParameterError:
            continue  # a value of one dialect that the other refuses
        asked += 1
        some += len(expected) > 0
        found = far.ssap(pairs, dialect, columns="all").to_arrow()
        assert same_table(found, expected, "mobsid"), pairs
    assert some > count / 3


@pytest.mark.parametrize("layout", ["one", "tiny"])
def test_random_requests_over_http(layout: str, host, awkward) -> None:
    far = ssap.open(f"{host.url}/{layout}", cache_bytes=0 if layout == "one" else 64 << 20)
    same_rows(far, awkward.open(layout), awkward, SOME)


def test_random_requests_over_s3(s3, awkward) -> None:
    url, options = s3
    same_rows(ssap.open(f"{url}/one", storage_options=options), awkward.open("one"), awkward, SOME)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("layout", ["one", "tiny"])
def test_many_random_requests_over_http(layout: str, host, awkward) -> None:
    same_rows(ssap.open(f"{host.url}/{layout}"), awkward.open(layout), awkward, MANY)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("layout", ["one", "tiny"])
def test_many_random_requests_over_s3(layout: str, s3, awkward) -> None:
    url, options = s3
    same_rows(ssap.open(f"{url}/{layout}", storage_options=options), awkward.open(layout), awkward, MANY)


@pytest.mark.parametrize("text", STATEMENTS)
def test_statements(text: str, host, awkward) -> None:
    far, near = ssap.open(f"{host.url}/one"), awkward.open("one")
    for _ in range(2):  # a column that is asked for again comes from memory
        assert same_table(far.sql(text).to_arrow(), near.sql(text).to_arrow())


def test_every_other_question(host, awkward) -> None:
    far, near = ssap.open(f"{host.url}/one"), awkward.open("one")
    within = "CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 30)) = 1"
    text = f"SELECT objtype, COUNT(*) AS n FROM spectra WHERE {within} GROUP BY objtype"
    for ask in (
        lambda mirror: mirror.adql(text).to_arrow().sort_by("objtype"),
        lambda mirror: mirror.search(targetname=near.search(maxrec=1, columns="all")[0].title).to_arrow(),
        lambda mirror: mirror.search(pos=[(0.0, 0.0), (45.0, 0.0)] * 40, size=3, maxrec=50_000).to_arrow(),
        lambda mirror: mirror.crossmatch(awkward.table.select(["ra", "dec"]).slice(0, 50), 1.0).to_arrow(),
        lambda mirror: mirror.columns().to_arrow(),
        lambda mirror: mirror.scan().select("mobsid").collect().sort("mobsid").to_arrow(),
    ):
        assert same_table(ask(far), ask(near))
    assert far.info()["path"] == f"{host.url}/one"
    assert {**far.info(), "path": ""} == {**near.info(), "path": ""}
