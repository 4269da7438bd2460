"""Requests over HTTP that no client sends, as the bytes that go over the connection, made from a seed."""

from __future__ import annotations

from random import Random
from urllib.parse import quote

from scripts.fuzz.adql_queries import Queries
from scripts.fuzz.hostile_requests import Requests

__all__ = ["HttpRequests"]

_METHODS = ("GET",) * 12 + ("POST",) * 8 + ("HEAD", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "BREW")
_PATHS = (
    *("ssap", "ssap", "ssap", "ssap.xml", "scs", "scs", "tap/sync", "tap/sync", "tap/async", "tap/async/{job}", "tap"),
    *(
        "tap/async/{job}/{part}",
        "tap/async/{job}/results/result",
        "tap/tables",
        "tap/tables/{word}",
        "tap/capabilities",
    ),
    *(
        "tap/availability",
        "tap/examples",
        "availability",
        "capabilities",
        "tables",
        "about.json",
        "rows.json",
        "",
        "{word}",
    ),
)
_PARTS = ("phase", "parameters", "results", "error", "quote", "destruction", "executionduration", "owner", "nonsense")
_WORDS = (
    *(
        "..",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "%00",
        "%",
        "a" * 3000,
        "spectra",
        "tap_schema.tables",
        "é",
        "%ff",
        "//",
        "\\",
    ),
    *("<script>", "{x}", "index.html", ".", "static/../../x", "fuzzed"),
)
_TYPES = (
    *("application/x-www-form-urlencoded",) * 4,
    *("multipart/form-data; boundary=b", "multipart/form-data", "application/json", "text/plain", "", "é"),
)
_FORMATS = (
    "votable",
    "csv",
    "fits",
    "json",
    "text/html",
    "votable/b2",
    "parquet",
    "xls",
    "text/csv;header=absent",
    "",
    "*/*",
)
_UPLOADS = (
    "mine,param:f",
    "mine,param:none",
    "a,file:///etc/passwd",
    "a,http://example.invalid/x",
    "a",
    "a b,param:f",
    ";,;",
)
_HEADERS = (
    *("Accept-Encoding: gzip", "Accept-Encoding: gzip;q=0, br", "If-None-Match: *", 'If-None-Match: W/"x"'),
    *("Range: bytes=0-5", "Host: evil.example", "Origin: https://evil.example", "X-Forwarded-Host: evil.example"),
    *("Accept: nonsense", "Expect: x", "Content-Length: 5", "Content-Length: -1", "Transfer-Encoding: chunked"),
    *("Connection: keep-alive, upgrade", "Upgrade: h2c", f"Cookie: {'x' * 5000}", "If-Modified-Since: yesterday"),
    *("Content-Encoding: gzip", "A: \x00", "Access-Control-Request-Method: X"),
)
# What says of a body where it ends, or that the connection goes on.
_ABOUT_ENDS = ("Content-Length", "Transfer-Encoding", "Connection", "Upgrade", "Expect", "A:")


