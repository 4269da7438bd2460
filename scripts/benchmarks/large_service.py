"""A simulated SSAP service of millions of spectra that answers in no time: rows are arrays, and answers BINARY2.

It has what makes a table hard to harvest whole: rows without SNR, date or position, parameters with one value for all
rows, and a limit that no single answer gets past.
"""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import numpy as np
from ssap_mirror.core.sphere import separation_arcsec
from ssap_mirror.core.times import mjd_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LargeService", "made_up"]

#: Name, datatype, arraysize, unit, UCD, utype, and the lowest VERB that has it.
_COLUMNS = (
    ("pubdid", "char", "28", "", "meta.ref.uri;meta.curation", "ssa:Curation.PublisherDID", 1),
    ("ra", "double", "", "deg", "pos.eq.ra;meta.main", "", 1),
    ("dec", "double", "", "deg", "pos.eq.dec;meta.main", "", 1),
    ("t_mid", "double", "", "d", "time.epoch;obs.exposure", "ssa:Char.TimeAxis.Coverage.Location.Value", 1),
    ("t_ext", "double", "", "s", "time.duration", "ssa:Char.TimeAxis.Coverage.Bounds.Extent", 3),
    ("w_min", "double", "", "m", "em.wl;stat.min", "ssa:Char.SpectralAxis.Coverage.Bounds.Start", 3),
    ("w_max", "double", "", "m", "em.wl;stat.max", "ssa:Char.SpectralAxis.Coverage.Bounds.Stop", 3),
    ("snr", "double", "", "", "stat.snr", "ssa:Derived.SNR", 3),
    ("aperture", "double", "", "deg", "phys.angSize;instr.fov", "ssa:Char.SpatialAxis.Coverage.Bounds.Extent", 3),
    ("flux", "double", "", "", "phot.flux.density", "", 3),
)
_NAMES = tuple(column[0] for column in _COLUMNS)
# Answers are written so many rows at a time; a whole number of three bytes, so that pieces of base64 may be joined.
_ROWS_AT_ONCE = 30_000


def made_up(count: int, seed: int = 1) -> NDArray[np.void]:
    """Make rows: dense fields and the rest all round the sky, by the night, some of them without this or that.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        The same seed gives the same rows.
    """
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, [(name, "S28" if name == "pubdid" else ">f8") for name in _NAMES])
    rows["pubdid"] = np.char.add(b"ivo://example/large?", np.arange(count).astype("S7"))
    in_field = rng.random(count) < 0.4
    field_of = rng.integers(0, 40, count)
    rows["ra"] = np.where(in_field, field_of * 9.0 + rng.normal(0, 0.5, count), rng.uniform(0, 360, count)) % 360
    rows["dec"] = np.where(
        in_field, field_of * 3.0 - 60 + rng.normal(0, 0.5, count), np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    )
    rows["t_mid"] = 56_000 + rng.integers(0, 3000, count) + rng.integers(0, 600, count) / 1440
    rows["t_ext"] = rng.choice([600.0, 1800.0], count)
    rows["w_min"], rows["w_max"], rows["aperture"] = 3.7e-7, 9e-7, 9.2e-4
    rows["snr"], rows["flux"] = rng.gamma(3.0, 12.0, count), rng.normal(0, 1, count)
    at = np.arange(count)
    rows["snr"][at % 100 == 7] = np.nan
    rows["t_mid"][at % 200 == 9] = np.nan
    unplaced = at % 5000 == 11
    rows["ra"][unplaced] = rows["dec"][unplaced] = np.nan
    return rows


