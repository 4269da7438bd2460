"""A small TAP service over an Arrow table: ADQL is run by DuckDB, jobs are UWS as DaCHS does it.

PHASE=RUN in the request that makes a job is ignored; errors of queries come with HTTP status 200.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

import duckdb
import pyarrow as pa
from ssap_mirror.core.schema import Schema

from tests.support.simulated.services.documents import (
    Layout,
    Serialization,
    document,
    encoded_rows,
    error_document,
)
from tests.support.simulated.services.http import Reply, Request, serving

_ABOUT = ("table_name", "column_name", "unit", "ucd", "utype", "description", "indexed", "principal")


@dataclass
class Job:
    """A job; `looks` counts how often its phase was asked for."""

    params: dict[str, str]
    phase: str = "PENDING"
    looks: int = 0
    result: bytes = b""
    error: str = ""

    @property
    def query(self) -> str:
        """What it is to run."""
        return self.params["QUERY"]


@dataclass
class FakeTap:
    """The service; tests change its attributes while it runs."""

    table: pa.Table
    """Rows of ``spectra.lrs``; the first 300 are ``spectra.few``, which TAP_SCHEMA does not list."""
    name: str = "spectra.lrs"
    """Name of the table."""
    indexed: tuple[str, ...] = ("obsid",)
    """Columns that TAP_SCHEMA says have an index."""
    spelled: dict[str, str] = field(default_factory=dict)
    """Names in TAP_SCHEMA that are not as in the table."""
    alike: dict[str, str] = field(default_factory=dict)
    """Columns by names that differ in case alone, which DuckDB cannot have; queries have these in quotes."""
    about: tuple[str, ...] = _ABOUT
    """Columns of TAP_SCHEMA.columns."""
    describes: bool = False
    """Whether TAP_SCHEMA and answers tell units, UCDs and utypes as the table has them."""
    capitals: bool = False
    """Whether names of columns in answers are in capitals."""
    serializations: tuple[Serialization, ...] = ("BINARY2",)
    """What RESPONSEFORMAT may ask for; the first is what comes without."""
    plain_formats: tuple[str, ...] = ()
    """Words that RESPONSEFORMAT may be; if there are any, media types with parameters are refused."""
    most_rows: int | None = None
    """Rows of any answer; more is OVERFLOW, whatever MAXREC says."""
    has_async: bool = True
    """Whether there are jobs at all."""
    holds: Callable[[str], bool] = lambda query: False
    """Whether a job of this query is still under way."""
    aborts: Callable[[str], bool] = lambda query: False
    """Whether a job of this query is ended as ABORTED."""
    refuses_jobs: bool = False
    """Whether a request for a job is answered with its list of jobs."""
    stays: str = ""
    """Phase in which every job stays; none if empty."""
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

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        parts = request.path.strip("/").split("/")[1:]
        if parts == ["sync"]:
            return self._sync(request.params)
        if parts[:1] != ["async"] or not self.has_async:
            return Reply(b"no such resource", 404, content_type="text/plain")
        if len(parts) == 1:
            return self._make(request) if request.method == "POST" else _text("<jobs/>")
        job = self.jobs.get(parts[1])
        if job is None:
            return Reply(b"no such job", 404, content_type="text/plain")
        if parts[2:] == ["phase"]:
            return self._phase(request, parts[1], job)
        if parts[2:] == ["results", "result"]:
            return Reply(job.result)
        if parts[2:] == ["error"]:
            return Reply(error_document(escape(job.error)) if job.error else job.result, content_type="text/xml")
        if request.method == "DELETE":
            del self.jobs[parts[1]]
            return _see(f"{self.url}/async")
        return _text(f"<job><phase>{job.phase}</phase></job>")

    def run(self, query: str) -> pa.Table:
        """Run a query."""
        self.queries.append(query)
        self.before(query)
        sql = re.sub(r"SELECT TOP (\d+) (.*)$", r"SELECT \2 LIMIT \1", query)
        for column, shown in self.alike.items():
            sql = sql.replace(f'"{shown}"', column)
        with self._lock:
            found = self._database().sql(sql).to_arrow_table()
        fields = [self._field(item) for item in found.schema]
        return pa.table([found.column(i).cast(item.type) for i, item in enumerate(fields)], schema=pa.schema(fields))

    def document(self, params: dict[str, str], spoil: Callable[[str, pa.Table], pa.Table]) -> bytes:
        """Run a query, and write what comes of it; the status behind the rows as DALI asks for where they stream."""
        wanted = params.get("RESPONSEFORMAT") or params.get("FORMAT") or ""
        if self.plain_formats and wanted.lower() not in ("", *self.plain_formats):
            return error_document(f"RESPONSEFORMAT must be one of {', '.join(self.plain_formats)}, not {wanted}")
        asked = [name for name in self.serializations if wanted.endswith(f"serialization={name}")]
        serialization = asked[0] if asked else self.serializations[0]
        try:
            table = spoil(params["QUERY"], self.run(params["QUERY"]))
        except duckdb.Error as error:
            return error_document(str(error).splitlines()[0])
        limit = int(params.get("MAXREC", len(table)))
        limit = limit if self.most_rows is None else min(limit, self.most_rows)
        layout = Layout(status="after")
        columns = list(Schema.from_arrow(table.schema))
        cells = [column.to_pylist() for column in table.slice(0, limit).columns]
        rows = encoded_rows(columns, cells, serialization, layout)
        return document(columns, rows, serialization, layout, "OVERFLOW" if len(table) > limit else "OK")

    def _database(self) -> duckdb.DuckDBPyConnection:
        if id(self.table) not in self._databases:
            con = duckdb.connect(config={"threads": 1})
            schema = self.name.partition(".")[0]
            con.execute(f"CREATE SCHEMA {schema}; CREATE SCHEMA tap_schema")
            con.from_arrow(self.table).to_table(self.name)
            con.from_arrow(self.table.slice(0, 300)).to_table(f"{schema}.few")
            con.from_arrow(self._tap_schema().select(list(self.about))).to_table("tap_schema.columns")
            con.from_arrow(pa.table({"table_name": [self.name]})).to_table("tap_schema.tables")
            # The table is kept, so that no other can have its id.
            self._databases[id(self.table)] = self.table, con
        return self._databases[id(self.table)][1]

    def _tap_schema(self) -> pa.Table:
        columns = Schema.from_arrow(self.table.schema)
        told = [(c.unit, c.ucd, c.utype) if self.describes else ("", None, None) for c in columns]
        names = list(columns.names)
        return pa.table(
            {
                "table_name": [self.name] * len(names),
                "column_name": [self.spelled.get(name) or self.alike.get(name, name) for name in names],
                **{
                    of: pa.array([row[at] for row in told], pa.string())
                    for at, of in enumerate(("unit", "ucd", "utype"))
                },
                "description": [f"About {name}" for name in names],
                "indexed": [int(name in self.indexed) for name in names],
                "principal": [int(name != "mags") for name in names],
            }
        )

    def _field(self, item: pa.Field) -> pa.Field:
        known = self.table.schema.field(item.name) if item.name in self.table.column_names else item
        if item.name in self.alike:
            return known.with_name(self.alike[item.name])
        return known.with_name(known.name.upper()) if self.capitals else known

    def _sync(self, params: dict[str, str]) -> Reply:
        return Reply(self.document(params, lambda query, table: table))

    def _make(self, request: Request) -> Reply:
        if self.refuses_jobs:
            return _text("<jobs/>")
        self.made += 1
        name = f"job{self.made}"
        self.jobs[name] = Job(request.params)
        return _see(f"{self.url}/async/{name}")

    def _phase(self, request: Request, name: str, job: Job) -> Reply:
        if request.method == "POST":
            assert request.body == b"PHASE=RUN"
            job.phase = "QUEUED"
            return _see(f"{self.url}/async/{name}")
        job.looks += 1
        if self.stays:
            job.phase = self.stays
        elif job.phase == "EXECUTING" and not self.holds(job.query):
            job.error = self.fails(job.query)
            job.result = self.document(job.params, self.spoils)
            failed = job.error or b'"ERROR"' in job.result
            job.phase = "ABORTED" if self.aborts(job.query) else "ERROR" if failed else "COMPLETED"
        elif job.phase == "QUEUED":
            job.phase = "EXECUTING"
        return _text(job.phase)


def _text(text: str) -> Reply:
    return Reply(text.encode(), content_type="text/plain")


def _see(url: str) -> Reply:
    return Reply(status=303, headers={"Location": url})


@contextlib.contextmanager
def running(service: FakeTap) -> Iterator[FakeTap]:
    """Run a service."""
    with serving(service.answer) as root:
        service.url = f"{root}/tap"
        yield service
