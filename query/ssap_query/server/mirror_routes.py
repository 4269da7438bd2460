"""The addresses of one mirror for programs, and what answers there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from ssap_mirror.errors import MirrorError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ssap_query.engine.engine import Engine
from ssap_query.mirror.answer import PlannedRequest
from ssap_query.mirror.mirror import Mirror
from ssap_query.server import vosi
from ssap_query.server.answers import Answers, error_response
from ssap_query.server.limits import ServerLimits
from ssap_query.server.planning import plan_cone_search, plan_ssap
from ssap_query.server.traffic.incoming import raw_parameters
from ssap_query.server.traffic.turns import Turns
from ssap_query.ssap.request import decode

__all__ = ["MirrorRoutes"]

T = TypeVar("T")


class MirrorRoutes:
    """One mirror on the server.

    Parameters
    ----------
    name : str
        Of the mirror, in the address.
    mirror : Mirror
        What is asked.
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
        mirror: Mirror,
        turns: Turns,
        limits: ServerLimits,
        default_maxrec: int | None,
        dialect: str,
    ) -> None:
        self._name, self._mirror = name, mirror
        self._turns, self._limits = turns, limits
        self._default_maxrec, self._dialect = default_maxrec, dialect
        self._answers = Answers(name, turns, limits)

    def routes(self) -> list[BaseRoute]:
        """Addresses below the mirror's own."""
        both = ["GET", "POST"]
        return [
            Route("/ssap", self.ssap, methods=both),
            # The path that DaCHS has, so that one configuration fits both.
            Route("/ssap.xml", self.ssap, methods=both),
            Route("/scs", self.scs, methods=both),
            Route("/availability", self.availability),
            Route("/capabilities", self.capabilities),
            Route("/tables", self.tables),
        ]

    async def ssap(self, request: Request) -> Response:
        """Answer SSAP."""
        try:
            raw = await raw_parameters(request, self._limits)
            engine = await self._live()
            plan = partial(plan_ssap, engine, raw, self._dialect, self._default_maxrec)
            return await self._answers.respond(request, raw, engine.catalog, plan)
        except MirrorError as error:
            return error_response(error, self._name)

    async def scs(self, request: Request) -> Response:
        """Answer Simple Cone Search: RA, DEC and SR in degrees, on the target position."""
        try:
            raw = await raw_parameters(request, self._limits)
            engine = await self._live()

            def plan() -> PlannedRequest:
                given = {name.upper(): value for name, value in decode(raw)}
                return plan_cone_search(engine, given, self._default_maxrec)

            return await self._answers.respond(request, raw, engine.catalog, plan)
        except MirrorError as error:
            return error_response(error, self._name, cone_search=True)

    async def availability(self, request: Request) -> Response:
        """Answer VOSI availability."""
        return await self._document(lambda engine: vosi.availability(engine.catalog))

    async def capabilities(self, request: Request) -> Response:
        """Answer VOSI capabilities."""
        # The path as routed, without what a client may have put behind it.
        base = str(request.url.replace(query="", fragment="")).removesuffix("/capabilities")
        return await self._document(lambda engine: vosi.capabilities(engine.catalog, base, self._default_maxrec))

    async def tables(self, request: Request) -> Response:
        """Answer VOSI tables."""
        return await self._document(lambda engine: vosi.tables(engine.catalog))

    async def _live(self) -> Engine:
        """Engine of the live snapshot, which may be another one than a moment ago."""

        def refreshed() -> Engine:
            self._mirror.refresh()
            return self._mirror.engine

        return await self._turns.small(refreshed)

    async def _ask(self, work: Callable[[Engine], T]) -> T:
        """Ask the live snapshot in a thread."""
        engine = await self._live()
        return await self._turns.small(lambda: work(engine))

    async def _document(self, make: Callable[[Engine], bytes]) -> Response:
        try:
            return Response(await self._ask(make), media_type="text/xml")
        except MirrorError as error:
            return error_response(error, self._name)
