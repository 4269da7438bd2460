"""The addresses of jobs (UWS 1.1 §2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import anyio
from anyio import to_thread
from ssap_mirror.errors import MirrorError, ParameterError
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ssap_query.server.answers import error_document, error_response
from ssap_query.server.limits import ServerLimits
from ssap_query.server.tap.addresses import base_of
from ssap_query.server.tap.job_documents import (
    job_document,
    job_list,
    parameters_document,
    results_document,
    time_text,
)
from ssap_query.server.tap.jobs import ACTIVE, Job, JobStore, Phase
from ssap_query.server.tap.requests import Parameters, read_parameters

__all__ = ["JobRoutes"]

_SEE_OTHER, _BAD_REQUEST, _NOT_FOUND = 303, 400, 404
# Longest wait for a change of phase, and how often is looked for one [s].
_LONGEST_WAIT_S, _LOOK_S = 60.0, 0.1


class JobRoutes:
    """Jobs of one TAP service on the server.

    Parameters
    ----------
    store : JobStore
        The jobs.
    limits : ServerLimits
        Of the server.
    """

    def __init__(self, store: JobStore, limits: ServerLimits) -> None:
        self._store, self._limits = store, limits

    def routes(self) -> list[BaseRoute]:
        """Addresses below ``/tap``."""
        changing = ["GET", "POST"]
        return [
            Route("/tap/async", self.jobs, methods=changing),
            Route("/tap/async/{job}", self.job, methods=["GET", "POST", "DELETE"]),
            Route("/tap/async/{job}/results/result", self.result),
            Route("/tap/async/{job}/{part}", self.part, methods=changing),
        ]

    async def jobs(self, request: Request) -> Response:
        """List the jobs, or make one."""
        address = f"{base_of(request)}/async"
        try:
            if request.method == "POST":
                parameters = await read_parameters(request, self._limits)
                job = await to_thread.run_sync(self._store.create, parameters)
                if parameters.values.get("PHASE", "").upper() == "RUN":
                    self._store.start(job)
                return RedirectResponse(f"{address}/{job.job_id}", _SEE_OTHER)
            return _xml(job_list(_chosen(self._store.all_jobs(), request), address))
        except MirrorError as error:
            return _refusal(error)

    async def job(self, request: Request) -> Response:
        """Describe a job, after a change of it if that is wanted; change or remove it."""
        job = self._store.find(request.path_params["job"])
        if job is None:
            return _missing()
        address = f"{base_of(request)}/async"
        try:
            if request.method == "DELETE":
                await to_thread.run_sync(self._store.remove, job)
                return RedirectResponse(address, _SEE_OTHER)
            if request.method == "POST":
                parameters = await read_parameters(request, self._limits)
                if parameters.values.get("ACTION", "").upper() == "DELETE":
                    await to_thread.run_sync(self._store.remove, job)
                    return RedirectResponse(address, _SEE_OTHER)
                self._change(job, parameters)
                return RedirectResponse(f"{address}/{job.job_id}", _SEE_OTHER)
            job = await self._after_change(job, {k.upper(): v for k, v in request.query_params.items()})
        except MirrorError as error:
            return _refusal(error)
        return _missing() if job is None else _xml(job_document(job, f"{address}/{job.job_id}"))

    async def part(self, request: Request) -> Response:
        """Tell or change one thing of a job."""
        job = self._store.find(request.path_params["job"])
        if job is None:
            return _missing()
        address, part = f"{base_of(request)}/async/{job.job_id}", request.path_params["part"]
        if request.method == "POST":
            try:
                self._change(job, await read_parameters(request, self._limits))
            except MirrorError as error:
                return _refusal(error)
            return RedirectResponse(address, _SEE_OTHER)
        texts = {
            "phase": str(job.phase),
            "executionduration": str(int(job.duration_s)),
            "destruction": time_text(job.destruction),
            "quote": "",
            "owner": "",
        }
        if part in texts:
            return PlainTextResponse(texts[part])
        if part == "parameters":
            return _xml(parameters_document(job))
        if part == "results":
            return _xml(results_document(job, address))
        if part == "error" and job.phase == Phase.ERROR:
            return _xml(error_document(job.message))
        return _missing()

    async def result(self, request: Request) -> Response:
        """Send the result of a job."""
        job = self._store.find(request.path_params["job"])
        if job is None or job.result is None:
            return _missing()
        return FileResponse(job.result.path, media_type=job.result.media_type)

    def _change(self, job: Job, parameters: Parameters) -> None:
        """Do what the parameters of a POST say."""
        given = dict(parameters.values)
        phase = given.pop("PHASE", "").upper()
        duration, destruction = given.pop("EXECUTIONDURATION", None), given.pop("DESTRUCTION", None)
        if duration is not None:
            self._store.change(job, duration_s=_seconds(duration))
        if destruction is not None:
            self._store.change(job, destruction=_time(destruction))
        if given or parameters.files:
            self._store.change(job, parameters=Parameters(given, parameters.files))
        if phase == "RUN":
            self._store.start(job)
        elif phase == "ABORT":
            self._store.abort(job)
        elif phase:
            name = "PHASE"
            raise ParameterError(name, phase, "is neither RUN nor ABORT")

    async def _after_change(self, job: Job, given: Mapping[str, str]) -> Job | None:
        """Wait for a change of phase, if that is asked for (UWS 1.1 §2.2.1.1)."""
        if "WAIT" not in given:
            return job
        wait = _seconds(given["WAIT"].replace("-1", str(_LONGEST_WAIT_S)))
        before = given.get("PHASE", str(job.phase)).upper()
        now: Job | None = job
        with anyio.move_on_after(min(wait, _LONGEST_WAIT_S)):
            while now is not None and now.phase in ACTIVE and now.phase == before:
                await anyio.sleep(_LOOK_S)
                now = self._store.find(job.job_id)
        return now


def _chosen(jobs: list[Job], request: Request) -> list[Job]:
    """Jobs that a list is asked for (UWS 1.1 §2.2.2.1)."""
    given = [(name.upper(), value) for name, value in request.query_params.multi_items()]
    phases = [value.upper() for name, value in given if name == "PHASE"]
    after = [_time(value) for name, value in given if name == "AFTER"]
    last = [int(_seconds(value)) for name, value in given if name == "LAST"]
    found = [job for job in jobs if not phases or job.phase in phases]
    found = [job for job in found if all(job.created > time for time in after)]
    return found[: last[0]] if last else found


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        name = "seconds"
        raise ParameterError(name, text, "is not a number of 0 or more")
    return value


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        name = "time"
        raise ParameterError(name, text, "is not a time such as 2026-12-01T00:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _xml(document: bytes) -> Response:
    return Response(document, media_type="text/xml")


def _missing() -> Response:
    return PlainTextResponse("there is no such job, or it has no such part\n", _NOT_FOUND)


def _refusal(error: MirrorError) -> Response:
    response = error_response(error, "tap")
    if response.status_code == 200:
        response.status_code = _BAD_REQUEST
    return response
