"""A simulated SSAP service: what it obeys, needs and refuses are its traits; a test may change it while it runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from xml.sax.saxutils import quoteattr

import numpy as np
from ssap_mirror.core.schema import Column

from tests.support.simulated.forms.parts import BASE, Form
from tests.support.simulated.services import http
from tests.support.simulated.services.documents import (
    Serialization,
    document,
    encoded_rows,
    error_document,
    without_table,
)
from tests.support.simulated.services.http import Reply, Request
from tests.support.simulated.services.matching import matches
from tests.support.simulated.services.traits import Traits
from tests.support.simulated.spectra import Spectra

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["SsapService", "running"]


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
        found = self.chooses(params, np.flatnonzero(matches(self.spectra, self.traits, params)))
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
        for (name, value), reply in traits.refused_values.items():
            if params.get(name) == value:
                return reply
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
                return Reply(error_document(f"{name} takes one value"))
        for name in ("TIME", "BAND", "SNR", "APERTURE"):
            if traits.closed_ranges and params.get(name, "").strip("/") != params.get(name, ""):
                return Reply(error_document(f"{name}: a range has two ends"), 400)
        if traits.least_band is not None and "BAND" in params:
            low = params["BAND"].partition("/")[0]
            if float(low or "-inf") <= traits.least_band:
                return Reply(error_document(f"BAND has to be above {traits.least_band:g}"), 400)
        if traits.known is not None and (others := sorted(set(params) - set(traits.known))):
            return Reply(error_document(f"{others[0]} is no parameter of this service"), 400)
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
                cells[name] = [_of_request(cell, len(self.requests)) for cell in cells[name]]
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
            in_arcmin = self.traits.max_size_arcmin
            largest, unit = ((self.traits.max_size or 0) * 60, "arcmin") if in_arcmin else (self.traits.max_size, "deg")
            values = f'<VALUES><MAX value="{largest}"/></VALUES>'
            return f'<PARAM name="INPUT:SIZE" datatype="double" unit="{unit}" value="">{values}</PARAM>'
        if name == "COLLECTION" and self.traits.collections:
            options = (f"<OPTION value={quoteattr(value)}/>" for value in self.traits.collections)
            values = f"<VALUES>{''.join(options)}</VALUES>"
        of = {first: item for item, pair in self.traits.own_ends.items() for first in pair} | dict(self.traits.own)
        if name in of:
            known = getattr(self.spectra, of[name])
            values = f'<VALUES><MIN value="{known.min()!r}"/><MAX value="{known.max()!r}"/></VALUES>'
            return f'<PARAM name="INPUT:{name}" datatype="double" value="">{values}</PARAM>'
        return f'<PARAM name="INPUT:{name}" datatype="char" arraysize="*" value="">{values}</PARAM>'


def _of_request(cell: Any, request: int) -> Any:
    """Make a cell that no two answers have."""
    return f"{cell}&token={request}" if isinstance(cell, str) else cell + request


@contextlib.contextmanager
def running(service: SsapService) -> Iterator[SsapService]:
    """Run a service."""
    with http.serving(service.answer) as root:
        service.url = f"{root}/ssap" + (f"?{service.traits.address}" if service.traits.address else "")
        yield service
