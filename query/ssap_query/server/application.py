"""The mirrors over HTTP, for programs of the Virtual Observatory and for people, on this machine alone.

``/<mirror>/ssap`` answers SSAP (SSA 1.1), ``/<mirror>/scs`` Simple Cone Search (SCS 1.03), ``/<mirror>/availability``,
``/capabilities`` and ``/tables`` VOSI 1.1, and ``/<mirror>/`` is a page to ask by hand. Without ``/<mirror>`` the
first mirror answers. An error is a VOTable with QUERY_STATUS=ERROR and HTTP status 200, as the reference server does it
and as VO clients expect (SSA 1.1 §8.10.2; DALI 1.1 §4.2 leaves the status open).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from itertools import chain
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from ssap_mirror.errors import MirrorError, ParameterError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import BaseRoute, Mount, Route

from ssap_query.mirror.answer import answer, read_request
from ssap_query.mirror.mirror import Mirror
from ssap_query.mirror.result import ResultSet
from ssap_query.render import chunks, format_named
from ssap_query.server import vosi
from ssap_query.server.cone_search import cone_search
from ssap_query.ssap import REGISTRY
from ssap_query.ssap.request import decode, parse

__all__ = ["application", "serve"]

_MAX_BODY = 4_000_000
_PAGE_ROWS = 2000


def application(
    mirrors: Mapping[str, Mirror], *, default_maxrec: int | None = None, dialect: str = "ivoa"
) -> Starlette:
    """Make the web application.

    Parameters
    ----------
    mirrors : mapping of str to Mirror
        Name in the address -> mirror; the first is also served at the root.
    default_maxrec : int, optional
        Rows of a result where MAXREC is not given; without it, none are held back.
    dialect : {'ivoa', 'dachs'}
        Whose reading of the parameters.

    Raises
    ------
    ParameterError
        If there is no mirror to serve.
    """
    if not mirrors:
        name = "mirrors"
        raise ParameterError(name, mirrors, "holds no mirror to serve")
    served = {
        name: MirrorRoutes(name, mirror, default_maxrec, dialect, tuple(mirrors)) for name, mirror in mirrors.items()
    }
    first = next(iter(served.values()))
    routes: list[BaseRoute] = [Mount(f"/{name}", routes=found.routes()) for name, found in served.items()]
    return Starlette(routes=[*routes, *first.routes()])


def serve(
    mirrors: Mapping[str, Mirror],
    *,
    port: int = 8137,
    default_maxrec: int | None = None,
    dialect: str = "ivoa",
    host: str = "127.0.0.1",
) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    mirrors, default_maxrec, dialect
        As for `application`.
    port : int
        Port to listen on.
    host : str
        Address to listen on.
    """
    import uvicorn

    app = application(mirrors, default_maxrec=default_maxrec, dialect=dialect)
    uvicorn.run(app, host=host, port=port, log_level="warning")