@dataclass
class LargeService:
    """The service."""

    rows: NDArray[np.void]
    """What it has, as `made_up` makes it."""
    obeys: tuple[str, ...] = ("POS", "TIME", "BAND", "SNR", "APERTURE")
    """Parameters that select rows."""
    default_rows: int = 10_000
    """Rows of an answer without MAXREC."""
    most_rows: int = 1_000_000
    """Rows of any answer."""
    requests: list[dict[str, str]] = field(default_factory=list)
    """What was asked."""
    url: str = ""
    """Endpoint, while it runs."""

    @contextlib.contextmanager
    def running(self) -> Iterator[LargeService]:
        """Run it on a free port."""
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = answer(dict(parse_qsl(urlsplit(self.path).query)))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-votable+xml")
                self.send_header("Content-Length", str(sum(map(len, parts))))
                self.end_headers()
                # An answer that says OVERFLOW is not read to its end.
                with contextlib.suppress(OSError):
                    for part in parts:
                        self.wfile.write(part)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """Say nothing of a client that closed its connection."""

        server = Server(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/ssap"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _answer(self, params: dict[str, str]) -> list[bytes]:
        self.requests.append(params)
        names = [column[0] for column in _COLUMNS if column[6] <= int(params.get("VERB", "2"))]
        if params.get("FORMAT", "").upper() == "METADATA":
            return _document(list(_NAMES), self.rows[:0], "OK", (*self.obeys, "SIZE", "MAXREC", "VERB", "REQUEST"))
        found = np.flatnonzero(self._matches(params))
        limit = min(int(params.get("MAXREC", self.default_rows)), self.most_rows)
        return _document(names, self.rows[found[:limit]], "OVERFLOW" if len(found) > limit else "OK")

    def _matches(self, params: dict[str, str]) -> NDArray[np.bool_]:
        rows, keep = self.rows, np.ones(len(self.rows), np.bool_)
        if "POS" in params and "POS" in self.obeys:
            ra, dec = map(float, params["POS"].split(","))
            radius = float(params["SIZE"]) / 2
            near = np.flatnonzero(np.abs(rows["dec"] - dec) <= radius)
            keep[:] = False
            keep[near] = separation_arcsec(ra, dec, rows["ra"][near], rows["dec"][near]) <= 3600 * radius
        for name, low, high in (
            ("TIME", "t_mid", "t_mid"),
            ("BAND", "w_min", "w_max"),
            ("SNR", "snr", "snr"),
            ("APERTURE", "aperture", "aperture"),
        ):
            if name in params and name in self.obeys:
                first, _, last = params[name].partition("/")
                if first:
                    keep &= rows[high] >= _number(first)
                if last:
                    keep &= rows[low] <= _number(last)
                keep &= np.isfinite(rows[low])
        return keep


def _number(text: str) -> float:
    return mjd_of(datetime.fromisoformat(text)) if text.count("-") == 2 and "e" not in text else float(text)


def _document(names: list[str], rows: NDArray[np.void], status: str, inputs: tuple[str, ...] = ()) -> list[bytes]:
    """Write a VOTable, in pieces."""
    fields = "".join(
        f'<FIELD name="{name}" datatype="{datatype}"'
        + "".join(
            f' {key}="{value}"' for key, value in zip(("arraysize", "unit", "ucd", "utype"), rest, strict=True) if value
        )
        + "/>"
        for name, datatype, *rest, _ in _COLUMNS
        if name in names
    )
    params = "".join(f'<PARAM name="INPUT:{name}" datatype="char" arraysize="*" value=""/>' for name in inputs)
    head = (
        '<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        '<RESOURCE type="results">'
        f'<INFO name="QUERY_STATUS" value="{status}"/>{params}<TABLE>{fields}<DATA><BINARY2><STREAM encoding="base64">'
    )
    packed = np.zeros(
        len(rows), [("flags", f"V{(len(names) + 7) // 8}"), *((name, rows.dtype[name]) for name in names)]
    )
    for name in names:
        packed[name] = rows[name]
    pieces = [packed[at : at + _ROWS_AT_ONCE].tobytes() for at in range(0, len(packed), _ROWS_AT_ONCE)]
    tail = b"</STREAM></BINARY2></DATA></TABLE></RESOURCE></VOTABLE>"
    return [head.encode(), *map(base64.b64encode, pieces), tail]
