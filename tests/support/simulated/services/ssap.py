"""A simulated SSAP service: what it obeys, needs and refuses are its traits; a test may change it while it runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from ssap_mirror.core.schema import Column

from tests.support.simulated.forms.parts import BASE, Form
from tests.support.simulated.services import http
from tests.support.simulated.services.documents import (
    BY_THE_BOOK,
    Layout,
    Serialization,
    document,
    encoded_rows,
    error_document,
    without_table,
)
from tests.support.simulated.services.http import Reply, Request
from tests.support.simulated.spectra import Spectra, overlap

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SsapService", "Traits", "running"]

Mask = "NDArray[np.bool_]"
Need = Literal["error", "http 400", "json", "no rows", "no table"]
_ZERO = datetime(1858, 11, 17)


@dataclass(frozen=True)
class Traits:
    """How a service behaves, other than the reference server."""

    obeys: tuple[str, ...] = ("POS", "TIME", "BAND", "SNR", "APERTURE")
    """Parameters that select rows; the others are not looked at."""
    declares: tuple[str, ...] | None = None
    """Parameters in its metadata; those that it obeys without it."""
    metadata: Literal["table", "meta", "error"] = "table"
    """Where FORMAT=METADATA lists parameters: with the table, in a RESOURCE of type meta; or it is refused."""
    size_is_radius: bool = False
    """How SIZE is read."""
    default_size: float = 0.1
    """SIZE where none is given [deg]."""
    max_size: float | None = None
    """Largest SIZE [deg]; more is refused."""
    max_size_declared: bool = False
    """Whether the metadata says so."""
    time_reads: Literal["overlap", "within", "midpoint"] = "midpoint"
    """What TIME=a/b asks of an exposure."""
    needs: tuple[str, ...] = ()
    """Parameters without any of which it gives no rows."""
    refuses_with: Need = "error"
    """How it says so."""
    needs_own: str | None = None
    """A parameter of its own, without which it refuses with HTTP 400 and a VOTable."""
    own: Mapping[str, str] = field(default_factory=dict)
    """Parameters of its own -> field of `Spectra` that they select by, as a range ``a/b``."""
    own_ends: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The same as a pair of parameters for both ends: field -> names."""
    scalars: tuple[str, ...] = ()
    """Parameters that take one number, a lower limit, and refuse a range."""
    broken: Mapping[str, Reply] = field(default_factory=dict)
    """Parameters -> what comes instead of an answer."""
    default_rows: int = 10_000
    """Rows of an answer without MAXREC."""
    most_rows: int | None = None
    """Rows of any answer; more is OVERFLOW."""
    silent_rows: int | None = None
    """Rows at which every answer is cut without a word."""
    refuses_maxrec_above: int | None = None
    """Largest MAXREC."""
    ignores_maxrec: bool = False
    """Whether it sends all that match."""
    serializations: tuple[Serialization, ...] = ("TABLEDATA", "BINARY2")
    """What it can write; the first is what comes without RESPONSEFORMAT."""
    without_rows: Literal["table", "no table"] = "table"
    """What comes when nothing matches."""
    layout: Layout = BY_THE_BOOK
    """Of its documents."""
    address: str = ""
    """Query without which there is nothing, as ``table=x``."""
    verbosity: bool = True
    """Whether VERB chooses columns."""


