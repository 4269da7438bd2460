"""The mirrors over HTTP, for programs of the Virtual Observatory and for people, on this machine alone.

``/<mirror>/ssap`` answers SSAP (SSA 1.1), ``/<mirror>/scs`` Simple Cone Search (SCS 1.03), ``/<mirror>/tap`` TAP 1.1,
``/<mirror>/availability``, ``/capabilities`` and ``/tables`` VOSI 1.1, and ``/<mirror>/`` is a page to ask by hand.
Without ``/<mirror>`` the first mirror answers; ``/tap`` has all of them, and several are listed at ``/``. An error is a
VOTable with QUERY_STATUS=ERROR and, but for TAP, HTTP status 200, as the reference server does it and as VO clients
expect (SSA 1.1 §8.10.2; DALI 1.1 §4.2 leaves the status open).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import quote

from ssap_mirror.errors import MirrorError, ParameterError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from ssap_query.mirror.mirror import Mirror
from ssap_query.server.answers import error_message
from ssap_query.server.limits import ServerLimits
from ssap_query.server.mirror_routes import MirrorRoutes
from ssap_query.server.page.routes import PageRoutes
from ssap_query.server.published import PublishedRoutes
from ssap_query.server.tap.routes import TapRoutes
from ssap_query.server.tap.service import TapService
from ssap_query.server.traffic.headers import SafeHeaders
from ssap_query.server.traffic.turns import Turns

__all__ = ["LOOPBACK", "application"]

#: Names under which a server that listens on this machine alone can be asked.
LOOPBACK = ("127.0.0.1", "localhost")
# What a name of a mirror may look like in an address: no part of a route's pattern, and none that has to be escaped.
_NAME = re.compile(r"[^/{}?#%\\\s]+")


def application(
    mirrors: Mapping[str, Mirror],
    *,
    default_maxrec: int | None = None,
    dialect: str = "ivoa",
    limits: ServerLimits | None = None,
    hosts: Sequence[str] = LOOPBACK,
    publish: bool = False,
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
    limits : ServerLimits, optional
        What clients get.
    hosts : sequence of str
        Names of this machine in the addresses that are answered. A request under another name is refused: a page from
        elsewhere may have had its own name point here (DNS rebinding).
    publish : bool
        Whether others may pull the mirrors' own files.

    Raises
    ------
    ParameterError
        If there is no mirror to serve, or one cannot be part of an address.
    """
    parameter = "mirrors"
    if not mirrors:
        raise ParameterError(parameter, mirrors, "holds no mirror to serve")
    for name in mirrors:
        if not _NAME.fullmatch(name) or name in (".", ".."):
            raise ParameterError(parameter, name, "cannot be part of an address: blanks and / { } ? # % \\ cannot")
    limits = limits or ServerLimits()
    turns = Turns(limits)
    served: dict[str, list[BaseRoute]] = {}
    for name, mirror in mirrors.items():
        tap = TapService({name: mirror}, limits)
        served[name] = [
            *(PublishedRoutes(mirror, turns).routes() if publish else ()),
            *MirrorRoutes(name, mirror, turns, limits, default_maxrec, dialect).routes(),
            *TapRoutes(name, tap, turns, limits, default_maxrec).routes(),
            *PageRoutes(name, mirrors, tap, turns, limits, default_maxrec, dialect).routes(),
        ]
    routes: list[BaseRoute] = [Mount(f"/{name}", routes=found) for name, found in served.items()]
    # All mirrors together, so that they can be joined; below the names of mirrors, and above the first one's own.
    routes += TapRoutes("mirrors", TapService(mirrors, limits), turns, limits, default_maxrec).routes()
    if len(mirrors) > 1:

        async def mirror_list(request: Request) -> Response:
            return HTMLResponse(await turns.small(lambda: _mirror_list(mirrors)))

        routes.append(Route("/", mirror_list))
    middleware = [
        Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
        Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST", "HEAD"]),
        Middleware(SafeHeaders),
    ]
    return Starlette(routes=[*routes, *next(iter(served.values()))], middleware=middleware)


def _mirror_list(mirrors: Mapping[str, Mirror]) -> str:
    """Page for the root of a server of several mirrors."""
    items = "\n".join(_item(name, mirror) for name, mirror in mirrors.items())
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Mirrors</title>'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"></head>\n'
        f"<body><main><h1>Mirrors</h1>\n<ul>\n{items}\n</ul>\n"
        '<p>All of them as one TAP service: <a href="tap/examples">tap</a></p></main></body></html>\n'
    )


def _item(name: str, mirror: Mirror) -> str:
    try:
        mirror.refresh()
        catalog = mirror.catalog
        made_up = "; synthetic rows" if catalog.synthetic else ""
        state = f"{catalog.title}: {catalog.rows:,} spectra, as of {catalog.manifest['created']}{made_up}"
    except MirrorError as error:
        state = error_message(error, name)
    return f'<li><a href="{quote(name)}/">{escape(name)}</a> {escape(state)}</li>'
