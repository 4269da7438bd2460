"""A small SSAP service over an Arrow table, which behaves as DaCHS does where a harvest cares.

TIME is closed at both ends and compares instants; a row without a value never matches a range; SIZE is a radius (or a
diameter, on request); an overflowing answer is an arbitrary subset; errors come with HTTP status 200.
"""

from __future__ import annotations

import base64
import contextlib
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pyarrow as pa
import uvicorn
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.core.sphere import separation_arcsec
from ssap_mirror.core.times import mjd_of
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_PACK = {"double": "d", "float": "f", "long": "q", "int": "i", "short": "h", "unsignedByte": "B"}
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

    def answer(self, request: Request) -> Response:
        params = {name.upper(): value for name, value in request.query_params.multi_items()}
        self.requests.append(params)
        self.before(params)
        if params.get("FORMAT", "").upper() == "METADATA":
            return _response(self._document(params, np.empty(0, int), "OK", metadata=True))
        if params.get("REQUEST") != "queryData":
            return _response(error_document("Field REQUEST: Missing or invalid value for REQUEST."))
        if "RESPONSEFORMAT" in params and not self.binary2:
            return _response(error_document("Field responseformat: not a valid value"))
        if self.needs_position and "POS" not in params:
            return _response(error_document("POS and SIZE are required."))
        numbers = np.flatnonzero(self._matches(params))
        if self.hides is not None:
            numbers = numbers[~self.hides(params, numbers)]
        if self.too_slow(params, len(numbers)):
            return _response(error_document("Query timed out (took too long)."))
        limit = int(params.get("MAXREC", self.default_limit))
        status = "OK" if len(numbers) <= limit else "OVERFLOW"
        if self.silent_limit is not None and limit >= self.silent_limit:
            limit, status = self.silent_limit, "OK"
        shuffled = np.random.default_rng(len(self.requests)).permutation(numbers)[:limit]
        return _response(self._document(params, shuffled, status))

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

    def _document(self, params: dict[str, str], numbers: np.ndarray, status: str, *, metadata: bool = False) -> bytes:
        schema = self.columns if metadata else self.columns.up_to(10 * int(params.get("VERB", "2")))
        head = [
            '<?xml version="1.0"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">',
            f'<RESOURCE type="results"><DESCRIPTION>Synthetic rows</DESCRIPTION>'
            f'<INFO name="QUERY_STATUS" value="{status}"/>',
        ]
        if metadata:
            head += [f'<PARAM name="INPUT:{name}" datatype="char" arraysize="*" value=""/>' for name in _INPUTS]
        head += ["<TABLE>", *(_field(column) for column in schema)]
        if metadata:
            body = ""
        elif "BINARY2" in params.get("RESPONSEFORMAT", ""):
            stream = b"".join(_Encoded.of(self.table).rows("binary2", schema)[number] for number in numbers)
            encoded = base64.encodebytes(stream).decode()
            body = f'<DATA><BINARY2><STREAM encoding="base64">{encoded}</STREAM></BINARY2></DATA>'
        else:
            lines = b"".join(_Encoded.of(self.table).rows("tabledata", schema)[number] for number in numbers)
            body = f"<DATA><TABLEDATA>{lines.decode()}</TABLEDATA></DATA>"
        return "".join([*head, body, "</TABLE></RESOURCE></VOTABLE>"]).encode()