class MirrorRoutes:
    """The addresses of one mirror, and what answers there."""

    def __init__(
        self, name: str, mirror: Mirror, default_maxrec: int | None, dialect: str, siblings: tuple[str, ...]
    ) -> None:
        self._name = name
        self._mirror = mirror
        self._default_maxrec = default_maxrec
        self._dialect = dialect
        self._siblings = siblings

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
            Route("/about.json", self.about),
            Route("/rows.json", self.rows),
            Route("/", self.page),
        ]

    async def ssap(self, request: Request) -> Response:
        """Answer SSAP."""
        try:
            raw = await _raw_request(request)
            return await run_in_threadpool(lambda: _streamed(self._search(raw)))
        except MirrorError as error:
            return _error(error)

    def _search(self, raw: bytes) -> ResultSet:
        self._mirror.refresh()
        request = parse(raw, self._dialect)
        if self._default_maxrec is not None:
            request = request.with_default("MAXREC", str(self._default_maxrec))
        return self._mirror.ssap(request, ignore_unanswerable=True)

    async def scs(self, request: Request) -> Response:
        """Answer Simple Cone Search: RA, DEC and SR in degrees, on the target position."""
        try:
            given = {name.upper(): value for name, value in decode(await _raw_request(request))}
            return await run_in_threadpool(lambda: _streamed(self._cone(given)))
        except MirrorError as error:
            return _error(error, cone_search=True)

    def _cone(self, given: Mapping[str, object]) -> ResultSet:
        self._mirror.refresh()
        return cone_search(self._mirror.engine, given, self._default_maxrec)

    async def availability(self, request: Request) -> Response:
        """Answer VOSI availability."""
        return Response(vosi.availability(self._mirror.catalog), media_type="text/xml")

    async def capabilities(self, request: Request) -> Response:
        """Answer VOSI capabilities."""
        base = str(request.url).rpartition("/capabilities")[0]
        document = vosi.capabilities(self._mirror.catalog, base, self._default_maxrec)
        return Response(document, media_type="text/xml")

    async def tables(self, request: Request) -> Response:
        """Answer VOSI tables."""
        return Response(vosi.tables(self._mirror.catalog), media_type="text/xml")

    async def about(self, request: Request) -> Response:
        """Tell the page what it is about and which parameters there are."""
        catalog = self._mirror.catalog
        metadata = await run_in_threadpool(self._mirror.ssap, "REQUEST=queryData&FORMAT=METADATA", self._dialect)
        described = {item.name.upper(): item for item in metadata.inputs}
        parameters = [
            {
                "name": parameter.name,
                "description": parameter.description,
                "unit": parameter.unit,
                "grammar": parameter.grammar,
                "example": next(iter(parameter.examples), ""),
                "minimum": described[parameter.name].minimum,
                "maximum": described[parameter.name].maximum,
                "options": list(described[parameter.name].options),
            }
            for parameter in REGISTRY
            if parameter.name in described and parameter.name not in _NOT_ON_THE_PAGE
        ]
        return JSONResponse(
            {
                "name": self._name,
                "title": catalog.title,
                "synthetic": catalog.synthetic,
                "rows": catalog.rows,
                "created": catalog.manifest["created"],
                "mirrors": list(self._siblings),
                "roles": catalog.schema.roles,
                "page_rows": _PAGE_ROWS,
                "parameters": parameters,
            }
        )

    async def rows(self, request: Request) -> Response:
        """Answer the page: rows to show, and what it draws."""
        try:
            return JSONResponse(await run_in_threadpool(self._rows, await _raw_request(request)))
        except MirrorError as error:
            return JSONResponse({"status": "ERROR", "message": str(error)})

    def _rows(self, raw: bytes) -> dict[str, Any]:
        engine = self._mirror.engine
        schema = engine.catalog.schema
        parsed = read_request(schema, raw, self._dialect)
        drawn = {role: schema.roles[role] for role in ("location", "snr", "t_mid") if role in schema.roles}
        names = dict.fromkeys([*parsed.columns.names, *drawn.values()])
        result = answer(engine, replace(parsed, columns=schema.select(names)))
        table = result.to_arrow()
        columns = {name: [_plain(cell) for cell in table[name].to_pylist()] for name in result.schema.names}
        shown = [column for column in result.schema if column.name in parsed.columns or column.name not in names]
        drawable = {role: [v for v in columns.get(name, ()) if v is not None] for role, name in drawn.items()}
        return {
            "status": result.status,
            "notes": list(result.notes),
            "columns": [{"name": c.name, "unit": c.unit, "description": c.description} for c in shown],
            "rows": list(zip(*(columns[column.name] for column in shown), strict=True)),
            "points": drawable.get("location", []),
            "snr": drawable.get("snr", []),
            "time": drawable.get("t_mid", []),
        }

    async def page(self, request: Request) -> Response:
        """Show the page."""
        if not request.url.path.endswith("/"):
            return RedirectResponse(f"{request.url.path}/")
        return HTMLResponse(resources.files("ssap_query").joinpath("data/page.html").read_text("utf-8"))


_NOT_ON_THE_PAGE = frozenset({"REQUEST", "RESPONSEFORMAT", "COMPRESS", "RUNID", "MAXREC", "VERB"})


def _plain(value: Any) -> Any:
    """Make a value that JSON can hold; NaN and infinities become text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


async def _raw_request(request: Request) -> bytes:
    """Read the parameters as sent, still encoded: a query string, or the body of a form."""
    query = bytes(request.scope["query_string"])
    if request.method != "POST":
        return query
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", ""):
        name = "Content-Type"
        raise ParameterError(name, kind, "is not what a form is sent as: application/x-www-form-urlencoded")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MAX_BODY:
            name = "request"
            raise ParameterError(name, body[:100], f"is larger than the {_MAX_BODY:,} bytes allowed")
    return b"&".join(part for part in (query, body) if part)


def _streamed(result: ResultSet) -> Response:
    """Send a result while it is being written."""
    try:
        chosen = format_named(result.response_format)
    except ParameterError:
        parameter = "RESPONSEFORMAT"
        raise ParameterError(parameter, result.response_format, "is not served here") from None
    stream = chunks(result, chosen.name)
    # What fails before the first piece is there can still be told as an error.
    pieces = chain([next(stream, b"")], stream)
    # Truncation cannot be told within every format, so it is told beside all of them.
    return StreamingResponse(pieces, media_type=chosen.media_type, headers={"X-Query-Status": result.status})


def _error(error: MirrorError, *, cone_search: bool = False) -> Response:
    """Say an error as its protocol wants it: DALI 1.1 §4.4.1, or SCS 1.03 §2.3."""
    message = " ".join(str(error).split())
    info = (
        f'<INFO ID="Error" name="Error" value={quoteattr(message)}/>'
        if cone_search
        else f'<INFO name="QUERY_STATUS" value="ERROR">{escape(message)}</INFO>'
    )
    document = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f'<RESOURCE type="results">{info}</RESOURCE></VOTABLE>\n'
    )
    return Response(document.encode("utf-8", "replace"), media_type="text/xml")
