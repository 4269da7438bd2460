"""Mirrors as one TAP service: their live snapshots in one database, so that they can be joined."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

import httpx
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.errors import FormatError, ParameterError, SourceError

from ssap_query.adql.database import AdqlDatabase
from ssap_query.adql.interrupt import Interrupt
from ssap_query.adql.tables.mirrors import mirror_tables
from ssap_query.adql.tables.table import AdqlTable
from ssap_query.adql.tables.uploads import upload
from ssap_query.mirror.answer import provenance
from ssap_query.mirror.mirror import Mirror
from ssap_query.mirror.result import ResultSet
from ssap_query.server.limits import ServerLimits
from ssap_query.server.tap.requests import Parameters, TapRequest, UploadSpec

__all__ = ["TapService"]

_UPLOAD = "UPLOAD"
_INLINE = "param:"
# Nothing is fetched from another machine: a query must not be a way to ask for what its sender cannot reach.
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})
_FETCH_S = 30.0


class TapService:
    """Answers queries about mirrors.

    Parameters
    ----------
    mirrors : mapping of str to Mirror
        Name -> mirror; the tables of the first need not be named with their schema.
    limits : ServerLimits
        What a query may take.
    """

    def __init__(self, mirrors: Mapping[str, Mirror], limits: ServerLimits) -> None:
        self._mirrors = mirrors
        self._limits = limits
        self._lock = Lock()
        self._database: AdqlDatabase | None = None
        self._snapshots: tuple[Path, ...] = ()

    def catalogs(self) -> dict[str, Catalog]:
        """Live snapshots by the names of their mirrors.

        Raises
        ------
        CatalogError
            If one cannot be read.
        """
        for mirror in self._mirrors.values():
            mirror.refresh()
        return {name: mirror.catalog for name, mirror in self._mirrors.items()}

    def database(self) -> AdqlDatabase:
        """Database of the live snapshots.

        Raises
        ------
        CatalogError
            If one cannot be read.
        """
        with self._lock:
            catalogs = self.catalogs()
            snapshots = tuple(catalog.path for catalog in catalogs.values())
            if self._database is None or snapshots != self._snapshots:
                self._database, self._snapshots = self._opened(catalogs), snapshots
            return self._database

    def _opened(self, catalogs: Mapping[str, Catalog]) -> AdqlDatabase:
        return AdqlDatabase(mirror_tables(catalogs), self._limits.query_bytes)

    def answer(
        self,
        request: TapRequest,
        parameters: Parameters,
        seconds: float | None = None,
        interrupt: Interrupt | None = None,
    ) -> ResultSet:
        """Answer a query.

        Parameters
        ----------
        request : TapRequest
            What is asked.
        parameters : Parameters
            What it came with.
        seconds : float, optional
            Longest time for it [s]; that of the server without it.
        interrupt : Interrupt, optional
            Breaks it off.

        Raises
        ------
        ParameterError
            If it cannot be answered.
        CatalogError
            If a snapshot cannot be read.
        """
        database = self.database()
        uploads = [self._upload(table, parameters) for table in request.uploads]
        found = database.run(
            request.query,
            uploads,
            request.maxrec,
            seconds=seconds or self._limits.query_s,
            in_memory=self._limits.engine.result,
            interrupt=interrupt,
        )
        every = [provenance(mirror.catalog) for mirror in self._mirrors.values()]
        infos = {name: "; ".join(dict.fromkeys(said[name] for said in every if name in said)) for name in every[0]}
        infos |= {"query": request.query, "standardID": "ivo://ivoa.net/std/TAP"}
        return ResultSet(
            found.schema, found.rows, found.truncated, infos=infos, arrow_types=found.arrow, protocol="TAP"
        )

    def _upload(self, table: UploadSpec, parameters: Parameters) -> AdqlTable:
        if table.uri.lower().startswith(_INLINE):
            name = table.uri[len(_INLINE) :].lower()
            content = parameters.files.get(name)
            if content is None and name.upper() in parameters.values:
                content = parameters.values[name.upper()].encode()
            if content is None:
                raise ParameterError(_UPLOAD, table.uri, "names no file that came with the query")
        else:
            content = self._fetched(table.uri)
        with _file(content) as path:
            try:
                return upload(table.name, path)
            except (SourceError, FormatError) as error:
                reason = str(error).replace(f"{path}: ", "").replace(str(path), "the file")
                raise ParameterError(_UPLOAD, table.name, f"cannot be read: {reason}") from None

    def _fetched(self, address: str) -> bytes:
        """Fetch a table from this machine."""
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or parts.hostname not in _THIS_MACHINE:
            raise ParameterError(
                _UPLOAD, address, "is not on this machine; tables are sent inline or fetched from here"
            )
        content = bytearray()
        try:
            with httpx.stream("GET", address, timeout=_FETCH_S, trust_env=False) as answer:
                answer.raise_for_status()
                for piece in answer.iter_bytes():
                    content += piece
                    if len(content) > self._limits.upload_bytes:
                        reason = f"is larger than the {self._limits.upload_bytes:,} bytes allowed"
                        raise ParameterError(_UPLOAD, address, reason)
        except httpx.HTTPError as error:
            raise ParameterError(_UPLOAD, address, f"cannot be fetched: {error}") from None
        return bytes(content)


@contextmanager
def _file(content: bytes) -> Iterator[Path]:
    """Put a table in a file, from which the readers of all formats read."""
    with tempfile.TemporaryDirectory(prefix="ssap-tap-") as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        yield path
