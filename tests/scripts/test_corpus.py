from __future__ import annotations

import gzip
import hashlib
import io
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from ssap_mirror.pipeline.known_services import lamost6_mrs

from scripts.corpus import answers, draw, generate, literals, record

ERROR = (
    '<VOTABLE xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">'
    '<INFO name="QUERY_STATUS" value="ERROR">Field SNR: no</INFO><INFO name="HINT" value="try"/></RESOURCE></VOTABLE>'
)


def votable(ids: list[str], status: str = "OK") -> str:
    rows = "".join(f"<TR><TD>1.5</TD><TD>{identity}</TD></TR>" for identity in ids)
    return (
        '<VOTABLE xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">'
        f'<INFO name="QUERY_STATUS" value="{status}"/><INFO name="queryPars" value="a = %(x)s">{{"x": 1}}</INFO>'
        '<TABLE><FIELD name="ra" datatype="double"/><FIELD name="mobsid" datatype="char" arraysize="*"/>'
        f"<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )


def recorded(path):
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


@pytest.fixture(scope="module")
def made(hard_rows):
    return list(generate.requests(hard_rows, 3000, 5))


class Service(ThreadingHTTPServer):
    """Answers every request with one row, until it is told to fail."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, bytes, str]] = []
        self.fail_after = 10**9
        self.busy = self.most_busy = 0
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/ssap.xml"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        service = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with service.lock:
            service.asked.append((self.command, self.path, body, self.headers.get("Content-Type", "")))
            failing = len(service.asked) > service.fail_after
            service.busy += 1
            service.most_busy = max(service.most_busy, service.busy)
        if not failing:
            answer = votable(["9R", "10B"]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-votable+xml")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        self.close_connection = failing
        with service.lock:
            service.busy -= 1

    do_POST = do_GET

    def log_message(self, *args):
        pass


@pytest.fixture
def service():
    server = Service()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_same_requests_again(hard_rows, made):
    assert list(generate.requests(hard_rows, 3000, 5)) == made
    assert (
        list(generate.requests(hard_rows, 200, 5))
        == [{**request, "params": request["params"]} if "params" in request else request for request in made[:200]]
        or len(made) == 3000
    )
    assert list(generate.requests(hard_rows, 200, 6)) != made[:200]
    assert [request["id"] for request in made[:2]] == ["q00000", "q00001"]


def test_requests_use_all_parameters_in_all_ways(made):
    pairs = [pair for request in made for pair in request.get("params", ())]
    names = Counter(name for name, _ in pairs)
    assert set(draw.SEARCH) | set(draw.OTHER) <= set(names)
    assert names["POS"] > names["TIME"] > names["FORMAT"] > names["WAVECALIB"] > 30
    assert any(name.islower() and name.upper() in draw.SEARCH for name in names)
    assert {"raw", "params"} == {key for request in made for key in request if key in ("raw", "params")}
    assert {request.get("method") for request in made} == {None, "POST"}
    assert any(request.get("multipart") for request in made)
    repeated = sum(
        max(Counter(name.upper() for name, _ in request["params"]).values(), default=0) > 1
        for request in made
        if "params" in request
    )
    assert repeated > 50
    values = {value for _, value in pairs}
    assert {"/", "nan/", "graphic", "1,", "", "any"} <= values


def test_requests_ask_for_what_the_table_has(hard_rows, made):
    own = {"TARGETCLASS": "ssa_targclass", "PUBDID": "ssa_pubDID", "TARGETNAME": "ssa_targname"}
    for name, column in own.items():
        known = set(hard_rows[column].to_pylist())
        given = [value for request in made for key, value in request.get("params", ()) if key == name]
        assert sum(value in known for value in given) > len(given) / 5, name


def test_float32_values_and_their_neighbours():
    spelt = {literals.spell_float32(Random(i), np.float32(0.1)) for i in range(300)}
    assert {"0.1", "0.10000000149011612"} <= spelt
    exact = float(np.float32(0.1))
    assert {repr(float(np.nextafter(exact, np.inf))), repr(float(np.nextafter(exact, -np.inf)))} <= spelt
    assert all(float(text) == pytest.approx(0.1, rel=1e-6) for text in spelt)
    assert literals.spell_float32(Random(1), float("nan")).lower() == "nan"


def test_answer_with_rows():
    found = answers.describe(200, "application/x-votable+xml", votable(["9R", "10B"], "OVERFLOW").encode())
    assert found == {
        "status": 200,
        "content_type": "application/x-votable+xml",
        "query_status": "OVERFLOW",
        "where": "a = %(x)s",
        "where_pars": '{"x": 1}',
        "fields": ["ra", "mobsid"],
        "overflow": True,
        "count": 2,
        "mobsid": ["10B", "9R"],
    }


def test_long_answers_keep_a_digest():
    ids = [f"{i}R" for i in range(answers.LISTED_AT_MOST + 1)]
    found = answers.describe(200, "text/xml", votable(ids).encode())
    assert found["count"] == len(ids)
    assert "mobsid" not in found
    assert found["mobsid_sha256"] == hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()


def test_answers_of_other_kinds():
    error = answers.describe(200, "text/xml", ERROR.encode())
    assert (error["query_status"], error["message"], error["hint"]) == ("ERROR", "Field SNR: no", "try")
    assert "count" not in error
    table = answers.describe(200, "text/csv;header=present", b'mobsid,x\r\n2R,"a,b"\r\n1B,\r\n')
    assert (table["fields"], table["count"], table["mobsid"]) == (["mobsid", "x"], 2, ["1B", "2R"])
    page = answers.describe(500, "text/html", b"<html>broken</html>")
    assert page == {"status": 500, "content_type": "text/html", "bytes": 19}


def test_binary_answer():
    from astropy.io.votable import from_table
    from astropy.table import Table

    table = Table({"mobsid": ["9R", "10B"], "pair": [[1.0, 2.0], [3.0, 4.0]]})
    stream = io.BytesIO()
    from_table(table).to_xml(stream, tabledata_format="binary2")
    found = answers.describe(200, "application/x-votable+xml", stream.getvalue())
    assert (found["count"], found["mobsid"]) == (2, ["10B", "9R"])


def test_requests_are_sent_as_made(service, tmp_path):
    requests = [
        {"id": "a", "params": [["REQUEST", "queryData"], ["POS", "1,2;ICRS"], ["POS", "é"]]},
        {"id": "b", "raw": "request=queryData;POS=1,2%3bX&&=5"},
        {"id": "c", "params": [["SNR", "5/"]], "method": "POST"},
        {"id": "d", "params": [["SNR", "ü"]], "method": "POST", "multipart": True},
    ]
    path = tmp_path / "answers.jsonl.gz"
    assert record.record(requests, service.url, path) == 4
    by_kind = {(method, kind.partition(";")[0]): (target, body) for method, target, body, kind in service.asked}
    targets = [target for method, target, _, _ in service.asked if method == "GET"]
    assert "/ssap.xml?request=queryData;POS=1,2%3bX&&=5" in targets
    pairs = next(parse_qsl(urlsplit(target).query) for target in targets if "%3bX" not in target)
    assert pairs == [("REQUEST", "queryData"), ("POS", "1,2;ICRS"), ("POS", "é")]
    assert by_kind["POST", "application/x-www-form-urlencoded"] == ("/ssap.xml", b"SNR=5%2F")
    assert b'name="SNR"\r\n\r\n\xc3\xbc\r\n' in by_kind["POST", "multipart/form-data"][1]
    lines = recorded(path)
    assert [line["id"] for line in lines] == ["a", "b", "c", "d"]
    assert lines[0]["params"] == requests[0]["params"]
    assert {tuple(line["mobsid"]) for line in lines} == {("10B", "9R")}


def test_recording_goes_on_after_a_failure(service, tmp_path):
    requests = [{"id": f"q{i}", "params": [["SNR", str(i)]]} for i in range(40)]
    path = tmp_path / "answers.jsonl.gz"
    service.fail_after = 15
    with pytest.raises(Exception, match=r"Remote end closed|Connection reset"):
        record.record(requests, service.url, path)
    assert not path.exists()
    part = path.with_name(path.name + ".part")
    kept = part.read_text("utf-8").splitlines()
    assert 0 < len(kept) <= 15
    part.write_bytes(part.read_bytes()[:-20])
    service.fail_after = 10**9
    assert record.record(requests, service.url, path) == 40 - len(kept) + 1
    lines = recorded(path)
    assert [line["id"] for line in lines] == [request["id"] for request in requests]
    assert not part.exists()
    assert service.most_busy <= record.CONNECTIONS


def test_recorded_bytes_do_not_depend_on_the_day(service, tmp_path):
    requests = [{"id": "q0", "params": []}]
    contents = []
    for name in ("one.gz", "two.gz"):
        record.record(requests, service.url, tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_all_columns_that_requests_look_at_are_the_services():
    assert set(generate._COLUMNS) <= set(lamost6_mrs().names)
