"""The addresses of the page of one mirror."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, TypeVar
from urllib.parse import quote

import anyio
from anyio import to_thread
from ssap_mirror.errors import MirrorError, ParameterError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ssap_query.mirror.mirror import Mirror
from ssap_query.server.answers import error_message
from ssap_query.server.limits import ServerLimits
from ssap_query.server.page.about import about
from ssap_query.server.page.adql_page import AdqlPages
from ssap_query.server.page.details import one_row
from ssap_query.server.page.overview import overview
from ssap_query.server.page.table import PagePlan, plan_page, table_page
from ssap_query.server.tap.descriptions import example_queries
from ssap_query.server.tap.service import TapService
from ssap_query.server.traffic.incoming import raw_parameters
from ssap_query.server.traffic.turns import Turns

__all__ = ["PageRoutes"]

T = TypeVar("T")
_FILES = resources.files("ssap_query.server.page").joinpath("static")


class PageRoutes:
    """The page of one mirror on the server.

    Parameters
    ----------
    name : str
        Of the mirror, in the address.
    mirrors : mapping of str to Mirror
        All mirrors of the server.
    service : TapService
        What answers the mirror's queries in ADQL.
    turns : Turns
        Who works when; shared by all mirrors.
    limits : ServerLimits
        Of the server.
    default_maxrec : int, optional
        Rows of a result where MAXREC is not given.
    dialect : {'ivoa', 'dachs'}
        Whose reading of the parameters.
    """

    def __init__(
        self,
        name: str,
        mirrors: Mapping[str, Mirror],
        service: TapService,
        turns: Turns,
        limits: ServerLimits,
        default_maxrec: int | None,
        dialect: str,
    ) -> None:
        self._name, self._mirrors, self._mirror = name, mirrors, mirrors[name]
        self._service, self._turns, self._limits = service, turns, limits
        self._default_maxrec, self._dialect = default_maxrec, dialect
        self._adql = AdqlPages(service, default_maxrec)
        self._queries = anyio.CapacityLimiter(limits.queries)

    def routes(self) -> list[BaseRoute]:
        """Addresses below the mirror's own."""
        both = ["GET", "POST"]
        return [
            Route("/about.json", self.about),
            Route("/examples.json", self.examples),
            Route("/rows.json", self.rows, methods=both),
            Route("/row.json", self.row, methods=both),
            Route("/overview.json", self.overview, methods=both),
            Route("/adql.json", self.adql, methods=both),
            Mount("/page", StaticFiles(directory=str(_FILES))),
            Route("/", self.page),
        ]

    async def page(self, request: Request) -> Response:
        """Show the page, at the mirror's own address."""
        home = f"/{self._name}/"
        if request.scope["path"] != home:
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(f"{quote(home)}{query}")
        return HTMLResponse(_FILES.joinpath("index.html").read_text("utf-8"))

    async def about(self, request: Request) -> Response:
        """Tell the page what it is about and which parameters there are."""

        def told() -> dict[str, Any]:
            return about(self._mirror.live_engine(), self._name, self._mirrors, self._dialect, self._default_maxrec)

        return await self._answer(lambda: self._turns.small(told))

    async def examples(self, request: Request) -> Response:
        """Give queries in ADQL to begin with."""

        def told() -> dict[str, Any]:
            found = example_queries(self._service.database().tables)
            return {"status": "OK", "examples": [{"title": title, "query": query} for title, _, query in found]}

        return await self._answer(lambda: self._turns.small(told))

    async def rows(self, request: Request) -> Response:
        """Give a page of the table."""
        return await self._answer(lambda: self._ask(request, lambda plan: table_page(plan, self._limits.page_rows)))

    async def row(self, request: Request) -> Response:
        """Give one row in full."""
        return await self._answer(
            lambda: self._ask(request, lambda plan: one_row(plan, self._mirror), all_columns=True)
        )

    async def overview(self, request: Request) -> Response:
        """Give the map and the histograms of all rows."""
        return await self._answer(lambda: self._ask(request, overview))

    async def adql(self, request: Request) -> Response:
        """Give a page of the answer to a query in ADQL."""

        async def asked() -> dict[str, Any]:
            raw = await raw_parameters(request, self._limits)
            return await to_thread.run_sync(lambda: self._adql.page(raw, self._limits.page_rows), limiter=self._queries)

        return await self._answer(asked)

    async def _ask(self, request: Request, work: Callable[[PagePlan], T], *, all_columns: bool = False) -> T:
        """Ask the live snapshot; what it gives is small, so nobody who reads slowly is waited for."""
        raw = await raw_parameters(request, self._limits)
        plan = await self._turns.small(
            lambda: plan_page(self._mirror.live_engine(), raw, self._dialect, all_columns=all_columns)
        )
        large = plan.planned.touched_rows > self._limits.touched_rows
        return await (self._turns.search if large else self._turns.small)(lambda: work(plan))

    async def _answer(self, ask: Callable[[], Any]) -> Response:
        """Send what was worked out; an error goes with the name of its parameter, to be shown beside its field."""
        try:
            found = await ask()
        except MirrorError as error:
            told = {"status": "ERROR", "message": error_message(error, self._name)}
            if isinstance(error, ParameterError):
                told |= {"parameter": error.name, "reason": error.reason}
            return JSONResponse(told)
        body = found if isinstance(found, bytes) else json.dumps(found, allow_nan=False).encode()
        return Response(body, media_type="application/json")
