"""A proxy between a harvest and its service that spoils some of the answers, each in one of many ways."""

from __future__ import annotations

import base64
import contextlib
import gzip
import re
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import numpy as np

from tests.support.simulated.services.http import Reply, Request, serving

_SIZES = {"double": 8, "float": 4, "long": 8, "int": 4, "short": 2, "char": 1, "unicodeChar": 2, "unsignedByte": 1}
_SIZES["boolean"] = 1
_HTML = b"<!DOCTYPE html><html><head><title>Busy</title></head><body>Please try again later.</body></html>"


Fault = Callable[[Reply, np.random.Generator], Reply]


def dropped(reply: Reply, rng: np.random.Generator) -> Reply:
    return Reply(b"", sent=-1)


def cut_short(reply: Reply, rng: np.random.Generator) -> Reply:
    """The connection breaks within the body."""
    reply.sent = int(rng.integers(0, len(reply.body)))
    return reply


def truncated(reply: Reply, rng: np.random.Generator) -> Reply:
    """The body is short, and the protocol does not say so."""
    reply.body = reply.body[: int(rng.integers(0, len(reply.body)))]
    return reply


def stalled(reply: Reply, rng: np.random.Generator) -> Reply:
    reply.wait_s = 3600.0
    return reply


def server_error(reply: Reply, rng: np.random.Generator) -> Reply:
    status = int(rng.choice([500, 502, 503]))
    headers = {"Retry-After": str(int(rng.integers(0, 2)))} if status == 503 else {}
    return Reply(b"<html>sorry</html>", status, headers, "text/html")


def web_page(reply: Reply, rng: np.random.Generator) -> Reply:
    return Reply(_HTML, content_type="text/html")


def damaged_gzip(reply: Reply, rng: np.random.Generator) -> Reply:
    body = bytearray(gzip.compress(reply.body))
    for at in rng.integers(10, len(body), 3):
        body[at] ^= int(rng.integers(1, 256))
    return Reply(bytes(body), headers={"Content-Encoding": "gzip"}, content_type=reply.content_type)


def truncated_gzip(reply: Reply, rng: np.random.Generator) -> Reply:
    body = gzip.compress(reply.body)
    body = body[: int(rng.integers(10, len(body)))]
    return Reply(body, headers={"Content-Encoding": "gzip"}, content_type=reply.content_type)


def false_overflow(reply: Reply, rng: np.random.Generator) -> Reply:
    """A whole answer claims to be truncated."""
    reply.body = re.sub(rb'(name="QUERY_STATUS" value=)"OK"', rb'\1"OVERFLOW"', reply.body)
    return reply


def hidden_overflow(reply: Reply, rng: np.random.Generator) -> Reply:
    """A truncated answer claims to be whole."""
    reply.body = re.sub(rb'(name="QUERY_STATUS" value=)"OVERFLOW"', rb'\1"OK"', reply.body)
    return reply


def lost_rows(reply: Reply, rng: np.random.Generator) -> Reply:
    """A few rows are missing, and nothing says so."""
    return _edited(
        reply, lambda rows: [row for row, keep in zip(rows, rng.random(len(rows)) > 0.002, strict=True) if keep]
    )


def without_rows(reply: Reply, value: bytes) -> Reply:
    """Leave out the rows that have some bytes in one of their cells."""
    return _edited(reply, lambda rows: [row for row in rows if not any(value in cell for _, cell in row)])


def doubled_rows(reply: Reply, rng: np.random.Generator) -> Reply:
    return _edited(reply, lambda rows: [row for row in rows for _ in range(1 + (rng.random() < 0.01))])


def shuffled_columns(reply: Reply, rng: np.random.Generator) -> Reply:
    document = _Document.parse(reply.body)
    if document is None:
        return reply
    order = rng.permutation(len(document.fields))
    rows = [[row[at] for at in order] for row in document.rows]
    fields = [document.fields[at] for at in order]
    reply.body = _Document(document.head, fields, rows, document.tail, document.binary2).to_bytes()
    return reply


#: Faults that an attentive client sees at once.
PLAIN: tuple[Fault, ...] = (
    dropped,
    cut_short,
    truncated,
    stalled,
    server_error,
    web_page,
    damaged_gzip,
    truncated_gzip,
    false_overflow,
    hidden_overflow,
    doubled_rows,
    shuffled_columns,
)
#: A fault that only a comparison of sweeps shows.
SLY: tuple[Fault, ...] = (lost_rows,)


