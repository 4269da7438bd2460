"""Queries that nobody waits for (UWS 1.1): kept in a folder, so that a job outlives the server or is told lost."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from threading import BoundedSemaphore, RLock, Thread
from typing import Any

from ssap_mirror.core.storage import replacing
from ssap_mirror.errors import MirrorError, ParameterError

from ssap_query.adql.interrupt import Interrupt
from ssap_query.server.answers import error_message
from ssap_query.server.limits import ServerLimits
from ssap_query.server.tap.requests import Parameters

__all__ = ["ACTIVE", "Job", "JobResult", "JobStore", "Phase", "Work"]

_RECORD, _RESULT, _FILES = "job.json", "result", "files"
_LOST = "the server ended before the query did; send it again"


class Phase(StrEnum):
    """Where a job stands (UWS 1.1 §2.1.3)."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"


#: Phases in which something is still to come.
ACTIVE = frozenset({Phase.PENDING, Phase.QUEUED, Phase.EXECUTING})
_RUNNING = frozenset({Phase.QUEUED, Phase.EXECUTING})


@dataclass(frozen=True)
class JobResult:
    """The result of a job."""

    path: Path
    """The file that it is in."""
    media_type: str
    """What it is written as."""


@dataclass(frozen=True)
class Job:
    """A query and how it went, at one moment; the store has a later state."""

    job_id: str
    """Its name."""
    parameters: Parameters
    """What was sent."""
    created: datetime
    """When it was made."""
    destruction: datetime
    """When it goes."""
    duration_s: float
    """Longest time for it [s]."""
    phase: Phase = Phase.PENDING
    """Where it stands."""
    started: datetime | None = None
    """When it began to be worked on."""
    ended: datetime | None = None
    """When it was done."""
    message: str = ""
    """Why it failed."""
    result: JobResult | None = None
    """What came of it."""
    server: int = field(default_factory=os.getpid)
    """Process that works on it."""

    @property
    def run_id(self) -> str | None:
        """Name that its sender gave it."""
        return self.parameters.values.get("RUNID")


#: Works a query out: its parameters, the file for the result, the time for it [s], and what breaks it off.
#: It gives the media type of the result.
Work = Callable[[Parameters, Path, float, Interrupt], str]


