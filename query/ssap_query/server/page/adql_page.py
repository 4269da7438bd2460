"""A page of the answer to a query in ADQL, sorted over all of it."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any

from ssap_mirror.errors import ParameterError

from ssap_query.adql.database import AdqlDatabase
from ssap_query.arrow.formats import FORMATS
from ssap_query.engine.browse.sorting import sorted_page
from ssap_query.mirror.result import ResultSet
from ssap_query.server.page.page_request import read_page_request
from ssap_query.server.page.values import cells, described
from ssap_query.server.tap.requests import Parameters, TapRequest
from ssap_query.server.tap.service import TapService

__all__ = ["AdqlPages"]

_QUERY = "QUERY"
# Who turns a page asks the same query again.
_KEPT = 4


class AdqlPages:
    """Answers queries page by page, and remembers the last few answers.

    Parameters
    ----------
    service : TapService
        What answers.
    default_maxrec : int, optional
        Most rows of an answer.
    """

    def __init__(self, service: TapService, default_maxrec: int | None) -> None:
        self._service, self._default_maxrec = service, default_maxrec
        self._kept: OrderedDict[str, ResultSet] = OrderedDict()
        self._kept_of: AdqlDatabase | None = None
        self._lock = Lock()

    def page(self, raw: bytes, most_rows: int) -> dict[str, Any]:
        """Give a page of the rows of a query.

        Parameters
        ----------
        raw : bytes
            ``QUERY`` in ADQL, and which part of the answer is shown.
        most_rows : int
            Largest page.

        Raises
        ------
        ParameterError
            If it is no ADQL, or cannot be answered.
        CatalogError
            If a snapshot cannot be read.
        """
        asked = read_page_request(raw, "ivoa")
        given = {name.upper(): str(value) for name, value in asked.parameters}
        query = given.get(_QUERY, "")
        if not query.strip():
            raise ParameterError(_QUERY, query, "is empty")
        result = self._answer(query)
        order = asked.order(result.schema, most_rows)
        return {
            "status": result.status,
            "total": len(result),
            "offset": order.offset,
            "notes": list(result.notes),
            "words": [],
            "columns": [described(column) for column in result.schema],
            "rows": cells(sorted_page(result.arrow_schema, result.batches, order)),
        }

    def _answer(self, query: str) -> ResultSet:
        database = self._service.database()
        with self._lock:
            if self._kept_of is not database:  # another snapshot is live by now
                self._kept.clear()
                self._kept_of = database
            if query in self._kept:
                self._kept.move_to_end(query)
                return self._kept[query]
        request = TapRequest(query, self._default_maxrec, FORMATS[0], FORMATS[0].media_type, ())
        result = self._service.answer(request, Parameters({}))
        with self._lock:
            if self._kept_of is database:
                self._kept[query] = result
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return result
