"""TAP over HTTP: what pyvo and plain clients get, in which format, and how they are refused."""

from __future__ import annotations

import csv
import io
import shutil
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pyarrow.parquet as pq
import pytest
import ssap_query as ssap
from astropy.io import votable
from astropy.table import Table
from ssap_query.arrow.formats import FORMATS
from ssap_query.server.application import application
from ssap_query.server.limits import ServerLimits

from tests.support.extras import optional
from tests.support.serving import serving

pyvo, requests = optional("pyvo"), optional("requests")

LIMITS = ServerLimits(upload_bytes=300_000, query_s=3)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, corpus_home: Path) -> Path:
    found = tmp_path_factory.mktemp("tap") / "home"
    for name in ("one", "two-2"):
        shutil.copytree(corpus_home / "corpus", found / name)
    return found


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    mirrors = {name: ssap.open(name, home) for name in ("one", "two-2")}
    with serving(application(mirrors, limits=LIMITS)) as found:
        yield found


@pytest.fixture(scope="module")
def service(address: str) -> Iterator[pyvo.dal.TAPService]:
    with requests.Session() as session:
        yield pyvo.dal.TAPService(f"{address}/tap", session=session)


def sync(address: str, **parameters: str) -> httpx.Response:
    return httpx.get(f"{address}/tap/sync", params={"LANG": "ADQL", **parameters}, timeout=60)


def test_pyvo(service: pyvo.dal.TAPService) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = service.run_sync("SELECT TOP 5 mobsid, ra, dec FROM spectra WHERE ra > 10", language="ADQL")
        tables = service.tables
        assert {"one.spectra", "two_2.spectra", "tap_schema.columns"} <= set(tables.keys())
        assert "mobsid" in [column.name for column in tables["one.spectra"].columns]
    assert len(found) == 5
    assert found.to_table()["ra"].unit == "deg"
    assert len(service.examples) >= 4


def test_mirrors_can_be_joined(address: str) -> None:
    query = "SELECT COUNT(*) AS n FROM one.spectra AS a JOIN two_2.spectra AS b ON a.mobsid = b.mobsid"
    both = sync(address, QUERY=query, FORMAT="csv")
    assert both.text.split() == ["n", str(len(ssap_rows(address)))]
    alone = httpx.get(f"{address}/two-2/tap/sync", params={"LANG": "ADQL", "QUERY": query})
    assert alone.status_code == 400
    own = {"LANG": "ADQL", "QUERY": "SELECT COUNT(*) AS n FROM spectra", "FORMAT": "csv"}
    assert httpx.get(f"{address}/two-2/tap/sync", params=own).text == both.text


def ssap_rows(address: str) -> list[str]:
    asked = {"LANG": "ADQL", "QUERY": "SELECT mobsid FROM one.spectra", "RESPONSEFORMAT": "csv"}
    return httpx.post(f"{address}/tap/sync", data=asked, timeout=60).text.splitlines()[1:]


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_every_format(address: str, known: object) -> None:
    for name in known.names:  # type: ignore[attr-defined]
        found = sync(address, QUERY="SELECT TOP 3 mobsid, ra FROM spectra ORDER BY mobsid", RESPONSEFORMAT=name)
        assert found.status_code == 200
        assert found.content
        if "/" in name and name != known.response_format:  # type: ignore[attr-defined]
            assert found.headers["content-type"].partition(";")[0] == name.partition(";")[0]
    if known.name in ("votable", "binary2", "fits"):  # type: ignore[attr-defined]
        kind = "fits" if known.name == "fits" else "votable"  # type: ignore[attr-defined]
        assert len(Table.read(io.BytesIO(found.content), format=kind)) == 3
    if known.name == "parquet":  # type: ignore[attr-defined]
        assert pq.read_table(io.BytesIO(found.content)).num_rows == 3


def test_overflow_is_told_behind_the_rows(address: str) -> None:
    for kind in ("votable/td", "votable/b2"):
        found = sync(address, QUERY="SELECT mobsid FROM spectra", MAXREC="7", RESPONSEFORMAT=kind)
        document = votable.parse(io.BytesIO(found.content))
        assert len(document.get_first_table().array) == 7
        text = found.text
        assert text.index('value="OK"') < text.index("<TABLE") < text.index("</TABLE>") < text.index('"OVERFLOW"')
    whole = sync(address, QUERY="SELECT TOP 7 mobsid FROM spectra", MAXREC="7")
    assert "OVERFLOW" not in whole.text
    empty = sync(address, QUERY="SELECT mobsid FROM spectra", MAXREC="0")
    assert "OVERFLOW" in empty.text


