"""The parameters of TAP (TAP 1.1 §2.7), read from a query string or a form, with the files that come with it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import anyio
from ssap_mirror.errors import ParameterError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from ssap_query.arrow.formats import FORMATS, Format
from ssap_query.server.limits import ServerLimits

__all__ = ["Parameters", "TapRequest", "UploadSpec", "read_parameters", "read_request"]

_LANGUAGES = ("ADQL", "ADQL-2.0", "ADQL-2.1")
_MULTIPART = "multipart/form-data"
_FORMS = ("application/x-www-form-urlencoded", _MULTIPART, "")
# Parameters of which there may be several; they are put together.
_SEVERAL = "UPLOAD"


@dataclass(frozen=True)
class Parameters:
    """What a client has sent."""

    values: Mapping[str, str]
    """Name in upper case -> value; the last one where there are several."""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Name -> file, for ``param:`` of an upload."""

    def with_others(self, others: Parameters) -> Parameters:
        """Put others in their place."""
        return Parameters({**self.values, **others.values}, {**self.files, **others.files})


@dataclass(frozen=True)
class UploadSpec:
    """A table that comes with a query."""

    name: str
    """What the query calls it."""
    uri: str
    """Where it is: ``param:name`` or an address."""


@dataclass(frozen=True)
class TapRequest:
    """A query and what is wanted of it."""

    query: str
    """ADQL."""
    maxrec: int | None
    """At most so many rows; None is no limit."""
    format: Format
    """Format of the result."""
    media_type: str
    """What the result is sent as."""
    uploads: tuple[UploadSpec, ...]
    """Tables that come with it."""


async def read_parameters(request: Request, limits: ServerLimits) -> Parameters:
    """Read what a client has sent.

    Raises
    ------
    ParameterError
        If the body is no form, too large, or does not arrive in time.
    """
    pairs = [(name, value) for name, value in request.query_params.multi_items()]
    files: dict[str, bytes] = {}
    if request.method == "POST":
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _FORMS:
            name = "Content-Type"
            raise ParameterError(name, kind, f"is not what a form is sent as: {_FORMS[0]} or {_MULTIPART}")
        try:
            with anyio.fail_after(limits.upload_s if kind == _MULTIPART else limits.body_s):
                if kind == _MULTIPART:
                    form = await _multipart(request, limits)
                    pairs += [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
                    for name, item in form.multi_items():
                        if isinstance(item, UploadFile):
                            files[name.lower()] = await item.read()
                            await item.close()
                else:
                    body = b"".join([piece async for piece in _bounded(request, limits.body_bytes, limits.body_s)])
                    pairs += parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        except TimeoutError:
            name = "request"
            raise ParameterError(name, "", "did not arrive in time, or stopped on its way") from None
        except ClientDisconnect:
            name = "request"
            raise ParameterError(name, "", "was broken off by who sent it") from None
    values: dict[str, str] = {}
    for name, value in pairs:
        key = name.upper()
        values[key] = f"{values[key]};{value}" if key == _SEVERAL and values.get(key) else value
    return Parameters(values, files)


async def _multipart(request: Request, limits: ServerLimits) -> FormData:
    try:
        stream = _bounded(request, limits.upload_bytes, limits.body_s)
        return await MultiPartParser(request.headers, stream, max_part_size=limits.body_bytes).parse()
    except MultiPartException as error:
        name = "request"
        raise ParameterError(name, "", f"is no form that can be read: {error.message}") from None


async def _bounded(request: Request, most: int, pause_s: float) -> AsyncGenerator[bytes, None]:
    """Give a body of at most so many bytes, as long as it goes on arriving."""
    size, stream = 0, aiter(request.stream())
    while True:
        with anyio.fail_after(pause_s):
            piece = await anext(stream, None)
        if piece is None:
            return
        size += len(piece)
        if size > most:
            name = "request"
            raise ParameterError(name, "", f"is larger than the {most:,} bytes allowed")
        yield piece


def read_request(parameters: Parameters, default_maxrec: int | None) -> TapRequest:
    """Read the parameters of a query.

    Parameters
    ----------
    parameters : Parameters
        What was sent.
    default_maxrec : int, optional
        Rows of a result where MAXREC is not given.

    Raises
    ------
    ParameterError
        If one is missing or cannot be read.
    """
    given = parameters.values
    operation = given.get("REQUEST", "doQuery")
    if operation != "doQuery":
        name = "REQUEST"
        raise ParameterError(name, operation, "is not doQuery, the only one there is")
    language = given.get("LANG", "")
    if language.upper() not in _LANGUAGES:
        name = "LANG"
        raise ParameterError(name, language, f"is none of {', '.join(_LANGUAGES)}")
    query = given.get("QUERY", "")
    if not query.strip():
        name = "QUERY"
        raise ParameterError(name, query, "is missing")
    asked = given.get("RESPONSEFORMAT") or given.get("FORMAT") or FORMATS[0].name
    found = _format(asked)
    plain = "".join(asked.split())
    return TapRequest(
        query=query,
        maxrec=_maxrec(given.get("MAXREC"), default_maxrec),
        format=found,
        media_type=plain if "/" in plain and plain.lower() != found.response_format else found.media_type,
        uploads=tuple(_uploads(given.get("UPLOAD", ""))),
    )


def _format(name: str) -> Format:
    wanted = "".join(name.lower().split())
    for known in FORMATS:
        if wanted in known.names:
            return known
    parameter = "RESPONSEFORMAT"
    raise ParameterError(parameter, name, f"is none of {', '.join(known.name for known in FORMATS)}")


def _maxrec(text: str | None, default: int | None) -> int | None:
    if text is None or not text.strip():
        return default
    if not text.strip().isdecimal():
        name = "MAXREC"
        raise ParameterError(name, text, "is not a number of rows")
    return int(text)


def _uploads(text: str) -> Sequence[UploadSpec]:
    found = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, comma, uri = part.partition(",")
        if not comma or not uri.strip():
            parameter = "UPLOAD"
            raise ParameterError(parameter, part, "is not of the form NAME,URI")
        found.append(UploadSpec(name.strip(), uri.strip()))
    names = [upload.name.lower() for upload in found]
    for upload in found:
        if names.count(upload.name.lower()) > 1:
            parameter = "UPLOAD"
            raise ParameterError(parameter, upload.name, "is the name of two tables")
    return found
