"""A small SSAP service over an Arrow table, which behaves as DaCHS does where a harvest cares.

TIME is closed at both ends and compares instants; a row without a value never matches a range; SIZE is a radius (or a
diameter, on request); an overflowing answer is an arbitrary subset; errors come with HTTP status 200.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.core.sphere import separation_arcsec
from ssap_mirror.core.times import mjd_of

from tests.support.simulated.services.documents import (
    BY_THE_BOOK,
    Serialization,
    document,
    encoded_rows,
    error_document,
)
from tests.support.simulated.services.http import Reply, Request, serving

_INPUTS = ("POS", "SIZE", "TIME", "MTIME", "SNR", "MAXREC", "VERB", "RESPONSEFORMAT", "FORMAT", "REQUEST")


def columns() -> Schema:
    """Columns with the roles that a harvest needs, at the levels of the real service."""
    return Schema(
        (
            Column("accref", "char", "*", utype="ssa:Access.Reference", verbosity=1),
            Column("mobsid", "char", "*", ucd="meta.id;meta.main", verbosity=1),
            Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main", verbosity=1),
            Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main", verbosity=1),
            Column(
                "ssa_location",
                "double",
                "2",
                unit="deg",
                utype="ssa:Char.SpatialAxis.Coverage.Location.Value",
                xtype="point",
                verbosity=5,
            ),
            Column("ssa_dateObs", "double", unit="d", utype="ssa:Char.TimeAxis.Coverage.Location.Value", verbosity=5),
            Column("ssa_score", "float", utype="ssa:Query.Score", verbosity=15),
            Column("ssa_snr", "float", utype="ssa:Derived.SNR", verbosity=15),
            Column("obsid", "long", verbosity=15, null="-1"),
            Column("mags", "float", "3", unit="mag", verbosity=25),
            Column("ssa_pdate", "char", "*", utype="ssa:Curation.Date", verbosity=15),
        )
    )


def rows(count: int, seed: int = 1) -> pa.Table:
    """Rows on a few plates, with NULL dates, NULL positions, both, and one plate of a third of all rows at one date."""
    rng = np.random.default_rng(seed)
    plate = rng.integers(0, 12, count)
    ra = (np.linspace(0, 330, 12)[plate] + rng.uniform(-2, 2, count)) % 360
    dec = np.linspace(-10, 80, 12)[plate] + rng.uniform(-2, 2, count)
    dates = 58000 + plate * 7 + rng.integers(0, 40, count) / 96
    dates[: count // 3] = 58050.25
    undated, unplaced = rng.random(count) < 0.02, rng.random(count) < 0.02
    undated[:3] = unplaced[:3] = True
    snr = rng.normal(30, 10, count).astype(np.float32)
    schema = columns().arrow_schema()
    location = pa.FixedSizeListArray.from_arrays(
        pa.array(np.column_stack([ra, dec]).ravel()), 2, mask=pa.array(unplaced)
    )
    return pa.table(
        {
            "accref": [f"http://example.org/get?{i}" for i in range(count)],
            "mobsid": [f"6350{i:07d}B" for i in range(count)],
            "ra": ra,
            "dec": dec,
            "ssa_location": location,
            "ssa_dateObs": pa.array(dates, mask=undated),
            "ssa_score": pa.array(np.zeros(count, np.float32)),
            "ssa_snr": pa.array(snr, mask=rng.random(count) < 0.01),
            "obsid": pa.array(rng.integers(0, 2**60, count), mask=rng.random(count) < 0.05),
            "mags": pa.FixedSizeListArray.from_arrays(pa.array(rng.normal(12, 1, 3 * count).astype(np.float32)), 3),
            "ssa_pdate": pa.array(rng.choice(["2018-09-30T00:00:00", "2019-03-31T12:30:00"], count)),
        },
        schema=schema,
    )


@dataclass
class FakeService:
    """The service; tests change its attributes while it runs."""

    table: pa.Table
    """Rows with the columns of `columns`."""
    default_limit: int = 10_000
    """Rows of an answer without MAXREC."""
    size_is_radius: bool = True
    """How SIZE is read."""
    ignores: tuple[str, ...] = ()
    """Parameters that are not looked at."""
    silent_limit: int | None = None
    """Rows at which every answer is cut off without a word."""
    needs_position: bool = False
    """Whether a request without POS is an error."""
    binary2: bool = True
    """Whether RESPONSEFORMAT is known."""
    columns: Schema = field(default_factory=columns)
    """Columns that it offers."""
    hides: Callable[[dict[str, str], np.ndarray], np.ndarray] | None = None
    """Given a request's parameters and the numbers of the rows that match, which of them to keep back."""
    too_slow: Callable[[dict[str, str], int], bool] = lambda params, matches: False
    """Whether a request with so many matches runs into the time-out."""
    before: Callable[[dict[str, str]], None] = lambda params: None
    """Called with the parameters of each request, before it is answered; may change the table."""
    requests: list[dict[str, str]] = field(default_factory=list)
    """What was asked, upper-case names."""
    url: str = ""
    """Endpoint, while it runs."""

    def answer(self, request: Request) -> Reply:
        params = request.params
        self.requests.append(params)
        self.before(params)
        if params.get("FORMAT", "").upper() == "METADATA":
            return self._document(params, np.empty(0, int), "OK", metadata=True)
        if params.get("REQUEST") != "queryData":
            return Reply(error_document("Field REQUEST: Missing or invalid value for REQUEST."))
        if "RESPONSEFORMAT" in params and not self.binary2:
            return Reply(error_document("Field responseformat: not a valid value"))
        if self.needs_position and "POS" not in params:
            return Reply(error_document("POS and SIZE are required."))
        numbers = np.flatnonzero(self._matches(params))
        if self.hides is not None:
            numbers = numbers[~self.hides(params, numbers)]
        if self.too_slow(params, len(numbers)):
            return Reply(error_document("Query timed out (took too long)."))
        limit = int(params.get("MAXREC", self.default_limit))
        status: Literal["OK", "OVERFLOW"] = "OK" if len(numbers) <= limit else "OVERFLOW"
        if self.silent_limit is not None and limit >= self.silent_limit:
            limit, status = self.silent_limit, "OK"
        shuffled = np.random.default_rng(len(self.requests)).permutation(numbers)[:limit]
        return self._document(params, shuffled, status)

    def _matches(self, params: dict[str, str]) -> np.ndarray:
        keep = np.ones(self.table.num_rows, bool)
        if "TIME" in params and "TIME" not in self.ignores:
            dates = self.table["ssa_dateObs"].to_numpy()
            low, high = (_mjd(text) for text in params["TIME"].split("/"))
            keep &= (dates >= low if low is not None else True) & (dates <= high if high is not None else True)
            keep &= np.isfinite(dates)
        if "MTIME" in params:
            published = np.array([_mjd(text or "") or np.nan for text in self.table["ssa_pdate"].to_pylist()])
            low, high = (_mjd(text) for text in params["MTIME"].split("/"))
            keep &= (published >= low if low is not None else True) & (published <= high if high is not None else True)
        if "SNR" in params and "SNR" not in self.ignores:
            snr = self.table["ssa_snr"].to_numpy().astype(float)
            low, high = (float(text) if text else None for text in params["SNR"].split("/"))
            keep &= (snr >= low if low is not None else True) & (snr <= high if high is not None else True)
            keep &= np.isfinite(snr)
        if "POS" in params and "SIZE" in params and "POS" not in self.ignores:
            ra, dec = (float(text) for text in params["POS"].split(","))
            size = float(params["SIZE"])
            radius = size if self.size_is_radius else size / 2
            points = _Encoded.of(self.table).points
            with np.errstate(invalid="ignore"):
                keep &= separation_arcsec(ra, dec, points[:, 0], points[:, 1]) <= radius * 3600
        return keep

    def _document(
        self, params: dict[str, str], numbers: np.ndarray, status: Literal["OK", "OVERFLOW"], *, metadata: bool = False
    ) -> Reply:
        schema = self.columns if metadata else self.columns.up_to(10 * int(params.get("VERB", "2")))
        inputs = [f'<PARAM name="INPUT:{name}" datatype="char" arraysize="*" value=""/>' for name in _INPUTS]
        serialization: Serialization = "BINARY2" if "BINARY2" in params.get("RESPONSEFORMAT", "") else "TABLEDATA"
        encoded = [] if metadata else _Encoded.of(self.table).rows(serialization, schema)
        rows = [encoded[number] for number in numbers]
        resource = "".join(inputs) if metadata else ""
        return Reply(document(list(schema), rows, serialization, status=status, resource=resource))


@contextlib.contextmanager
def running(service: FakeService) -> Iterator[FakeService]:
    """Run a service."""
    with serving(service.answer) as root:
        service.url = f"{root}/ssap.xml"
        yield service


def _mjd(text: str) -> float | None:
    if not text:
        return None
    return mjd_of(datetime.fromisoformat(text))


class _Encoded:
    """The rows of a table as they go over the wire, worked out once."""

    _known: ClassVar[dict[int, _Encoded]] = {}

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._rows: dict[tuple[Serialization, tuple[str, ...]], list[bytes]] = {}
        location = table["ssa_location"].to_pylist()
        self.points = np.array([pair or [np.nan, np.nan] for pair in location])

    @classmethod
    def of(cls, table: pa.Table) -> _Encoded:
        # The table is kept, so that no other can have its id.
        if id(table) not in cls._known:
            cls._known[id(table)] = cls(table)
        return cls._known[id(table)]

    def rows(self, serialization: Serialization, schema: Schema) -> list[bytes]:
        key = serialization, schema.names
        if key not in self._rows:
            cells = [self._table.column(name).to_pylist() for name in schema.names]
            self._rows[key] = encoded_rows(list(schema), cells, serialization, BY_THE_BOOK)
        return self._rows[key]