@dataclass
class FaultProxy:
    """The proxy; what it did can be read off it."""

    upstream: str
    """Endpoint of the service."""
    faults: tuple[Fault, ...]
    """To choose from."""
    rate: float
    """Share of answers that are spoiled."""
    seed: int = 1
    """Of the choice."""
    spares: Callable[[str], bool] = lambda query: False
    """Requests that are never spoiled."""
    counts: Counter[str] = field(default_factory=Counter)
    """Fault -> how often."""
    forwarded: int = 0
    """Requests."""
    url: str = ""
    """Endpoint, while it runs."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, request: Request) -> Reply:
        """Pass a request on, and spoil some of the answers."""
        root = "{0.scheme}://{0.netloc}".format(urlsplit(self.upstream))
        kept = {name: request.headers[name] for name in ("content-type",) if name in request.headers}
        url = f"{root}{request.path}?{request.query}" if request.query else root + request.path
        answer = self._http.request(request.method, url, content=request.body, headers=kept)
        content_type = answer.headers.get("content-type", "")
        passed = {name: value for name, value in answer.headers.items() if name.lower() == "location"}
        reply = Reply(answer.content, answer.status_code, passed, content_type)
        with self._lock:
            self.forwarded += 1
            rng = np.random.default_rng((self.seed, self.forwarded))
            if rng.random() >= self.rate or self.spares(request.query) or not reply.body:
                return reply
            fault = self.faults[int(rng.integers(len(self.faults)))]
        before = reply.body
        spoiled = fault(reply, rng)
        if spoiled is not reply or reply.body != before or reply.sent is not None or reply.wait_s:
            with self._lock:
                self.counts[fault.__name__] += 1
        return spoiled

    @contextlib.contextmanager
    def running(self) -> Iterator[FaultProxy]:
        """Run it on a free port of 127.0.0.1."""
        with httpx.Client(timeout=300) as self._http, serving(self.reply) as root:
            self.url = root + urlsplit(self.upstream).path
            yield self


@dataclass
class _Document:
    """A VOTable taken apart: rows are lists of cells, each as it stands in the document (with its NULL flag)."""

    head: bytes
    fields: list[bytes]
    rows: list[list[tuple[bool, bytes]]]
    tail: bytes
    binary2: bool

    @classmethod
    def parse(cls, body: bytes) -> _Document | None:
        found = list(re.finditer(rb"<FIELD\b[^>]*?(/>|>.*?</FIELD>)", body, re.S))
        data = re.search(
            rb"<DATA>\s*(?:<TABLEDATA>(?P<text>.*)</TABLEDATA>"
            rb'|<BINARY2>\s*<STREAM encoding="base64">(?P<base64>.*)</STREAM>\s*</BINARY2>)\s*</DATA>',
            body,
            re.S,
        )
        if not found or data is None:
            return None
        fields = [match.group(0) for match in found]
        head = body[: found[0].start()]
        tail = body[data.end() :]
        if data["text"] is not None:
            lines = re.findall(rb"<TR>(.*?)</TR>", data["text"], re.S)
            rows = [[(False, cell) for cell in re.findall(rb"<TD>.*?</TD>|<TD\s*/>", line, re.S)] for line in lines]
            return cls(head, fields, rows, tail, False)
        return cls(head, fields, list(_binary2_rows(base64.b64decode(data["base64"]), fields)), tail, True)

    def to_bytes(self) -> bytes:
        if not self.binary2:
            lines = b"".join(b"<TR>" + b"".join(cell for _, cell in row) + b"</TR>" for row in self.rows)
            data = b"<TABLEDATA>" + lines + b"</TABLEDATA>"
        else:
            width = (len(self.fields) + 7) // 8
            stream = bytearray()
            for row in self.rows:
                mask = sum(1 << (8 * width - 1 - at) for at, (null, _) in enumerate(row) if null)
                stream += mask.to_bytes(width, "big") + b"".join(cell for _, cell in row)
            encoded = base64.b64encode(bytes(stream))
            data = b'<BINARY2><STREAM encoding="base64">' + encoded + b"</STREAM></BINARY2>"
        return self.head + b"".join(self.fields) + b"<DATA>" + data + b"</DATA>" + self.tail


def _edited(reply: Reply, edit: Callable[[list[list[tuple[bool, bytes]]]], list[list[tuple[bool, bytes]]]]) -> Reply:
    document = _Document.parse(reply.body)
    if document is not None:
        before = len(document.rows)
        document.rows = edit(document.rows)
        if len(document.rows) != before:
            reply.body = document.to_bytes()
    return reply


def _binary2_rows(stream: bytes, fields: list[bytes]) -> Iterator[list[tuple[bool, bytes]]]:
    shapes = []
    for text in fields:
        attributes = dict(re.findall(rb'(\w+)="([^"]*)"', text.split(b">", 1)[0]))
        shapes.append((_SIZES[attributes[b"datatype"].decode()], attributes.get(b"arraysize", b"1").decode()))
    width, at = (len(fields) + 7) // 8, 0
    while at < len(stream):
        mask = int.from_bytes(stream[at : at + width], "big")
        at += width
        row = []
        for number, (size, array) in enumerate(shapes):
            length = size
            if "*" in array:
                length = 4 + size * struct.unpack_from(">I", stream, at)[0]
            elif array != "1":
                length = size * int(np.prod([int(part) for part in array.split("x")]))
            row.append((bool(mask >> (8 * width - 1 - number) & 1), stream[at : at + length]))
            at += length
        yield row