class JobStore:
    """Jobs of one TAP service; may be used from many threads.

    Parameters
    ----------
    folder : pathlib.Path
        Where jobs are kept.
    work : callable
        Works a query out.
    limits : ServerLimits
        How long a query may take, and how long its result is kept.
    """

    def __init__(self, folder: Path, work: Work, limits: ServerLimits) -> None:
        self._folder, self._work, self._limits = folder, work, limits
        self._lock = RLock()
        self._turns = BoundedSemaphore(limits.queries)
        self._interrupts: dict[str, Interrupt] = {}
        self._jobs = {job.job_id: job for job in self._found()}

    def _found(self) -> Iterator[Job]:
        """Read the jobs of a server before this one."""
        for record in sorted(self._folder.glob(f"*/{_RECORD}")):
            try:
                job = _from_json(json.loads(record.read_text("utf-8")), record.parent)
            except (OSError, ValueError, KeyError):
                continue
            if job.phase in _RUNNING and not _is_alive(job.server):
                job = replace(job, phase=Phase.ERROR, message=_LOST, ended=_now())
            yield job

    def create(self, parameters: Parameters) -> Job:
        """Make a job, which waits to be started."""
        self._sweep()
        now = _now()
        keep = timedelta(seconds=self._limits.job_keep_s)
        job = Job(secrets.token_hex(8), parameters, now, now + keep, self._limits.query_s)
        self._keep(job)
        return job

    def find(self, job_id: str) -> Job | None:
        """Find a job as it stands; None if there is none of that name."""
        self._sweep()
        with self._lock:
            return self._jobs.get(job_id)

    def all_jobs(self) -> list[Job]:
        """All jobs, the latest first."""
        self._sweep()
        with self._lock:
            return sorted(self._jobs.values(), key=lambda job: job.created, reverse=True)

    def change(
        self,
        job: Job,
        *,
        parameters: Parameters | None = None,
        duration_s: float | None = None,
        destruction: datetime | None = None,
    ) -> Job:
        """Change what a client may change of a job.

        Raises
        ------
        ParameterError
            If it has been started, and that cannot be changed any more.
        """
        with self._lock:
            now = self._jobs[job.job_id]
            if now.phase != Phase.PENDING and (parameters is not None or duration_s is not None):
                name = "PHASE"
                raise ParameterError(name, str(now.phase), "is not PENDING: a job that was started is not changed")
            if duration_s is not None:
                now = replace(now, duration_s=min(duration_s, self._limits.query_s) or self._limits.query_s)
            if destruction is not None:
                last = now.created + timedelta(seconds=self._limits.job_keep_s)
                now = replace(now, destruction=min(destruction, last))
            if parameters is not None:
                now = replace(now, parameters=now.parameters.with_others(parameters))
            self._keep(now)
            return now

    def start(self, job: Job) -> None:
        """Start a job that waits; nothing for any other."""
        with self._lock:
            if self._jobs[job.job_id].phase != Phase.PENDING:
                return
            self._interrupts[job.job_id] = Interrupt()
            self._move(job.job_id, phase=Phase.QUEUED, server=os.getpid())
        Thread(target=self._run, args=(job.job_id,), name=f"tap-job-{job.job_id}", daemon=True).start()

    def abort(self, job: Job) -> None:
        """Break a job off; nothing for one that is done."""
        interrupt = None
        with self._lock:
            if self._jobs[job.job_id].phase in ACTIVE:
                self._move(job.job_id, phase=Phase.ABORTED, ended=_now())
                interrupt = self._interrupts.get(job.job_id)
        if interrupt is not None:
            interrupt.set()

    def remove(self, job: Job) -> None:
        """Remove a job and its result."""
        if job.phase in ACTIVE:
            self.abort(job)
        with self._lock:
            self._jobs.pop(job.job_id, None)
        shutil.rmtree(self._folder / job.job_id, ignore_errors=True)

    def _run(self, job_id: str) -> None:
        with self._turns:
            with self._lock:
                job, interrupt = self._jobs.get(job_id), self._interrupts[job_id]
                if job is None or job.phase != Phase.QUEUED:
                    return
                self._move(job_id, phase=Phase.EXECUTING, started=_now())
            path = self._folder / job_id / _RESULT
            try:
                media_type = self._work(job.parameters, path, job.duration_s, interrupt)
            except MirrorError as error:
                self._done(job_id, phase=Phase.ERROR, message=error_message(error, "tap"))
            except Exception:
                self._done(job_id, phase=Phase.ERROR, message="the query failed for a reason of the server's own")
                raise
            else:
                self._done(job_id, phase=Phase.COMPLETED, result=JobResult(path, media_type))

    def _done(self, job_id: str, **changes: Any) -> None:
        with self._lock:
            self._interrupts.pop(job_id, None)
            job = self._jobs.get(job_id)
            if job is not None and job.phase == Phase.EXECUTING:
                self._move(job_id, ended=_now(), **changes)

    def _move(self, job_id: str, **changes: Any) -> None:
        self._keep(replace(self._jobs[job_id], **changes))

    def _keep(self, job: Job) -> None:
        """Write a job down."""
        with self._lock:
            self._jobs[job.job_id] = job
            folder = self._folder / job.job_id
            (folder / _FILES).mkdir(parents=True, exist_ok=True)
            names = list(job.parameters.files)
            for number, name in enumerate(names):
                file = folder / _FILES / str(number)
                if not file.is_file():
                    file.write_bytes(job.parameters.files[name])
            with replacing(folder / _RECORD) as beside:
                beside.write_text(json.dumps(_to_json(job)), "utf-8")

    def _sweep(self) -> None:
        """Remove the jobs whose time has come."""
        now = _now()
        with self._lock:
            old = [job for job in self._jobs.values() if job.destruction <= now]
        for job in old:
            self.remove(job)


def _now() -> datetime:
    return datetime.now(UTC)


def _is_alive(process: int) -> bool:
    """Whether another server still works on a job; this one is new."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _to_json(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "values": dict(job.parameters.values),
        "files": list(job.parameters.files),
        "created": job.created.isoformat(),
        "destruction": job.destruction.isoformat(),
        "duration_s": job.duration_s,
        "phase": str(job.phase),
        "started": None if job.started is None else job.started.isoformat(),
        "ended": None if job.ended is None else job.ended.isoformat(),
        "message": job.message,
        "media_type": None if job.result is None else job.result.media_type,
        "server": job.server,
    }


def _from_json(found: dict[str, Any], folder: Path) -> Job:
    def time(name: str) -> datetime | None:
        return None if found[name] is None else datetime.fromisoformat(found[name])

    files = {name: (folder / _FILES / str(number)).read_bytes() for number, name in enumerate(found["files"])}
    result = None if found["media_type"] is None else JobResult(folder / _RESULT, found["media_type"])
    return Job(
        job_id=found["job_id"],
        parameters=Parameters(found["values"], files),
        created=datetime.fromisoformat(found["created"]),
        destruction=datetime.fromisoformat(found["destruction"]),
        duration_s=found["duration_s"],
        phase=Phase(found["phase"]),
        started=time("started"),
        ended=time("ended"),
        message=found["message"],
        result=result,
        server=found["server"],
    )
