"""What arrives: a query string or (name, value) pairs, read once into an `SsapRequest`.

It undoes the percent-encoding of the URL, spells the names canonically, drops empty values and decides which of several
values counts. Escapes that were encoded twice stay: they belong to the grammar of lists (`ssap_query.ssap.ranges`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.registry import REGISTRY, parameter

__all__ = ["DIALECTS", "Pairs", "SsapRequest", "decode", "parse"]

DIALECTS = ("ivoa", "dachs")

#: Names and values in order.
Pairs: TypeAlias = Iterable[tuple[str, object]]

# Where the reference server goes by the first value (after having checked the last), and under which spelling.
_FIRST_COUNTS = {"FORMAT": "FORMAT", "MAXREC": "MAXREC", "VERB": "VERB", "RESPONSEFORMAT": "responseformat"}
# Never looked into, so it may be any bytes.
_OPAQUE = frozenset({"RUNID"})
_NAMES = tuple(param.name for param in REGISTRY)
# Those that take a sequence of strings from Python (never from text).
_OF_SEQUENCES = frozenset(param.name for param in REGISTRY if param.takes_sequence)
# SSA 1.1 §8.2.4: known and without effect if the version is spoken here, so not worth a note.
_VERSION = "VERSION"
# What a third level says, after the second's one digit, changes nothing (§8.2.1, §8.2.2).
_SPOKEN = re.compile(r"1\.[01]\d*", re.ASCII)

# What errors name where no parameter is to blame.
_WHOLE, _DIALECT = "request", "dialect"
_MAX_REQUEST_BYTES = 4_000_000
_MAX_VALUE_CHARACTERS = 1_000_000
_MAX_PAIRS = 10_000


@dataclass(frozen=True)
class SsapRequest:
    """A request in one of the dialects: everything a result depends on."""

    pairs: tuple[tuple[str, object], ...]
    """Names and values as given, decoded, in order; empty and unknown ones included."""
    dialect: str
    """``ivoa`` or ``dachs``."""
    values: Mapping[str, object] = field(hash=False)
    """Canonical name -> the value that counts: text, or a tuple of strings for identifiers given from Python."""
    first: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """Dialect ``dachs``: the first values of FORMAT, MAXREC, VERB and RESPONSEFORMAT, which take effect there."""
    notes: tuple[str, ...] = ()
    """What was passed over, one sentence each: unknown names, repeats."""
    unknown: tuple[str, ...] = ()
    """Names that are none of a parameter, as given."""

    def with_default(self, name: str, text: str) -> SsapRequest:
        """Give a parameter a value where the request has none.

        Parameters
        ----------
        name : str
            Canonical name.
        text : str
            The value.
        """
        if name in self.values:
            return self
        first = {**self.first, name: text} if self.dialect == "dachs" and name in _FIRST_COUNTS else self.first
        return replace(
            self,
            pairs=(*self.pairs, (name, text)),
            values=MappingProxyType({**self.values, name: text}),
            first=MappingProxyType({**first}),
        )


def parse(request: str | bytes | Pairs | SsapRequest, dialect: str | None = None) -> SsapRequest:
    """Read a request.

    Parameters
    ----------
    request : str, bytes, iterable of (str, object), or SsapRequest
        A query string (as sent: percent-encoded, ``+`` for a blank; a whole URL is taken from its ``?`` on), or pairs
        in order, decoded. A pair's value is text, UTF-8 bytes, a number, None (absent), or for PUBDID and CREATORDID a
        sequence of strings. A parsed request is returned as it is.
    dialect : {'ivoa', 'dachs'}, optional
        In ``dachs``, a raw ``;`` of a query string separates parameters, and the declared spelling of a name beats
        others. In both the last non-empty value counts. By default ``ivoa``, or that of a parsed request.

    Returns
    -------
    SsapRequest
        With the values that count under their canonical names.

    Raises
    ------
    ParameterError
        If the dialect is unknown or not that of a parsed request, a value is not valid text, or the request is larger
        than any honest one.
    """
    if isinstance(request, SsapRequest):
        if dialect not in (None, request.dialect):
            raise ParameterError(_DIALECT, dialect, f"is not that of the parsed request, {request.dialect}")
        return request
    dialect = DIALECTS[0] if dialect is None else dialect
    pairs = decode(request, dialect)
    given: dict[str, list[tuple[str, object]]] = {}
    ignored: dict[str, None] = {}
    for name, value in pairs:
        canonical = name.upper()
        if canonical in _NAMES:
            given.setdefault(canonical, []).append((name, value))
        elif canonical == _VERSION:
            _check_version(value, dialect)
        elif name:
            ignored.setdefault(name)
    notes = [f"{_short(name)} is not a parameter of this service; ignored" for name in ignored]
    values: dict[str, object] = {}
    first: dict[str, str] = {}
    for canonical in (name for name in _NAMES if name in given):
        candidates = [value for _, value in given[canonical]]
        if dialect == "dachs":
            candidates = _under_one_spelling(parameter(canonical).declared, given[canonical])
            if canonical in _FIRST_COUNTS:
                leading = _under_one_spelling(_FIRST_COUNTS[canonical], given[canonical])[0]
                first[canonical] = leading if isinstance(leading, str) else ""
        present = [value for value in candidates if value not in ("", None, ())]
        if not present:
            continue
        values[canonical] = _checked(canonical, present[-1])
        if len(set(present)) > 1:
            which = "first" if canonical in first else "last"
            notes.append(f"{canonical} is given {len(present)} times; the {which} counts")
    return SsapRequest(
        tuple(pairs), dialect, MappingProxyType(values), MappingProxyType(first), tuple(notes), tuple(ignored)
    )


def decode(request: str | bytes | Pairs, dialect: str = DIALECTS[0]) -> list[tuple[str, object]]:
    """Names and values of a request in order, decoded but not yet looked at.

    Parameters
    ----------
    request : str, bytes or iterable of (str, object)
        As for `parse`.
    dialect : {'ivoa', 'dachs'}
        What separates the parameters of a query string.

    Returns
    -------
    list of (str, object)
        What `parse` takes. Values that are not UTF-8 stay bytes.

    Raises
    ------
    ParameterError
        If the dialect is unknown, a pair is of no use, or the request is larger than any honest one.
    """
    if dialect not in DIALECTS:
        raise ParameterError(_DIALECT, dialect, f"is none of {', '.join(DIALECTS)}")
    if isinstance(request, str | bytes):
        pairs = _split(request, dialect)
    else:
        pairs = [(_name(name), _native(name, value)) for name, value in request]
    if len(pairs) > _MAX_PAIRS:
        raise ParameterError(_WHOLE, len(pairs), f"parameters are more than the {_MAX_PAIRS:,} allowed")
    return pairs


def _check_version(value: object, dialect: str) -> None:
    """Refuse a version of the protocol that is not spoken here; the reference server takes any."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    if dialect == "ivoa" and text and not _SPOKEN.fullmatch(text.strip()):
        raise ParameterError(_VERSION, text, "is not a version of SSAP that is spoken here (1.0 and 1.1 are)")


