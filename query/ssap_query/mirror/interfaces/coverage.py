"""Where on the sky a mirror has rows, by the cells that they are in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ssap_mirror.core import healpix
from ssap_mirror.errors import ParameterError

from ssap_query.arrow.arrays import as_numpy
from ssap_query.engine.compile import map_statement
from ssap_query.mirror.result import ResultSet
from ssap_query.render.faces.moc import Moc

__all__ = ["DEFAULT_ORDER", "coverage"]

#: Cells of half a degree, a tenth of a field of LAMOST: smaller ones show its fibres, larger ones little.
DEFAULT_ORDER = 7

_ORDER = "order"


def coverage(sql: Callable[[str], ResultSet], name: str, order: int = DEFAULT_ORDER) -> Moc:
    """Find the cells that hold a row; see `ssap_query.Mirror.moc`."""
    if isinstance(order, bool) or not isinstance(order, int) or not 0 <= order <= healpix.ORDER:
        raise ParameterError(_ORDER, order, f"is not a HEALPix order between 0 and {healpix.ORDER}")
    rows = sql(map_statement(order, "count(*)", None))
    return Moc(order, np.sort(as_numpy(rows.to_arrow()["cell"].combine_chunks())), name)