class HttpRequests:
    """Hostile requests to a server.

    Parameters
    ----------
    seed : int
        The same seed gives the same requests.
    name : str
        Of the mirror that is served.
    """

    def __init__(self, seed: int, name: str) -> None:
        self._seed, self._name = seed, name
        self._ssap = Requests(seed, longest=20_000, long_share=0.01)
        self._adql = Queries(seed)

    def make(self, number: int) -> tuple[bytes, bool]:
        """Make one request.

        Returns
        -------
        request : bytes
            All that goes over its connection.
        ends : bool
            Whether it says where it ends, so that an answer is due.
        """
        rng = Random(f"http/{self._seed}/{number}")
        method, path = rng.choice(_METHODS), rng.choice(_PATHS)
        query, body = b"", b""
        parameters = self._parameters(rng, number, path)
        headers = ["Host: 127.0.0.1", "Connection: close"]
        if method in ("POST", "PUT", "PATCH"):
            kind = rng.choice(_TYPES)
            body = _multipart(rng, parameters) if kind.startswith("multipart") else parameters
            headers += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
            query = parameters[:200] if rng.random() < 0.1 else b""
        else:
            query = parameters
        odd = rng.sample(_HEADERS, rng.randint(1, 3)) if rng.random() < 0.3 else []
        headers += odd
        ends = not any(header.startswith(_ABOUT_ENDS) for header in odd)
        text = path.format(job=rng.choice(("x", "0" * 16, "..")), part=rng.choice(_PARTS), word=rng.choice(_WORDS))
        place = rng.choice((f"/{self._name}/", f"/{self._name}/", "/", "//", "/nowhere/")) + text
        target = place.encode("utf-8", "surrogatepass") + (b"?" + _one_line(query) if query else b"")
        start = method.encode() + b" " + target + b" " + rng.choice((b"HTTP/1.1",) * 30 + (b"HTTP/1.0", b"HTTP/9", b""))
        head = b"\r\n".join([start, *(header.encode("latin-1", "replace") for header in headers)])
        whole = head + b"\r\n\r\n" + body
        if rng.random() < 0.03:
            at = rng.randrange(len(whole))
            whole = whole[:at] + rng.randbytes(rng.randint(1, 4)) + whole[at + rng.randint(0, 2) :]
            ends = False
        return whole, ends

    def _parameters(self, rng: Random, number: int, path: str) -> bytes:
        if path.startswith("tap"):
            text, _ = self._adql.make(number)
            pairs = [("LANG", rng.choice(("ADQL", "ADQL", "ADQL-2.1", "SQL"))), ("QUERY", text)]
            pairs += [
                ("RESPONSEFORMAT", rng.choice(_FORMATS)),
                ("MAXREC", rng.choice(("5", "0", "-1", "9" * 30, "x", ""))),
            ]
            pairs += [("UPLOAD", rng.choice(_UPLOADS))] if rng.random() < 0.3 else []
            pairs += [("PHASE", rng.choice(("RUN", "ABORT", "x")))] if rng.random() < 0.3 else []
            pairs += [("WAIT", rng.choice(("0", "x", "-5", "nan")))] if rng.random() < 0.2 else []
        elif path == "scs":
            pairs = [
                (name, rng.choice(("10", "0", "-91", "nan", "1e400", "x", "0.5", "359.9")))
                for name in ("RA", "DEC", "SR")
            ]
            pairs += [("RESPONSEFORMAT", rng.choice(_FORMATS)), ("VERB", rng.choice(("1", "3", "9", "x")))]
        else:
            request, _, _ = self._ssap.make(number)
            if isinstance(request, bytes):
                return request
            if isinstance(request, str):
                return request.encode("utf-8", "surrogatepass")
            pairs = [(str(name), str(value)) for name, value in request]
            if rng.random() < 0.3:
                pairs.append(("RESPONSEFORMAT", rng.choice(_FORMATS)))
        return "&".join(
            f"{quote(name, errors='replace')}={quote(value, errors='replace')}" for name, value in pairs
        ).encode()


def _one_line(query: bytes) -> bytes:
    """Leave out of a query string what would end its line or its target."""
    return bytes(byte for byte in query if byte not in b"\r\n #" and byte > 32)


def _multipart(rng: Random, parameters: bytes) -> bytes:
    parts = []
    for pair in parameters.split(b"&"):
        name, _, value = pair.partition(b"=")
        parts.append(b'Content-Disposition: form-data; name="' + name[:100] + b'"\r\n\r\n' + value)
    table = rng.choice((b"<VOTABLE/>", b"a,b\n1,2\n", rng.randbytes(60), b""))
    parts.append(b'Content-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + table)
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + rng.choice(
        (b"--b--\r\n", b"--b--\r\n", b"", b"--b")
    )