def _under_one_spelling(preferred: str, given: list[tuple[str, object]]) -> list[object]:
    """Values under the spelling that wins: the preferred one, else the one whose first occurrence is last."""
    spellings = list(dict.fromkeys(name for name, _ in given))
    winner = preferred if preferred in spellings else spellings[-1]
    return [value for name, value in given if name == winner]


def _split(request: str | bytes, dialect: str) -> list[tuple[str, object]]:
    if len(request) > _MAX_REQUEST_BYTES:
        raise ParameterError(_WHOLE, request[:200], f"is larger than the {_MAX_REQUEST_BYTES:,} bytes allowed")
    raw = request if isinstance(request, bytes) else _encoded(_WHOLE, request)
    if raw[:8].lower().startswith((b"http://", b"https://")):
        raw = raw.partition(b"?")[2]
    raw = raw.removeprefix(b"?").replace(b"+", b" ")
    if dialect == "dachs":
        raw = raw.replace(b";", b"&")
    pairs: list[tuple[str, object]] = []
    for part in raw.split(b"&"):
        name, equals, value = part.partition(b"=")
        if equals:
            pairs.append((unquote_to_bytes(name).decode("utf-8", "replace"), unquote_to_bytes(value)))
    return [(name, _native(name, value)) for name, value in pairs]


def _name(name: object) -> str:
    if isinstance(name, bytes):
        return name.decode("utf-8", "replace")
    if not isinstance(name, str):
        raise ParameterError(_WHOLE, name, "is not the name of a parameter")
    return name.encode("utf-8", "replace").decode()  # a lone surrogate is no name, and could not be written


def _native(name: str, value: object) -> object:
    """Text of a value, or a tuple of texts for identifiers; what is not UTF-8 stays bytes until it counts."""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    if name.upper() in _OF_SEQUENCES and isinstance(value, Iterable):
        items = tuple(value)
        if not all(isinstance(item, str) for item in items):
            raise ParameterError(name.upper(), value, "holds something that is not text")
        return items
    raise ParameterError(_short(name), value, f"is a {type(value).__name__}, not text")


def _checked(canonical: str, value: object) -> object:
    if isinstance(value, tuple):
        for item in value:
            _checked(canonical, item)
        return value
    if isinstance(value, bytes) and canonical in _OPAQUE:
        value = value.decode("utf-8", "replace")
    if isinstance(value, bytes):
        raise ParameterError(canonical, value, "is not valid UTF-8")
    text = str(value)
    if len(text) > _MAX_VALUE_CHARACTERS:
        raise ParameterError(canonical, text, f"is longer than the {_MAX_VALUE_CHARACTERS:,} characters allowed")
    _encoded(canonical, text)
    if "\0" in text:
        raise ParameterError(canonical, text, "contains a NUL character")
    return text


def _encoded(name: str, text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise ParameterError(name, text, "is not valid Unicode (a lone surrogate)") from None


def _short(name: str) -> str:
    return name if len(name) <= 40 else name[:40] + "…"