@dataclass
class SsapService:
    """The service; tests change its attributes while it runs."""

    spectra: Spectra
    """What it has."""
    form: Form = BASE
    """In what columns."""
    traits: Traits = field(default_factory=Traits)
    """How it behaves."""
    before: Callable[[SsapService, dict[str, str]], None] = lambda service, params: None
    """Called before each request is answered; may change the service."""
    chooses: Callable[[dict[str, str], NDArray[np.int64]], NDArray[np.int64]] = lambda params, rows: rows
    """What becomes of the rows that match, before limits."""
    wraps: Callable[[Request, Reply], Reply] = lambda request, reply: reply
    """What becomes of each answer."""
    patience: int = 600
    """Requests after which it answers no more: a client that goes on for hours is not to hold up a test."""
    requests: list[dict[str, str]] = field(default_factory=list)
    """What was asked, by upper-case name."""
    url: str = ""
    """Endpoint, while it runs."""
    _encoded: dict[tuple[str, tuple[str, ...]], list[bytes]] = field(default_factory=dict)
    _encoded_of: tuple[int, int] = (0, 0)
    _kept: Any = None

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        params = request.params
        self.requests.append(params)
        if len(self.requests) > self.patience:
            return Reply(b"too many requests", 404, content_type="text/plain")
        self.before(self, params)
        return self.wraps(request, self._answer(params))

    def rows(self) -> list[dict[str, Any]]:
        """All rows as they are sent."""
        cells = self.form.cells(self.spectra)
        return [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]

    def forget(self) -> None:
        """Forget what was asked so far."""
        self.requests.clear()

    def _answer(self, params: dict[str, str]) -> Reply:
        traits = self.traits
        if traits.address and traits.address.partition("=")[0].upper() not in params:
            return Reply(error_document("no such table"), 404)
        if params.get("FORMAT", "").upper() == "METADATA":
            return self._metadata(params)
        if (refusal := self._refusal(params)) is not None:
            return refusal
        found = self.chooses(params, np.flatnonzero(self._matches(params)))
        limit, cut = self._limit(params)
        status: Literal["OK", "OVERFLOW"] = "OVERFLOW" if len(found) > limit and not cut else "OK"
        # An arbitrary subset in an arbitrary order, another one each time.
        found = np.random.default_rng(len(self.requests)).permutation(found)[:limit]
        if not len(found) and traits.without_rows == "no table":
            return Reply(without_table(traits.layout))
        columns = self._columns(params)
        serialization = self._serialization(params)
        encoded = self._rows(columns, serialization, found)
        return Reply(document(columns, encoded, serialization, traits.layout, status))

    def _refusal(self, params: dict[str, str]) -> Reply | None:
        traits = self.traits
        if params.get("REQUEST") != "queryData":
            return Reply(error_document("Field REQUEST: Missing or invalid value for REQUEST."))
        for name, reply in traits.broken.items():
            if name in params:
                return reply
        if traits.needs_own is not None and traits.needs_own.upper() not in params:
            message = f"The parameter {traits.needs_own} is mandatory: choose one of dr8, dr9"
            return Reply(error_document(message), 400)
        if traits.needs and not set(traits.needs) & set(params):
            return self._without_need(" or ".join(traits.needs))
        if traits.max_size is not None and float(params.get("SIZE", 0)) > traits.max_size:
            return Reply(error_document(f"SIZE must not be larger than {traits.max_size} degrees"), 400)
        if traits.refuses_maxrec_above is not None and int(params.get("MAXREC", 0)) > traits.refuses_maxrec_above:
            return Reply(error_document(f"MAXREC must not be larger than {traits.refuses_maxrec_above}"))
        for name in traits.scalars:
            if "/" in params.get(name, ""):
                return Reply(error_document(f"{name} takes one number"))
        if "RESPONSEFORMAT" in params and len(traits.serializations) == 1:
            return Reply(error_document("Field responseformat: not a valid value"))
        return None

    def _without_need(self, needed: str) -> Reply:
        message = f"A constraint on {needed} is mandatory"
        how = self.traits.refuses_with
        if how == "json":
            return Reply(f'{{"error": "{message}"}}'.encode(), 400, content_type="application/json")
        if how == "no table":
            return Reply(without_table(self.traits.layout))
        if how == "no rows":
            return Reply(document(self.form.columns(), [], layout=self.traits.layout))
        return Reply(error_document(message), 400 if how == "http 400" else 200)

    def _limit(self, params: dict[str, str]) -> tuple[int, bool]:
        """Rows of the answer, and whether nothing is said of the others."""
        traits = self.traits
        limit = int(params.get("MAXREC", traits.default_rows))
        if traits.ignores_maxrec:
            limit = len(self.spectra)
        if traits.most_rows is not None:
            limit = min(limit, traits.most_rows)
        if traits.silent_rows is not None and limit >= traits.silent_rows:
            return traits.silent_rows, True
        return limit, False

    def _matches(self, params: dict[str, str]) -> NDArray[np.bool_]:
        spectra, traits = self.spectra, self.traits
        keep = np.ones(len(spectra), bool)
        if "POS" in params and "POS" in traits.obeys:
            ra, dec = (float(text) for text in params["POS"].split(";")[0].split(","))
            size = float(params.get("SIZE") or traits.default_size)
            keep &= spectra.in_cone(ra, dec, size if traits.size_is_radius else size / 2)
        if "TIME" in params and "TIME" in traits.obeys:
            keep &= self._in_time(*_ends(params["TIME"], _mjd))
        if "BAND" in params and "BAND" in traits.obeys:
            keep &= overlap(spectra.wave_min, spectra.wave_max, *_ends(params["BAND"], float))
        for name, values in (("SNR", spectra.snr), ("APERTURE", np.full(len(spectra), 0.001))):
            if name in params and name in traits.obeys:
                low, high = (float(params[name]), None) if name in traits.scalars else _ends(params[name], float)
                keep &= overlap(values, values, low, high)
        if "COLLECTION" in params and "COLLECTION" in traits.obeys:
            keep &= spectra.collection == params["COLLECTION"]
        for name, of in traits.own.items():
            if name.upper() in params:
                keep &= overlap(getattr(spectra, of), getattr(spectra, of), *_ends(params[name.upper()], float))
        for of, (first, last) in traits.own_ends.items():
            ends = (params.get(first.upper()), params.get(last.upper()))
            keep &= overlap(getattr(spectra, of), getattr(spectra, of), *(float(e) if e else None for e in ends))
        return keep

    def _in_time(self, start: float | None, stop: float | None) -> NDArray[np.bool_]:
        spectra, reads = self.spectra, self.traits.time_reads
        if reads == "overlap":
            return overlap(spectra.t_min, spectra.t_max, start, stop)
        if reads == "midpoint":
            return overlap(spectra.t_mid, spectra.t_mid, start, stop)
        # Within: both ends of the exposure lie in the range.
        return overlap(spectra.t_min, spectra.t_min, start, None) & overlap(spectra.t_max, spectra.t_max, None, stop)

    def _columns(self, params: dict[str, str]) -> list[Column]:
        verb = int(params.get("VERB", "2")) if self.traits.verbosity else 3
        return [item.column for item in self.form.shown(verb)]

    def _serialization(self, params: dict[str, str]) -> Serialization:
        asked = params.get("RESPONSEFORMAT", "")
        wanted = [name for name in self.traits.serializations if asked.endswith(f"serialization={name}")]
        return wanted[0] if wanted else self.traits.serializations[0]

    def _rows(self, columns: list[Column], serialization: Serialization, rows: NDArray[np.int64]) -> list[bytes]:
        if self._encoded_of != (id(self.spectra), id(self.form)):
            self._encoded.clear()
            # They are kept, so that no others can have their ids.
            self._encoded_of, self._kept = (id(self.spectra), id(self.form)), (self.spectra, self.form)
        volatile = {item.column.name for item in self.form.shown() if item.volatile}
        key = serialization, tuple(column.name for column in columns)
        if key not in self._encoded or volatile:
            cells = self.form.cells(self.spectra)
            for name in volatile:
                cells[name] = [f"{cell}&token={len(self.requests)}" for cell in cells[name]]
            wanted = [cells[column.name] for column in columns]
            self._encoded[key] = encoded_rows(columns, wanted, serialization, self.traits.layout)
        encoded = self._encoded[key]
        return [encoded[row] for row in rows]

    def _metadata(self, params: dict[str, str]) -> Reply:
        traits = self.traits
        if traits.metadata == "error":
            return Reply(error_document("FORMAT: METADATA is not a format"))
        inputs = "".join(self._input(name) for name in self._declared())
        columns = list(self.form.columns())
        if traits.metadata == "meta":
            described = document(columns, [], layout=traits.layout, resource=inputs).replace(b'"results"', b'"meta"')
            return Reply(described)
        return Reply(document(columns, [], layout=traits.layout, resource=inputs))

    def _declared(self) -> tuple[str, ...]:
        traits = self.traits
        if traits.declares is not None:
            return traits.declares
        own = (*traits.own, *(name for pair in traits.own_ends.values() for name in pair))
        size = ("SIZE",) if "POS" in traits.obeys else ()
        formats = ("RESPONSEFORMAT",) if len(traits.serializations) > 1 else ()
        return (*traits.obeys, *size, *formats, "MAXREC", "VERB", "REQUEST", "FORMAT", *own)

    def _input(self, name: str) -> str:
        values = ""
        if name == "SIZE" and self.traits.max_size_declared:
            values = f'<VALUES><MAX value="{self.traits.max_size}"/></VALUES>'
        of = {first: item for item, pair in self.traits.own_ends.items() for first in pair} | dict(self.traits.own)
        if name in of:
            known = getattr(self.spectra, of[name])
            values = f'<VALUES><MIN value="{known.min()!r}"/><MAX value="{known.max()!r}"/></VALUES>'
            return f'<PARAM name="INPUT:{name}" datatype="double" value="">{values}</PARAM>'
        return f'<PARAM name="INPUT:{name}" datatype="char" arraysize="*" value="">{values}</PARAM>'


@contextlib.contextmanager
def running(service: SsapService) -> Iterator[SsapService]:
    """Run a service."""
    with http.serving(service.answer) as root:
        service.url = f"{root}/ssap" + (f"?{service.traits.address}" if service.traits.address else "")
        yield service


def _ends(text: str, read: Callable[[str], float]) -> tuple[float | None, float | None]:
    """Read ``a/b``, ``a/``, ``/b`` or ``a``."""
    low, slash, high = text.partition("/")
    if not slash:
        return read(low), read(low)
    return (read(low) if low else None), (read(high) if high else None)


def _mjd(text: str) -> float:
    return (datetime.fromisoformat(text.removesuffix("Z")) - _ZERO).total_seconds() / 86400
