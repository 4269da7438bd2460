"""Queries that nobody waits for: phases, changes, what outlives the server, and what clients make of it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest
import ssap_query as ssap
from astropy.table import Table
from ssap_query.adql.interrupt import Interrupt
from ssap_query.server.application import application
from ssap_query.server.limits import ServerLimits
from ssap_query.server.tap.jobs import JobStore, Phase
from ssap_query.server.tap.requests import Parameters

from tests.support.extras import optional
from tests.support.serving import serving

pyvo = optional("pyvo")

UWS = "{http://www.ivoa.net/xml/UWS/v1.0}"
SLOW = "SELECT COUNT(*) AS n FROM spectra AS a, spectra AS b, spectra AS c WHERE a.ra + b.ra + c.ra < -1"


@pytest.fixture(scope="module")
def address(corpus_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSAP_MIRROR_CACHE", str(tmp_path_factory.mktemp("jobs")))
        with serving(
            application({"corpus": ssap.open("corpus", corpus_home)}, limits=ServerLimits(query_s=20))
        ) as found:
            yield f"{found}/tap"


def create(address: str, **parameters: str) -> str:
    made = httpx.post(f"{address}/async", data={"LANG": "ADQL", **parameters})
    assert made.status_code == 303
    return made.headers["location"]


def phase(job: str) -> str:
    return httpx.get(f"{job}/phase").text


def ended(job: str) -> str:
    for _ in range(300):
        if phase(job) not in ("PENDING", "QUEUED", "EXECUTING"):
            return phase(job)
        time.sleep(0.1)
    return "still running"


def test_a_job_from_its_beginning_to_its_end(address: str) -> None:
    job = create(address, QUERY="SELECT TOP 3 mobsid FROM spectra", FORMAT="csv", RUNID="mine")
    assert phase(job) == "PENDING"
    assert httpx.get(f"{job}/results/result").status_code == 404
    assert httpx.post(f"{job}/parameters", data={"MAXREC": "2"}).status_code == 303
    assert httpx.post(f"{job}/executionduration", data={"EXECUTIONDURATION": "5"}).status_code == 303
    assert httpx.get(f"{job}/executionduration").text == "5"
    assert httpx.post(f"{job}/phase", data={"PHASE": "RUN"}).status_code == 303
    assert ended(job) == "COMPLETED"
    document = ET.fromstring(httpx.get(job).text)
    assert document.find(f"{UWS}runId").text == "mine"
    assert {item.get("id"): item.text for item in document.iter(f"{UWS}parameter")}["MAXREC"] == "2"
    (result,) = document.iter(f"{UWS}result")
    found = httpx.get(result.get("{http://www.w3.org/1999/xlink}href"))
    assert found.headers["content-type"].startswith("text/csv")
    assert len(found.text.split()) == 3
    assert httpx.post(f"{job}/parameters", data={"MAXREC": "1"}).status_code == 400
    assert httpx.post(f"{job}/phase", data={"PHASE": "JUMP"}).status_code == 400
    assert httpx.delete(job).status_code == 303
    assert httpx.get(job).status_code == 404


def test_waiting(address: str) -> None:
    job = create(address, QUERY=SLOW, PHASE="RUN")
    begun = time.monotonic()
    assert "<uws:phase>" in httpx.get(job, params={"WAIT": "1"}, timeout=10).text
    assert 0.2 < time.monotonic() - begun < 8
    assert httpx.post(f"{job}/phase", data={"PHASE": "ABORT"}).status_code == 303
    assert phase(job) == "ABORTED"
    begun = time.monotonic()
    assert httpx.get(job, params={"WAIT": "30"}, timeout=40).status_code == 200
    assert time.monotonic() - begun < 5
    assert httpx.post(job, data={"ACTION": "DELETE"}).status_code == 303
    assert httpx.get(job).status_code == 404


def test_errors(address: str) -> None:
    job = create(address, QUERY="SELECT nope FROM spectra", PHASE="RUN")
    assert ended(job) == "ERROR"
    assert "nope" in httpx.get(f"{job}/error").text
    assert "nope" in ET.fromstring(httpx.get(job).text).find(f"{UWS}errorSummary/{UWS}message").text
    assert httpx.get(f"{job}/results/result").status_code == 404
    assert httpx.get(f"{address}/async/none").status_code == 404
    assert httpx.get(f"{job}/nonsense").status_code == 404
    assert httpx.post(f"{job}/destruction", data={"DESTRUCTION": "soon"}).status_code == 400


def test_the_list(address: str) -> None:
    first = create(address, QUERY="SELECT 1 FROM spectra")
    time.sleep(0.01)
    second = create(address, QUERY="SELECT 2 FROM spectra")

    def listed(**chosen: str) -> list[str]:
        root = ET.fromstring(httpx.get(f"{address}/async", params=chosen).text)
        return [item.get("id") for item in root]

    names = [job.rpartition("/")[2] for job in (second, first)]
    assert listed(LAST="2") == names
    assert set(names) <= set(listed(PHASE="PENDING"))
    assert not set(names) & set(listed(PHASE="COMPLETED"))
    made = ET.fromstring(httpx.get(first).text).find(f"{UWS}creationTime").text
    assert names[0] in listed(AFTER=made)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_pyvo(address: str) -> None:
    """It leaves connections open, which is its own affair."""
    service = pyvo.dal.TAPService(address)
    table = Table({"star": ["a"], "ra": [56.1], "dec": [21.6]})
    query = "SELECT t.star, s.mobsid FROM spectra AS s JOIN TAP_UPLOAD.t AS t ON DISTANCE(s.ra, s.dec, t.ra, t.dec) < 5"
    assert len(service.run_async(query, uploads={"t": table})) == len(service.run_sync(query, uploads={"t": table})) > 0


def store(folder: Path, answer: str = "x", **limits: float) -> JobStore:
    def work(parameters: Parameters, path: Path, seconds: float, interrupt: Interrupt) -> str:
        if answer == "wait":
            while not interrupt.is_set:
                time.sleep(0.01)
        path.write_text(answer)
        return "text/plain"

    return JobStore(folder, work, ServerLimits(**limits))


def test_jobs_outlive_the_server_or_are_told_lost(tmp_path: Path) -> None:
    before = store(tmp_path)
    done, waiting = (before.create(Parameters({"QUERY": name}, {"t": b"table"})) for name in ("done", "waiting"))
    before.start(done)
    while before.find(done.job_id).phase != Phase.COMPLETED:
        time.sleep(0.01)
    running = before.create(Parameters({}))
    record = tmp_path / running.job_id / "job.json"
    said = json.loads(record.read_text())
    record.write_text(json.dumps(said | {"phase": "EXECUTING"}))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "job.json").write_text("{")
    after = store(tmp_path)
    assert after.find(done.job_id).result.path.read_text() == "x"
    assert after.find(waiting.job_id).parameters == Parameters({"QUERY": "waiting"}, {"t": b"table"})
    lost = after.find(running.job_id)
    assert (lost.phase, "ended before" in lost.message) == (Phase.ERROR, True)


def test_jobs_go_when_their_time_has_come(tmp_path: Path) -> None:
    jobs = store(tmp_path)
    job = jobs.create(Parameters({}))
    assert jobs.change(job, destruction=datetime.now(UTC) + timedelta(days=900)).destruction == job.destruction
    jobs.change(job, destruction=datetime.now(UTC) - timedelta(seconds=1))
    assert jobs.find(job.job_id) is None
    assert list(tmp_path.iterdir()) == []


def test_few_run_at_a_time_and_abort_ends_them(tmp_path: Path) -> None:
    jobs = store(tmp_path, "wait", queries=1)
    first, second = jobs.create(Parameters({})), jobs.create(Parameters({}))
    for job in (first, second):
        jobs.start(job)
    for _ in range(100):
        phases = {jobs.find(job.job_id).phase for job in (first, second)}
        if phases == {Phase.EXECUTING, Phase.QUEUED}:
            break
        time.sleep(0.02)
    assert phases == {Phase.EXECUTING, Phase.QUEUED}
    for job in (first, second):
        jobs.abort(job)
    assert {jobs.find(job.job_id).phase for job in (first, second)} == {Phase.ABORTED}


@pytest.mark.stilts
def test_taplint() -> None:
    with serving(application({"lamost6-mrs-sample": ssap.open("lamost6-mrs-sample")})) as address:
        command = ["stilts", "taplint", f"tapurl={address}/tap", "stages=TMV TMS CAP UWS QAS UPL", "maxtable=2"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    errors = [line for line in done.stdout.splitlines() if line.startswith(("E-", "F-"))]
    assert errors == []
    assert "Totals: Errors: 0" in done.stdout
