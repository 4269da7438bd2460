"""Results and errors as HTTP responses."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from importlib.metadata import version
from xml.sax.saxutils import escape, quoteattr

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.errors import MirrorError, ParameterError
from starlette.requests import Request
from starlette.responses import Response

from ssap_query.arrow.formats import Format
from ssap_query.engine.rows import InMemoryRows
from ssap_query.mirror.answer import PlannedRequest
from ssap_query.mirror.result import ResultSet
from ssap_query.render import chunks, format_named
from ssap_query.server.limits import ServerLimits
from ssap_query.server.traffic.sending import Streamed, close, gzipped
from ssap_query.server.traffic.turns import ServerBusyError, Turns

__all__ = ["Answers", "error_document", "error_message", "error_response"]

_LOG = logging.getLogger(__name__)
# Shown by a browser; others are files to save.
_SHOWN = frozenset({"html", "json", "text", "votable"})
# Packed already.
_BINARY = frozenset({"parquet"})
_RETRY_S = 30


class Answers:
    """Answers requests within the limits of a server.

    Parameters
    ----------
    name : str
        Of the mirror, for file names and errors.
    turns : Turns
        Who works when.
    limits : ServerLimits
        Of the server.
    """

    def __init__(self, name: str, turns: Turns, limits: ServerLimits) -> None:
        self._name = name
        self._turns = turns
        self._limits = limits

    async def respond(
        self, request: Request, raw: bytes, catalog: Catalog, plan: Callable[[], PlannedRequest]
    ) -> Response:
        """Answer a request.

        Parameters
        ----------
        request : starlette.requests.Request
            What came.
        raw : bytes
            Its parameters.
        catalog : Catalog
            The snapshot that is asked.
        plan : callable
            Reads the request, and chooses how its rows are found.

        Raises
        ------
        MirrorError
            If it cannot be answered.
        """
        tag = _entity_tag(catalog, request, raw)
        headers = {
            "ETag": tag,
            "Last-Modified": format_datetime(_created(catalog), usegmt=True),
            "Vary": "Accept-Encoding",
            "Cache-Control": "no-cache",
        }
        if tag in [known.strip() for known in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        planned = await self._turns.small(plan)
        chosen = _format_of(planned)
        headers["Content-Disposition"] = self._disposition(chosen)
        if request.method == "HEAD":
            return Response(headers=headers, media_type=chosen.media_type)
        pack = _wants_gzip(request, chosen)
        if pack:
            headers["Content-Encoding"] = "gzip"
        large = planned.touched_rows > self._limits.touched_rows
        result = await (self._turns.search if large else self._turns.small)(planned.result)
        with ExitStack() as turn:
            if not self._is_small(result):
                again = False
                if not self._turns.take_now():
                    if again := isinstance(result.rows, InMemoryRows):
                        del result  # who waits for a turn holds no rows meanwhile
                    await self._turns.take()
                turn.callback(self._turns.give_back)
                if again:
                    result = await self._turns.search(planned.result)
            return await self._sent(result, chosen, chosen.media_type, headers, turn, pack=pack)

    async def send(self, request: Request, result: ResultSet, chosen: Format, media_type: str) -> Response:
        """Send a result that has been worked out.

        Parameters
        ----------
        request : starlette.requests.Request
            What came.
        result : ResultSet
            The answer to it.
        chosen : Format
            How it is written.
        media_type : str
            What that is called.

        Raises
        ------
        MirrorError
            If no turn comes in time.
        """
        headers = {"Vary": "Accept-Encoding", "Content-Disposition": self._disposition(chosen)}
        pack = _wants_gzip(request, chosen)
        if pack:
            headers["Content-Encoding"] = "gzip"
        with ExitStack() as turn:
            if not self._is_small(result):
                await self._turns.take()
                turn.callback(self._turns.give_back)
            return await self._sent(result, chosen, media_type, headers, turn, pack=pack)

    async def _sent(
        self,
        result: ResultSet,
        chosen: Format,
        media_type: str,
        headers: dict[str, str],
        turn: ExitStack,
        *,
        pack: bool,
    ) -> Response:
        headers["X-Query-Status"] = result.status
        if self._is_small(result):
            body = await self._turns.small(lambda: b"".join(_pieces(result, chosen, pack=pack)))
            return Response(body, headers=headers, media_type=media_type)
        pieces = _pieces(result, chosen, pack=pack)
        # What fails before the first piece is there can still be told as an error.
        first = await self._turns.large(lambda: next(pieces, b""))
        return Streamed(
            _after(first, pieces),
            work=self._turns.large,
            done=turn.pop_all().close,  # the turn is the stream's from here
            stall_s=self._limits.stall_s,
            media_type=media_type,
            headers=headers,
        )

    def _is_small(self, result: ResultSet) -> bool:
        return isinstance(result.rows, InMemoryRows) and result.rows.table.nbytes <= self._limits.small_bytes

    def _disposition(self, chosen: Format) -> str:
        kind = "inline" if chosen.name in _SHOWN else "attachment"
        plain = re.sub(r"[^A-Za-z0-9._-]+", "_", self._name) or "spectra"
        return f'{kind}; filename="{plain}{chosen.saved_as}"'


def _after(first: bytes, pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    """Give a piece that has been taken and then the others."""
    try:
        yield first
        yield from pieces
    finally:
        close(pieces)


def _pieces(result: ResultSet, chosen: Format, *, pack: bool) -> Iterator[bytes]:
    pieces = chunks(result, chosen.name)
    return gzipped(pieces) if pack else pieces


def _wants_gzip(request: Request, chosen: Format) -> bool:
    accepted = (item.partition(";") for item in request.headers.get("accept-encoding", "").lower().split(","))
    return chosen.name not in _BINARY and any(
        coding.strip() == "gzip" and not re.fullmatch(r"\s*q=0(?:\.0*)?\s*", weight) for coding, _, weight in accepted
    )


def _format_of(planned: PlannedRequest) -> Format:
    try:
        return format_named(planned.response_format)
    except ParameterError:
        name = "RESPONSEFORMAT"
        raise ParameterError(name, planned.response_format, "is not served here") from None


def _entity_tag(catalog: Catalog, request: Request, raw: bytes) -> str:
    """Name what an answer depends on; it is weak, since the same rows may be packed in other ways."""
    parts = (catalog.path.name, catalog.manifest["created"], request.url.path, raw.hex(), _version())
    return f'W/"{hashlib.sha256(chr(0).join(map(str, parts)).encode()).hexdigest()[:32]}"'


@cache
def _version() -> str:
    """Version of the package, which is looked up on disk."""
    return version("ssap-mirror")


def _created(catalog: Catalog) -> datetime:
    """When the snapshot was made."""
    made = datetime.fromisoformat(str(catalog.manifest["created"]))
    return made.astimezone(UTC) if made.tzinfo else made.replace(tzinfo=UTC)


def error_message(error: MirrorError, name: str) -> str:
    """Say in a sentence what is wrong with a request; what is wrong here is not told but logged, for it names paths."""
    if isinstance(error, ParameterError | ServerBusyError):
        return " ".join(str(error).split())
    _LOG.error("mirror %s: %s", name, error)
    return f"mirror {name} cannot be read just now; ssap-mirror verify {name} says more where it is served"


def error_response(error: MirrorError, name: str, *, cone_search: bool = False) -> Response:
    """Say an error as its protocol wants it: DALI 1.1 §4.4.1, or SCS 1.03 §2.3."""
    headers, status = {}, 200
    message = error_message(error, name)
    if isinstance(error, ServerBusyError):
        headers, status = {"Retry-After": str(_RETRY_S)}, 503
    document = error_document(message, cone_search=cone_search)
    return Response(document, status, headers, media_type="text/xml")


def error_document(message: str, *, cone_search: bool = False) -> bytes:
    """Write what is wrong as a VOTable."""
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
    return document.encode("utf-8", "replace")
