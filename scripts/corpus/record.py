"""Ask a server the requests that `generate.py` made, and record its answers; at most two requests at a time.

Run as ``.venv/bin/python scripts/corpus/record.py REQUESTS.jsonl URL ANSWERS.jsonl.gz``. What is answered is kept in
``ANSWERS.jsonl.gz.part`` until all is: run it again after an interruption and it goes on from there.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from scripts.corpus import answers

CONNECTIONS = 2
_TIMEOUT_S = 300.0
_BOUNDARY = "ssap-corpus-boundary"
_USER_AGENT = "ssap-mirror-corpus"


class Asker:
    """One connection a thread, so that a request is sent byte for byte as it was made."""

    def __init__(self, url: str) -> None:
        self._url: SplitResult = urlsplit(url)
        self._own = threading.local()
        self._opened = ExitStack()

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *problem: object) -> None:
        self._opened.close()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask one request.

        Parameters
        ----------
        request
            As `generate.requests` makes it.

        Returns
        -------
        dict
            The request together with its answer (`answers.describe`).

        Raises
        ------
        OSError, http.client.HTTPException
            If the server is not there, or breaks off twice.
        """
        method, target, body, headers = self._encode(request)
        for attempt in (1, 2):
            connection = self._connection()
            try:
                connection.request(method, target, body, headers)
                response = connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException):
                # A server may close an idle connection; a second time it is a fault.
                connection.close()
                if attempt == 2:
                    raise
            else:
                kind = response.getheader("Content-Type", "")
                return {**request, **answers.describe(response.status, kind, content)}
        raise AssertionError

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._own, "connection"):
            port = self._url.port or 80
            opened = http.client.HTTPConnection(self._url.hostname or "", port, timeout=_TIMEOUT_S)
            self._own.connection = self._opened.enter_context(closing(opened))
        connection: http.client.HTTPConnection = self._own.connection
        return connection

    def _encode(self, request: dict[str, Any]) -> tuple[str, str, bytes | None, dict[str, str]]:
        headers = {"User-Agent": _USER_AGENT}
        query = request["raw"] if "raw" in request else urlencode([tuple(pair) for pair in request["params"]])
        if request.get("method") != "POST":
            return "GET", f"{self._url.path}?{query}", None, headers
        if request.get("multipart") and "params" in request:
            kind, body = f"multipart/form-data; boundary={_BOUNDARY}", _multipart(request["params"])
        else:
            kind, body = "application/x-www-form-urlencoded", query.encode("ascii")
        return "POST", self._url.path, body, {**headers, "Content-Type": kind}


def _multipart(pairs: Iterable[tuple[str, str]]) -> bytes:
    parts = [f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in pairs]
    return ("".join(parts) + f"--{_BOUNDARY}--\r\n").encode()


def record(requests: list[dict[str, Any]], url: str, path: Path) -> int:
    """Ask what is not answered yet, and put all answers into one file when there are no more.

    Parameters
    ----------
    requests
        To ask.
    url
        Of the SSAP service, http.
    path
        File to make: gzipped JSON, one object a line in the requests' order.

    Returns
    -------
    int
        How many were asked now.

    Raises
    ------
    OSError, http.client.HTTPException
        If the server fails; what it answered until then is kept.
    """
    part = path.with_name(path.name + ".part")
    done = {answer["id"]: answer for answer in _complete_lines(part)}
    left = [request for request in requests if request["id"] not in done]
    began = time.monotonic()
    with part.open("a", encoding="utf-8") as stream, Asker(url) as asker, ThreadPoolExecutor(CONNECTIONS) as pool:
        for number, answer in enumerate(_in_turn(pool, asker, left), 1):
            stream.write(json.dumps(answer, ensure_ascii=False) + "\n")
            stream.flush()
            done[answer["id"]] = answer
            if number % 200 == 0:
                print(f"{number} of {len(left)} in {time.monotonic() - began:.0f} s", file=sys.stderr)
    # Without a time of day, the same answers give the same bytes.
    with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as packed:
        for request in requests:
            packed.write((json.dumps(done[request["id"]], ensure_ascii=False) + "\n").encode())
    part.unlink()
    return len(left)


def _in_turn(pool: ThreadPoolExecutor, asker: Asker, left: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give the answers in order; after a failure the requests that wait are not asked."""
    pending = [pool.submit(asker.ask, request) for request in left]
    try:
        for future in pending:
            yield future.result()
    finally:
        for future in pending:
            future.cancel()


def _complete_lines(part: Path) -> Iterator[dict[str, Any]]:
    """Read the answers of an earlier run; a last line that was cut off is removed."""
    if not part.exists():
        return
    content = part.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        part.write_bytes(whole)
    for line in whole.splitlines():
        yield json.loads(line)


def main() -> None:
    """Record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requests", type=Path)
    parser.add_argument("url")
    parser.add_argument("path", type=Path)
    options = parser.parse_args()
    with options.requests.open(encoding="utf-8") as stream:
        requests = [json.loads(line) for line in stream]
    print(f"{options.path}: asked {record(requests, options.url, options.path)} of {len(requests)} requests")


if __name__ == "__main__":
    main()
