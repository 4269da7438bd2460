"""What can be asked of a mirror in ADQL."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ssap_query.engine.engine import Engine
from ssap_query.mirror.answer import provenance
from ssap_query.mirror.live_engine import LiveEngine
from ssap_query.mirror.result import ResultSet

if TYPE_CHECKING:
    from ssap_query.adql.database import AdqlDatabase

__all__ = ["AdqlMirror"]

_DATABASES: WeakKeyDictionary[Engine, AdqlDatabase] = WeakKeyDictionary()
_LOCK = Lock()


class AdqlMirror:
    """The part of a mirror that answers ADQL."""

    _live: LiveEngine

    def adql(self, text: str, tables: Mapping[str, Any] | None = None, maxrec: int | None = None) -> ResultSet:
        """Answer one query in ADQL 2.1 (or 2.0), as a TAP service does; this one cannot reach any other data.

        The table ``spectra`` has all rows and columns, NULL for NaN; ``TAP_SCHEMA`` describes it. NULL comes last in
        ascending order and first in descending order, as on services that run on PostgreSQL.

        Parameters
        ----------
        text : str
            The query: ``SELECT TOP 10 * FROM spectra WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(292.06, 43.93, 0.2))``.
        tables : mapping of str to table, optional
            Tables that it reads as ``TAP_UPLOAD.name``: a path, or an Arrow, pandas, polars or astropy table.
        maxrec : int, optional
            At most so many rows; if there are more, the status is ``OVERFLOW``.

        Returns
        -------
        ResultSet
            Plain columns keep their units, UCDs and descriptions; distances, points and areas have theirs.

        Raises
        ------
        ParameterError
            If it is no ADQL, or names what is not there; the reason says what.
        CatalogError
            If the snapshot cannot be read.
        """
        from ssap_query.adql.tables.uploads import upload

        uploads = [upload(name, table) for name, table in (tables or {}).items()]

        def asked(engine: Engine) -> ResultSet:
            found = _database(engine).run(text, uploads, maxrec)
            infos = {**provenance(engine.catalog), "query": text}
            return ResultSet(found.schema, found.rows, found.truncated, infos=infos, arrow_types=found.arrow)

        return self._live.ask(asked)


def _database(engine: Engine) -> AdqlDatabase:
    """Database of an open snapshot, made when it is first asked for."""
    from ssap_query.adql.database import AdqlDatabase
    from ssap_query.adql.tables.mirrors import mirror_tables

    with _LOCK:
        if engine not in _DATABASES:
            _DATABASES[engine] = AdqlDatabase(mirror_tables({engine.catalog.name: engine.catalog}))
        return _DATABASES[engine]
