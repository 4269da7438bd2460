"""A small TAP service over an Arrow table: ADQL is run by DuckDB, jobs are UWS as DaCHS does it.

PHASE=RUN in the request that makes a job is ignored; errors of queries come with HTTP status 200.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import duckdb
import pyarrow as pa
from ssap_mirror.core.schema import Schema
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support import fake_ssap


@dataclass
class Job:
    """A job; `looks` counts how often its phase was asked for."""

    query: str
    maxrec: int
    phase: str = "PENDING"
    looks: int = 0
    result: bytes = b""
    error: str = ""


@dataclass
class FakeTap:
    """The service; tests change its attributes while it runs."""

    table: pa.Table
    """Rows of ``spectra.lrs``; the first 300 are ``spectra.few``, which TAP_SCHEMA does not list."""
    indexed: tuple[str, ...] = ("obsid",)
    """Columns that TAP_SCHEMA says have an index."""
    spelled: dict[str, str] = field(default_factory=dict)
    """Names in TAP_SCHEMA that are not as in the table."""
    holds: Callable[[str], bool] = lambda query: False
    """Whether a job of this query is still under way."""
    aborts: Callable[[str], bool] = lambda query: False
    """Whether a job of this query is ended as ABORTED."""
    refuses_jobs: bool = False
    """Whether a request for a job is answered with its list of jobs."""
    fails: Callable[[str], str] = lambda query: ""
    """Message with which a job of this query ends; empty for none."""
    spoils: Callable[[str, pa.Table], pa.Table] = lambda query, result: result
    """What becomes of the result of a job."""
    before: Callable[[str], None] = lambda query: None
    """Called with each query."""
    queries: list[str] = field(default_factory=list)
    """What was asked."""
    jobs: dict[str, Job] = field(default_factory=dict)
    """Jobs that are not deleted."""
    made: int = 0
    """Jobs that were made."""
    url: str = ""
    """Address, while it runs."""
    _databases: dict[int, tuple[pa.Table, duckdb.DuckDBPyConnection]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, query: str) -> pa.Table:
        self.queries.append(query)
        self.before(query)
        sql = re.sub(r"SELECT TOP (\d+) (.*)$", r"SELECT \2 LIMIT \1", query)
        with self._lock:
            found = self._database().sql(sql).to_arrow_table()
        fields = [self._field(item) for item in found.schema]
        return pa.table([found.column(i).cast(item.type) for i, item in enumerate(fields)], schema=pa.schema(fields))

    def _database(self) -> duckdb.DuckDBPyConnection:
        if id(self.table) not in self._databases:
            con = duckdb.connect(config={"threads": 1})
            con.execute("CREATE SCHEMA spectra; CREATE SCHEMA tap_schema")
            con.from_arrow(self.table).to_table("spectra.lrs")
            con.from_arrow(self.table.slice(0, 300)).to_table("spectra.few")
            names = self.table.column_names
            about = {
                "table_name": ["spectra.lrs"] * len(names),
                "column_name": [self.spelled.get(name, name) for name in names],
                "unit": ["" for _ in names],
                "ucd": pa.nulls(len(names), pa.string()),
                "utype": pa.nulls(len(names), pa.string()),
                "description": [f"About {name}" for name in names],
                "indexed": [int(name in self.indexed) for name in names],
                "principal": [int(name != "mags") for name in names],
            }
            con.from_arrow(pa.table(about)).to_table("tap_schema.columns")
            con.from_arrow(pa.table({"table_name": ["spectra.lrs"]})).to_table("tap_schema.tables")
            # The table is kept, so that no other can have its id.
            self._databases[id(self.table)] = self.table, con
        return self._databases[id(self.table)][1]

    def _field(self, item: pa.Field) -> pa.Field:
        return self.table.schema.field(item.name) if item.name in self.table.column_names else item

    def document(self, query: str, maxrec: int, spoil: Callable[[str, pa.Table], pa.Table]) -> bytes:
        try:
            table = spoil(query, self.run(query))
        except duckdb.Error as error:
            return fake_ssap.error_document(str(error).splitlines()[0])
        status = "OVERFLOW" if len(table) > maxrec else "OK"
        return fake_ssap.votable(table.slice(0, maxrec), Schema.from_arrow(table.schema), status)

    def sync(self, request: Request) -> Response:
        params = request.query_params
        body = self.document(params["QUERY"], int(params["MAXREC"]), lambda query, table: table)
        return Response(body, media_type="application/x-votable+xml")

    async def make(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        if self.refuses_jobs:
            return PlainTextResponse("<jobs/>")
        self.made += 1
        name = f"job{self.made}"
        self.jobs[name] = Job(form["QUERY"], int(form["MAXREC"]))
        return RedirectResponse(f"{self.url}/async/{name}", status_code=303)

    def job(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.jobs:
            return PlainTextResponse("no such job", status_code=404)
        if request.method == "DELETE":
            del self.jobs[name]
            return RedirectResponse(f"{self.url}/async", status_code=303)
        return PlainTextResponse(f"<job><phase>{self.jobs[name].phase}</phase></job>")

    async def phase(self, request: Request) -> Response:
        job = self.jobs[request.path_params["name"]]
        if request.method == "POST":
            assert await request.body() == b"PHASE=RUN"
            job.phase = "QUEUED"
            return RedirectResponse(f"{self.url}/async/{request.path_params['name']}", status_code=303)
        job.looks += 1
        if job.phase == "EXECUTING" and not self.holds(job.query):
            job.error = self.fails(job.query)
            job.result = self.document(job.query, job.maxrec, self.spoils)
            job.phase = (
                "ABORTED"
                if self.aborts(job.query)
                else "ERROR"
                if job.error or b'"ERROR"' in job.result
                else "COMPLETED"
            )
        elif job.phase == "QUEUED":
            job.phase = "EXECUTING"
        return PlainTextResponse(job.phase)

    def result(self, request: Request) -> Response:
        return Response(self.jobs[request.path_params["name"]].result, media_type="application/x-votable+xml")

    def error(self, request: Request) -> Response:
        job = self.jobs[request.path_params["name"]]
        body = fake_ssap.error_document(escape(job.error)) if job.error else job.result
        return Response(body, media_type="text/xml")

    def list_jobs(self, request: Request) -> Response:
        return PlainTextResponse("<jobs/>")


@contextlib.contextmanager
def running(service: FakeTap) -> Iterator[FakeTap]:
    """Run a service."""
    routes = [
        Route("/tap/sync", service.sync),
        Route("/tap/async", service.make, methods=["POST"]),
        Route("/tap/async", service.list_jobs, methods=["GET"]),
        Route("/tap/async/{name}", service.job, methods=["GET", "DELETE"]),
        Route("/tap/async/{name}/phase", service.phase, methods=["GET", "POST"]),
        Route("/tap/async/{name}/results/result", service.result),
        Route("/tap/async/{name}/error", service.error),
    ]
    with fake_ssap.serving(Starlette(routes=routes), "/tap") as url:
        service.url = url
        yield service
