"""Clients that leave, are slow, ask again, or say they are somebody else; and a server that ends."""

from __future__ import annotations

import csv
import gzip
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
import ssap_mirror
import ssap_query as ssap
from ssap_mirror.errors import ParameterError
from ssap_query.cli.commands.doors.serve import serve
from ssap_query.engine.plan import EngineLimits
from ssap_query.engine.rows import MemoryLimit
from ssap_query.server.application import application
from ssap_query.server.limits import ServerLimits

from tests.support.serving import serving

WHOLE = {"REQUEST": "queryData", "VERB": "3"}
CONE = {"REQUEST": "queryData", "POS": "56.1,21.6", "SIZE": "2", "VERB": "1"}
#: Everything but the smallest answers is large, and read from the files while it is sent.
TIGHT = ServerLimits(
    large_answers=2,
    wait_s=1,
    stall_s=1,
    small_bytes=10_000,
    page_rows=1000,
    engine=EngineLimits(result=MemoryLimit(100, 10_000)),
)


@pytest.fixture(scope="module")
def address(corpus_home: Path) -> Iterator[str]:
    mirror = ssap.open("corpus", corpus_home, limits=TIGHT.engine)
    with serving(application({"corpus": mirror}, limits=TIGHT)) as found:
        yield found


def ask(address: str, parameters: dict[str, str], window: int = 4096) -> socket.socket:
    """Send a request, and read as much of its answer as a connection's window [byte] has room for."""
    host, port = address.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    query = str(httpx.QueryParams(parameters))
    connection.sendall(f"GET /corpus/ssap?{query} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    return connection


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(sys.platform != "linux", reason="counts files in /proc")
@pytest.mark.parametrize("format_", ["votable", "csv", "fits", "ecsv", "parquet", "json"])
def test_a_client_that_leaves_takes_nothing_along(format_: str, address: str) -> None:
    asked = {**WHOLE, "RESPONSEFORMAT": format_}
    for _ in range(3):
        ask(address, asked).close()
    # More than there are turns: one that was not given back would leave none.
    httpx.get(f"{address}/corpus/ssap", params={**CONE}).raise_for_status()
    before = open_files()
    for _ in range(12):
        ask(address, asked).close()
    until = time.monotonic() + 20
    while open_files() > before + 2 and time.monotonic() < until:
        time.sleep(0.1)
    assert open_files() <= before + 2


def test_small_answers_do_not_wait_for_slow_readers(address: str) -> None:
    slow = [ask(address, WHOLE) for _ in range(TIGHT.large_answers)]
    try:
        answer = httpx.get(f"{address}/corpus/ssap", params={**CONE, "SIZE": "0.1"}, timeout=20)
        assert answer.status_code == 200
        busy = httpx.get(f"{address}/corpus/ssap", params={**WHOLE, "MAXREC": "20000"}, timeout=20)
        # The turn of a reader that takes nothing ends, so the large answer may have had one.
        assert busy.status_code in (200, 503)
        if busy.status_code == 503:
            assert "the server is busy" in busy.text
            assert int(busy.headers["Retry-After"]) > 0
    finally:
        for connection in slow:
            connection.close()


def test_who_waited_for_a_turn_gets_the_whole_answer(address: str) -> None:
    slow = [ask(address, WHOLE) for _ in range(TIGHT.large_answers)]
    alone = {**CONE, "SIZE": "20", "RESPONSEFORMAT": "csv"}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(httpx.get, f"{address}/corpus/ssap", params=alone, timeout=20)
        time.sleep(0.3)
        for connection in slow:
            connection.close()
        answer = waiting.result()
    assert answer.status_code == 200
    assert answer.content == httpx.get(f"{address}/corpus/ssap", params=alone, timeout=20).content
    assert answer.content.count(b"\n") > 20


def test_the_command_has_the_servers_own_default() -> None:
    option = next(known for known in serve.params if known.name == "large_answers")
    assert option.default == ServerLimits().large_answers


def test_a_reader_that_takes_nothing_is_cut_off_and_not_told_that_this_is_all(address: str) -> None:
    read = b""
    # Not so narrow a window as others have: what is on the way is read through it.
    with ask(address, WHOLE, window=1 << 16) as connection:
        time.sleep(3 * TIGHT.stall_s)
        connection.settimeout(20)
        while piece := connection.recv(1 << 20):
            read += piece
    assert not read.endswith(b"0\r\n\r\n")
    assert b"</VOTABLE>" not in read


def test_the_same_again_costs_no_work(address: str) -> None:
    first = httpx.get(f"{address}/corpus/ssap", params=CONE)
    assert first.headers["Last-Modified"].endswith("GMT")
    again = httpx.get(f"{address}/corpus/ssap", params=CONE, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = httpx.get(f"{address}/corpus/ssap", params={**CONE, "SIZE": "1"})
    assert other.headers["ETag"] != first.headers["ETag"]


def test_head_has_the_headers_alone(address: str) -> None:
    head = httpx.head(f"{address}/corpus/ssap", params={**WHOLE, "RESPONSEFORMAT": "csv"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/csv")
    assert (
        head.headers["Content-Disposition"] == 'inline; filename="corpus.csv"'
        or "attachment" in head.headers["Content-Disposition"]
    )


@pytest.mark.parametrize("asked", [CONE, WHOLE])
def test_gzip_where_it_is_understood(asked: dict[str, str], address: str) -> None:
    url = f"{address}/corpus/ssap"
    with httpx.stream("GET", url, params=asked, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        packed = b"".join(answer.iter_raw())
    plain = httpx.get(url, params=asked, headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed) == plain.content
    assert len(packed) < len(plain.content) / 2


def test_another_name_of_this_machine_is_refused(address: str) -> None:
    answer = httpx.get(f"{address}/corpus/ssap", params=CONE, headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert httpx.get(f"{address}/corpus/ssap", params=CONE, headers={"Host": "localhost:1"}).status_code == 200


def test_headers_that_keep_browsers_safe(address: str) -> None:
    page = httpx.get(f"{address}/corpus/", headers={"Origin": "https://aladin.example"})
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Access-Control-Allow-Origin"] == "*"


def test_addresses_are_those_of_the_route(address: str) -> None:
    document = httpx.get(f"{address}/corpus/capabilities?x=/capabilities/evil").text
    assert f"{address}/corpus/ssap?" in document
    assert "evil" not in document


def test_a_client_that_leaves_within_its_body(corpus_home: Path) -> None:
    port = free_port()
    server = served(corpus_home, "--port", str(port))
    try:
        server.stderr.readline()
        for path in ("ssap", "tap/sync", "tap/async"):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                head = f"POST /corpus/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 100\r\n\r\nREQUEST="
                connection.sendall(head.encode())
        assert httpx.get(f"http://127.0.0.1:{port}/corpus/availability", timeout=60).status_code == 200
        server.send_signal(signal.SIGINT)
        assert "Traceback" not in server.communicate(timeout=60)[1]
    finally:
        server.kill()
        server.communicate()


def test_names_of_targets_on_the_page_and_its_limit(address: str) -> None:
    every = {"_rows": "100000"}
    names = httpx.get(f"{address}/corpus/rows.json", params={"REQUEST": "getTargetNames", **every}).json()
    assert len(names["rows"]) == TIGHT.page_rows < names["total"]
    rows = httpx.get(f"{address}/corpus/rows.json", params={"REQUEST": "queryData", **every}).json()
    assert len(rows["rows"]) == TIGHT.page_rows < rows["total"]


@pytest.mark.parametrize("name", ["a{b}", "a/b", "a b", "..", "x?y"])
def test_a_name_that_cannot_be_part_of_an_address(name: str, corpus_mirror: ssap.Mirror) -> None:
    with pytest.raises(ParameterError, match="cannot be part of an address"):
        application({name: corpus_mirror})


@pytest.mark.parametrize(
    ("path", "kind", "said"),
    [
        ("ssap", "application/x-www-form-urlencoded", b"did not arrive within 0.5 s"),
        ("tap/sync", "application/x-www-form-urlencoded", b"did not arrive in time"),
        ("tap/sync", "multipart/form-data; boundary=b", b"did not arrive in time"),
        ("tap/async", "multipart/form-data; boundary=b", b"did not arrive in time"),
    ],
)
def test_a_body_that_does_not_end(path: str, kind: str, said: bytes, corpus_mirror: ssap.Mirror) -> None:
    limits = ServerLimits(body_s=0.5)
    with serving(application({"corpus": corpus_mirror}, limits=limits)) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            head = f"POST /corpus/{path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: {kind}\r\nContent-Length: 100"
            connection.sendall(f"{head}\r\n\r\n--b\r\n".encode())
            connection.settimeout(20)
            read = b""
            while said not in read:
                read += (piece := connection.recv(5000))
                assert piece, read


class TestConeSearch:
    AT: ClassVar[dict[str, str]] = {"RA": "56.1", "DEC": "21.6", "SR": "1"}

    def test_parameters_of_dali(self, address: str, corpus_mirror: ssap.Mirror) -> None:
        answer = httpx.get(f"{address}/corpus/scs", params={**self.AT, "MAXREC": "2", "RESPONSEFORMAT": "csv"})
        assert len(list(csv.reader(io.StringIO(answer.text)))) == 3
        assert answer.headers["X-Query-Status"] == "OVERFLOW"
        few = httpx.get(f"{address}/corpus/scs", params={**self.AT, "VERB": "1", "RESPONSEFORMAT": "csv"})
        many = httpx.get(f"{address}/corpus/scs", params={**self.AT, "VERB": "3", "RESPONSEFORMAT": "csv"})
        assert len(few.text.split("\n")[0]) < len(many.text.split("\n")[0])

    @pytest.mark.parametrize("verb", ["1", "2", "3"])
    def test_ucds_of_the_protocol_once_each(self, verb: str, address: str) -> None:
        text = httpx.get(f"{address}/corpus/scs", params={**self.AT, "VERB": verb}).text
        for ucd in ("ID_MAIN", "POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN"):
            assert text.count(f'ucd="{ucd}"') == 1

    @pytest.mark.extra("pyvo")
    def test_pyvo_finds_position_and_identifier(self, address: str) -> None:
        import pyvo

        found = pyvo.dal.SCSService(f"{address}/corpus/scs").search((56.1, 21.6), radius=1.0)
        assert found[0].id
        assert abs(found[0].pos.ra.deg - 56.1) < 2

    @pytest.mark.parametrize("ra", ["1_0", "nan", "0x10", "1e", "--1", "1,2"])
    def test_numbers_are_read_strictly(self, ra: str, address: str) -> None:
        text = httpx.get(f"{address}/corpus/scs", params={**self.AT, "RA": ra}).text
        assert 'name="Error"' in text
        assert f"RA: &apos;{ra}&apos;" in text or f"RA: '{ra}'" in text


def served(home: Path, *words: str) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("ssap-mirror")), "serve", "corpus", "--home", str(home), *words]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_open_starts_a_browser_and_takes_the_next_port(corpus_home: Path, tmp_path: Path) -> None:
    browser, shown = tmp_path / "browser", tmp_path / "shown"
    browser.write_text(f'#!/bin/sh\necho "$1" > {shown}.new && mv {shown}.new {shown}\n')
    browser.chmod(0o755)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [str(Path(sys.executable).with_name("ssap-mirror")), "open", "--home", str(corpus_home)]
        environment = {**os.environ, "BROWSER": f"{browser} %s"}
        server = subprocess.Popen(
            [*command, "--port", str(port)], env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            until = time.monotonic() + 60
            while not shown.exists() and time.monotonic() < until:
                time.sleep(0.05)
            address = shown.read_text().strip()
            assert address.endswith("/corpus/")
            assert f":{port}/" not in address
            assert httpx.get(address).status_code == 200
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 0
        finally:
            server.kill()
            server.communicate()


def test_two_mirrors_of_a_name_and_their_list(corpus_home: Path, tmp_path: Path) -> None:
    for name in ("aa", "bb"):
        shutil.copytree(corpus_home / "corpus", tmp_path / name / "m")
    words = [str(tmp_path / "aa" / "m"), str(tmp_path / "bb" / "m")]
    with server_of(*words, "--home", str(tmp_path)) as (address, _):
        listed = httpx.get(f"{address}/").text
        for name in ("m", "m-2"):
            assert httpx.get(f"{address}/{name}/availability").status_code == 200
            assert f'<a href="{name}/">' in listed
        assert f"{20_000:,} spectra" in listed


@contextmanager
def server_of(*words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve by the command; its address and process."""
    command = [str(Path(sys.executable).with_name("ssap-mirror")), "serve", *words, "--port", str(free_port())]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = server.stderr.readline()
        yield line[: line.index("/", len("http://"))], server
    finally:
        server.kill()
        server.communicate()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_one_interrupt_ends_it_whatever_clients_do(corpus_home: Path) -> None:
    port = free_port()
    server = served(corpus_home, "--port", str(port))
    try:
        line = server.stderr.readline()
        # It is told when it can be asked: no waiting.
        assert f"http://127.0.0.1:{port}/corpus/ssap?" in line
        connections = [ask(f"http://127.0.0.1:{port}", WHOLE) for _ in range(3)]
        started = time.monotonic()
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
        assert time.monotonic() - started < 8
        for connection in connections:
            connection.close()
        rest = server.stderr.read()
        assert "Traceback" not in rest
    finally:
        server.kill()
        server.communicate()


def test_a_port_that_is_taken(corpus_home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = served(corpus_home, "--port", str(port))
        _, error = server.communicate(timeout=60)
    assert server.returncode == 1
    assert (
        error.strip()
        == f"ssap-mirror: 127.0.0.1:{port} cannot be listened on: port {port} is taken; --port names another"
    )


def test_the_page_takes_up_a_new_snapshot(corpus_home: Path, tmp_path: Path, mirror_of, schema, awkward) -> None:
    import pyarrow as pa

    table = pa.Table.from_batches(awkward.open("tiny").search(columns="all").batches())
    mirror_of(table.slice(0, 500), schema, tmp_path, "changing", 200)
    mirror = ssap.open("changing", tmp_path)
    with serving(application({"changing": mirror})) as address:
        assert httpx.get(f"{address}/changing/about.json").json()["rows"] == 500
        time.sleep(1.1)  # names of snapshots go by the second
        mirror_of(table.slice(0, 400), schema, tmp_path, "changing", 200)
        assert httpx.get(f"{address}/changing/about.json").json()["rows"] == 400
        assert "<maxRecords>400</maxRecords>" in httpx.get(f"{address}/changing/capabilities").text


def test_errors_name_no_path(tmp_path: Path, mirror_of, schema, awkward) -> None:
    import pyarrow as pa

    table = pa.Table.from_batches(awkward.open("tiny").search(columns="all").batches())
    mirror_of(table.slice(0, 500), schema, tmp_path, "damaged", 200)
    mirror = ssap.open("damaged", tmp_path)
    for path in tmp_path.rglob("*.parquet"):
        path.write_bytes(b"PAR1" + path.read_bytes()[4:].replace(b"\x00", b"\x01", 50))
    with serving(application({"damaged": mirror})) as address:
        text = httpx.get(f"{address}/damaged/ssap", params={"REQUEST": "queryData"}).text
    assert 'value="ERROR"' in text
    assert "mirror damaged cannot be read just now" in text
    assert str(tmp_path) not in text


def test_a_mirror_of_a_foreign_file_has_columns_at_every_verbosity(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("star,ra,dec,exposure\na,10.5,20.5,5\nb,30.5,40.5,6\n")
    ssap_mirror.sync("mine", source=tmp_path / "mine.csv", home=tmp_path)
    with serving(application({"mine": ssap.open("mine", tmp_path)})) as address:

        def header(path: str, **asked: str) -> list[str]:
            answer = httpx.get(f"{address}/{path}", params={**asked, "RESPONSEFORMAT": "csv"})
            return answer.text.splitlines()[0].split(",")

        whole = header("ssap", REQUEST="queryData", VERB="2")
        assert {"star", "ra", "dec", "exposure"} <= set(whole)
        few = header("ssap", REQUEST="queryData", VERB="1")
        assert {"ra", "dec"} <= set(few) < set(whole)
        assert {"ra", "dec"} <= set(header("scs", RA="10", DEC="20", SR="1", VERB="1"))


def test_columns_at_verbosity_1_are_among_those_at_2_where_positions_are_whole_numbers(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("star,ra,dec\na,10,20\nb,30,40\n")
    ssap_mirror.sync("mine", source=tmp_path / "mine.csv", home=tmp_path)
    mirror = ssap.open("mine", tmp_path)
    few, whole = (mirror.ssap(f"REQUEST=queryData&VERB={verb}").to_arrow().column_names for verb in (1, 2))
    assert {"ra", "dec"} <= set(few) <= set(whole)


def test_many_at_once_are_answered_alike(address: str) -> None:
    wanted = httpx.get(f"{address}/corpus/ssap", params=CONE).content
    found: list[bytes] = []

    def run() -> None:
        for _ in range(5):
            found.append(httpx.get(f"{address}/corpus/ssap", params=CONE, timeout=60).content)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {wanted}
    assert len(found) == 40