@contextlib.contextmanager
def serving(app: Starlette, path: str = "") -> Iterator[str]:
    """Run an application on a free port of 127.0.0.1; yields its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    started = threading.Event()
    original = server.startup

    async def startup(sockets: object = None) -> None:
        await original(sockets)  # type: ignore[arg-type]
        started.set()

    server.startup = startup  # type: ignore[method-assign]
    thread.start()
    if not started.wait(30):
        message = "the test server did not start"
        raise RuntimeError(message)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}{path}"
    finally:
        server.should_exit = True
        thread.join(30)


@contextlib.contextmanager
def running(service: FakeService) -> Iterator[FakeService]:
    """Run a service."""
    with serving(Starlette(routes=[Route("/ssap.xml", service.answer)]), "/ssap.xml") as url:
        service.url = url
        yield service


def _response(document: bytes) -> Response:
    return Response(document, media_type="application/x-votable+xml")


def error_document(message: str) -> bytes:
    return (
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">'
        f'<INFO name="QUERY_STATUS" value="ERROR">{escape(message)}</INFO></RESOURCE></VOTABLE>'
    ).encode()


def votable(table: pa.Table, schema: Schema, status: str) -> bytes:
    """Write a table as BINARY2, the status behind the rows as DALI asks for where they are streamed."""
    stream = b"".join(_binary2(row, schema) for row in table.to_pylist())
    encoded = base64.encodebytes(stream).decode()
    return "".join(
        [
            '<?xml version="1.0"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">',
            '<RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/><TABLE>',
            *(_field(column) for column in schema),
            f'<DATA><BINARY2><STREAM encoding="base64">{encoded}</STREAM></BINARY2></DATA></TABLE>',
            '<INFO name="QUERY_STATUS" value="OVERFLOW"/>' if status == "OVERFLOW" else "",
            "</RESOURCE></VOTABLE>",
        ]
    ).encode()


def _mjd(text: str) -> float | None:
    if not text:
        return None
    return mjd_of(datetime.fromisoformat(text))


def _field(column: Column) -> str:
    names = ("name", "datatype", "arraysize", "unit", "ucd", "utype", "xtype")
    attributes = " ".join(f"{name}={quoteattr(getattr(column, name))}" for name in names if getattr(column, name))
    values = f'<VALUES null="{column.null}"/>' if column.null else ""
    return f"<FIELD {attributes}>{values}</FIELD>"


class _Encoded:
    """The rows of a table as they go over the wire, worked out once."""

    _known: ClassVar[dict[int, _Encoded]] = {}

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self._rows: dict[tuple[str, tuple[str, ...]], list[bytes]] = {}
        location = table["ssa_location"].to_pylist()
        self.points = np.array([pair or [np.nan, np.nan] for pair in location])

    @classmethod
    def of(cls, table: pa.Table) -> _Encoded:
        # The table is kept, so that no other can have its id.
        if id(table) not in cls._known:
            cls._known[id(table)] = cls(table)
        return cls._known[id(table)]

    def rows(self, serialisation: str, schema: Schema) -> list[bytes]:
        key = serialisation, schema.names
        if key not in self._rows:
            encode = {"binary2": _binary2, "tabledata": _tabledata}[serialisation]
            self._rows[key] = [encode(row, schema) for row in self._table.to_pylist()]
        return self._rows[key]


def _tabledata(row: dict[str, Any], schema: Schema) -> bytes:
    def text(value: object, column: Column) -> str:
        if value is None:
            return "NaN" if column.datatype in ("float", "double") and not column.shape else column.null or ""
        if isinstance(value, list):
            return " ".join(repr(part) for part in value)
        return escape(str(value)) if isinstance(value, str) else repr(value)

    cells = (f"<TD>{text(row[column.name], column)}</TD>" for column in schema)
    return f"<TR>{''.join(cells)}</TR>".encode()


def _binary2(row: dict[str, Any], schema: Schema) -> bytes:
    width = (len(schema) + 7) // 8
    mask = 0
    cells = bytearray()
    for at, column in enumerate(schema):
        value = row[column.name]
        if value is None:
            mask |= 1 << (8 * width - 1 - at)
        if column.is_text:
            encoded = (value or "").encode()
            cells += struct.pack(">I", len(encoded)) + encoded
        elif column.shape:
            size = column.shape[0] or 0
            cells += struct.pack(f">{size}{_PACK[column.datatype]}", *(value or [float("nan")] * size))
        else:
            empty = float("nan") if column.datatype in ("float", "double") else int(column.null or 0)
            cells += struct.pack(f">{_PACK[column.datatype]}", empty if value is None else value)
    return mask.to_bytes(width, "big") + bytes(cells)
