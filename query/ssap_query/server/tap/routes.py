"""The addresses of a TAP service."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import anyio
from anyio import to_thread
from ssap_mirror.core import layout
from ssap_mirror.errors import MirrorError, ParameterError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ssap_query.adql.errors import AdqlError
from ssap_query.adql.interrupt import Interrupt
from ssap_query.server import vosi
from ssap_query.server.answers import Answers, error_response
from ssap_query.server.limits import ServerLimits
from ssap_query.server.tap import descriptions
from ssap_query.server.tap.addresses import base_of
from ssap_query.server.tap.job_routes import JobRoutes
from ssap_query.server.tap.jobs import JobStore
from ssap_query.server.tap.requests import Parameters, read_parameters, read_request
from ssap_query.server.tap.service import TapService
from ssap_query.server.traffic.turns import Turns

__all__ = ["TapRoutes"]

_BAD_REQUEST, _FAILED = 400, 500


class TapRoutes:
    """One TAP service on the server.

    Parameters
    ----------
    name : str
        Of the service, for file names and errors.
    service : TapService
        What answers.
    turns : Turns
        Who works when.
    limits : ServerLimits
        Of the server.
    default_maxrec : int, optional
        Rows of a result where MAXREC is not given.
    """

    def __init__(
        self, name: str, service: TapService, turns: Turns, limits: ServerLimits, default_maxrec: int | None
    ) -> None:
        self._name, self._service, self._limits = name, service, limits
        self._default_maxrec = default_maxrec
        self._turns = turns
        self._answers = Answers(name, turns, limits)
        self._queries = anyio.CapacityLimiter(limits.queries)
        self._jobs = JobRoutes(JobStore(_job_folder(name), self._work, limits), limits)

    def routes(self) -> list[BaseRoute]:
        """Addresses below ``/tap``."""
        both = ["GET", "POST"]
        return [
            # Nothing is said of this address itself; a person is led to something to read.
            Route("/tap", self.examples),
            Route("/tap/sync", self.sync, methods=both),
            Route("/tap/capabilities", self.capabilities),
            Route("/tap/availability", self.availability),
            Route("/tap/tables", self.tables),
            Route("/tap/tables/{table}", self.tables),
            Route("/tap/examples", self.examples),
            *self._jobs.routes(),
        ]

    async def sync(self, request: Request) -> Response:
        """Answer a query while its sender waits."""
        try:
            parameters = await read_parameters(request, self._limits)
            if parameters.values.get("REQUEST") == "getCapabilities":  # TAP 1.0
                return await self.capabilities(request)
            asked = read_request(parameters, self._default_maxrec)
            result = await to_thread.run_sync(lambda: self._service.answer(asked, parameters), limiter=self._queries)
            return await self._answers.send(request, result, asked.format, asked.media_type)
        except MirrorError as error:
            return self._refusal(error)

    def _work(self, parameters: Parameters, path: Path, seconds: float, interrupt: Interrupt) -> str:
        """Work out the query of a job."""
        asked = read_request(parameters, self._default_maxrec)
        result = self._service.answer(asked, parameters, seconds, interrupt)
        with path.open("wb") as file:
            result.write(file, asked.format.name)
        return asked.media_type

    async def capabilities(self, request: Request) -> Response:
        """Answer VOSI capabilities."""
        base = base_of(request)
        return Response(descriptions.capabilities(base, self._default_maxrec, self._limits), media_type="text/xml")

    async def availability(self, request: Request) -> Response:
        """Answer VOSI availability."""
        return await self._document(lambda: vosi.availability(next(iter(self._service.catalogs().values()))))

    async def tables(self, request: Request) -> Response:
        """Answer VOSI tables: all of them, or one."""
        only = request.path_params.get("table")
        brief = {name.lower(): value.lower() for name, value in request.query_params.items()}.get("detail") == "min"

        def make() -> bytes:
            found = self._service.database().tables
            return descriptions.tables(found, found.schemas, only, columns=not brief)

        try:
            return await self._document(make)
        except AdqlError:
            return Response(f"there is no table {only}\n", 404, media_type="text/plain")

    async def examples(self, request: Request) -> Response:
        """Answer DALI examples."""
        return await self._document(
            lambda: descriptions.examples(self._service.database().tables), "application/xhtml+xml"
        )

    async def _document(self, make: Callable[[], bytes], media_type: str = "text/xml") -> Response:
        try:
            return Response(await self._turns.small(make), media_type=media_type)
        except MirrorError as error:
            return self._refusal(error)

    def _refusal(self, error: MirrorError) -> Response:
        """Say an error as TAP wants it: with a status of HTTP that says so too (DALI 1.1 §4.2)."""
        response = error_response(error, self._name)
        if response.status_code == 200:
            response.status_code = _BAD_REQUEST if isinstance(error, ParameterError) else _FAILED
        return response


def _job_folder(name: str) -> Path:
    """Folder of the jobs of a service: with what can be worked out again."""
    return (layout.cache_dir() or Path(tempfile.gettempdir())) / "tap-jobs" / quote(name, safe="")
