"""A server of mirrors from its start to its end."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Mapping

from ssap_mirror.errors import MirrorError
from starlette.types import ASGIApp, Receive, Scope, Send

from ssap_query.mirror.mirror import Mirror
from ssap_query.server.application import LOOPBACK, application
from ssap_query.server.limits import ServerLimits

__all__ = ["serve"]

_LOG = logging.getLogger(__name__)

_BACKLOG = 128
# Ports after the first that are tried.
_TRIED = 100


def serve(
    mirrors: Mapping[str, Mirror],
    *,
    host: str = LOOPBACK[0],
    port: int = 8137,
    any_port: bool = False,
    default_maxrec: int | None = None,
    dialect: str = "ivoa",
    limits: ServerLimits | None = None,
    names: tuple[str, ...] = (),
    access_log: bool = False,
    publish: bool = False,
    ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    mirrors, default_maxrec, dialect, limits, publish
        As for `ssap_query.server.application.application`.
    host : str
        Address to listen on.
    port : int
        Port to listen on.
    any_port : bool
        Take one of the next ports if this one is taken.
    names : tuple of str
        Names of this machine that are answered to besides `host` and those of the loopback address.
    access_log : bool
        Write a line for each request to the standard error.
    ready : callable
        Gets the address when there is somebody to answer.

    Raises
    ------
    MirrorError
        If the address cannot be listened on.
    """
    import uvicorn

    limits = limits or ServerLimits()
    hosts = (*LOOPBACK, *({host} - {"0.0.0.0", "::"}), *names)
    app = application(
        mirrors, default_maxrec=default_maxrec, dialect=dialect, limits=limits, hosts=hosts, publish=publish
    )
    config = uvicorn.Config(
        _ending_quietly(app),
        log_level="info" if access_log else "warning",
        access_log=access_log,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=int(limits.shutdown_s),
    )
    with _listening(host, port, _TRIED if any_port else 1) as listening:
        shown = f"[{host}]" if ":" in host else host
        ready(f"http://{shown}:{listening.getsockname()[1]}")
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:
            return


def _ending_quietly(app: ASGIApp) -> ASGIApp:
    """Break off an answer without a traceback: when the server ends, or its client sends what is no HTTP behind it."""
    import h11

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            _LOG.warning("an answer was broken off: the server ends")
        except h11.LocalProtocolError:
            _LOG.warning("an answer was broken off: its client broke the protocol")

    return wrapped


def _listening(host: str, port: int, tries: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + tries, 65536)):
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, candidate))
            listening.listen(_BACKLOG)
        except OSError as error:
            listening.close()
            if error.errno == errno.EADDRINUSE and candidate + 1 < port + tries:
                continue
            reason = f"port {candidate} is taken; --port names another" if error.errno == errno.EADDRINUSE else error
            message = f"{host}:{candidate} cannot be listened on: {reason}"
            raise MirrorError(message) from error
        return listening
    message = f"no port from {port} on is free"
    raise MirrorError(message)