def test_large_answers_are_streamed(address: str) -> None:
    found = httpx.get(
        f"{address}/tap/sync", params={"LANG": "ADQL", "QUERY": "SELECT * FROM spectra", "FORMAT": "csv"}, timeout=120
    )
    assert "content-length" not in found.headers
    rows = list(csv.reader(io.StringIO(found.text)))
    assert len(rows) == 1 + len(ssap_rows(address))
    assert len({len(row) for row in rows}) == 1


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"LANG": "SQL", "QUERY": "SELECT 1 FROM spectra"}, "LANG"),
        ({"QUERY": ""}, "QUERY"),
        ({"QUERY": "SELECT nope FROM spectra"}, "nope"),
        ({"QUERY": "SELECT 1 FROM spectra", "MAXREC": "-1"}, "MAXREC"),
        ({"QUERY": "SELECT 1 FROM spectra", "RESPONSEFORMAT": "xls"}, "RESPONSEFORMAT"),
        ({"QUERY": "SELECT 1 FROM spectra", "REQUEST": "doIt"}, "REQUEST"),
        ({"QUERY": "SELECT 1 FROM spectra", "UPLOAD": "a"}, "UPLOAD"),
        ({"QUERY": "SELECT 1 FROM spectra", "UPLOAD": "a,param:b"}, "no file"),
        ({"QUERY": "SELECT 1 FROM spectra", "UPLOAD": "a,http://example.org/x.vot"}, "not on this machine"),
        ({"QUERY": "SELECT 1 FROM spectra", "UPLOAD": "a,file:///etc/passwd"}, "not on this machine"),
    ],
)
def test_refusals(address: str, parameters: dict[str, str], words: str) -> None:
    found = sync(address, **parameters)
    assert found.status_code == 400
    assert 'name="QUERY_STATUS" value="ERROR"' in found.text
    assert words in found.text
    votable.parse(io.BytesIO(found.content))


def test_a_query_ends_in_time(address: str) -> None:
    slow = "SELECT COUNT(*) AS n FROM spectra AS a, spectra AS b, spectra AS c WHERE a.ra + b.ra + c.ra < -1"
    found = sync(address, QUERY=slow)
    assert found.status_code == 400
    assert "longer than the 3 s" in found.text


def test_uploads(address: str, service: pyvo.dal.TAPService, tmp_path: Path) -> None:
    mine = Table({"star": ["a", "b"], "ra": [56.1, 200.0], "dec": [21.6, 10.0]})
    query = "SELECT t.star, s.mobsid FROM spectra AS s JOIN TAP_UPLOAD.t AS t ON DISTANCE(s.ra, s.dec, t.ra, t.dec) < 5"
    found = service.run_sync(query, uploads={"t": mine})
    expected = sync(address, QUERY="SELECT mobsid FROM spectra WHERE DISTANCE(ra, dec, 56.1, 21.6) < 5", FORMAT="csv")
    assert sorted(found["mobsid"][found["star"] == "a"]) == sorted(expected.text.split()[1:])
    assert len(found) > 0
    mine.write(tmp_path / "mine.vot", format="votable")
    content = (tmp_path / "mine.vot").read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        uri = f"t,http://127.0.0.1:{server.server_port}/mine.vot"
        fetched = sync(address, QUERY=query, UPLOAD=uri, FORMAT="csv")
        server.shutdown()
    assert len(fetched.text.splitlines()) == len(found) + 1
    large = httpx.post(
        f"{address}/tap/sync",
        data={"LANG": "ADQL", "QUERY": query, "UPLOAD": "t,param:x"},
        files={"x": ("x.vot", content + b" " * 300_000)},
    )
    assert (large.status_code, "larger than" in large.text) == (400, True)
    bad = httpx.post(
        f"{address}/tap/sync",
        data={"LANG": "ADQL", "QUERY": query, "UPLOAD": "t,param:x"},
        files={"x": ("x.vot", b"<VOTABLE>")},
    )
    assert bad.status_code == 400
    assert "/tmp" not in bad.text


def test_descriptions(address: str) -> None:
    for path in ("capabilities", "availability", "tables", "tables/one.spectra", "tables?detail=min", "examples"):
        assert httpx.get(f"{address}/tap/{path}").status_code == 200, path
        assert httpx.get(f"{address}/one/tap/{path}").status_code == 200, path
    assert httpx.get(f"{address}/tap/tables/nowhere").status_code == 404
    assert f'<accessURL use="base">{address}/one/tap</accessURL>' in httpx.get(f"{address}/one/tap/capabilities").text
