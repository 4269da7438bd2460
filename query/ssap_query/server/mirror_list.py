"""What is at the root of a server of several mirrors: a list of them, as a page without a script."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import quote

from ssap_mirror.errors import MirrorError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ssap_query.mirror.mirror import Mirror
from ssap_query.server.answers import error_message
from ssap_query.server.traffic.turns import Turns

__all__ = ["mirror_list_route"]


def mirror_list_route(mirrors: Mapping[str, Mirror], turns: Turns) -> Route:
    """Make the address of the list.

    Parameters
    ----------
    mirrors : mapping of str to Mirror
        Name in the address -> mirror, in the order of the list.
    turns : Turns
        Who works when.
    """

    async def respond(request: Request) -> Response:
        return HTMLResponse(await turns.small(lambda: _page(mirrors)))

    return Route("/", respond)


def _page(mirrors: Mapping[str, Mirror]) -> str:
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
