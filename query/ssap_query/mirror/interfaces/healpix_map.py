"""Numbers of a whole mirror as a map of the sky: one value for each HEALPix cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from ssap_mirror.core import healpix
from ssap_mirror.errors import ParameterError

from ssap_query.arrow.arrays import as_numpy
from ssap_query.engine.compile import map_statement
from ssap_query.mirror.result import ResultSet

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["UNSEEN", "healpix_map"]

#: What healpy takes for "nothing here" (``healpy.UNSEEN``).
UNSEEN = -1.6375e30

_COUNT = "count(*)"
_MAX_ORDER = 12  # 201 million cells: 1.6 GB
_ORDER, _EXPRESSION = "order", "expression"


def healpix_map(
    sql: Callable[[str], ResultSet],
    order: int,
    expression: str = _COUNT,
    where: str | None = None,
    empty: float | None = None,
) -> NDArray[np.float64]:
    """Work out an aggregate in each cell.

    Parameters
    ----------
    sql : callable
        Answers a query on the view ``spectra`` (`Mirror.sql`). Rows without a target position are in no cell.
    order : int
        HEALPix order, 0 to 12: ``nside = 2**order``.
    expression : str
        SQL aggregate over the rows of a cell (``median(ssa_snr)``).
    where : str, optional
        SQL condition on the rows.
    empty : float, optional
        Value of cells without rows, and of those where the expression is NULL; without it, 0 for ``count(*)`` and else
        `UNSEEN`.

    Returns
    -------
    numpy.ndarray of float64, shape (12 * 4**order,)
        In the NESTED scheme (``healpy.mollview(found, nest=True)``).

    Raises
    ------
    ParameterError
        If the order is out of range, or DuckDB cannot make sense of the expression or the condition.
    """
    if isinstance(order, bool) or not isinstance(order, int) or not 0 <= order <= _MAX_ORDER:
        raise ParameterError(_ORDER, order, f"is not a HEALPix order between 0 and {_MAX_ORDER}")
    fill = empty if empty is not None else 0.0 if expression == _COUNT else UNSEEN
    found = np.full(healpix.cells_in_order(order), fill)
    try:
        rows = sql(map_statement(order, expression, where)).to_arrow()
    except ParameterError as error:
        asked = expression if where is None else f"{expression} WHERE {where}"
        reason = error.reason.splitlines()[0]
        raise ParameterError(_EXPRESSION, asked, f"is no aggregate in SQL: {reason}") from error
    values = as_numpy(rows["value"].combine_chunks())
    found[as_numpy(rows["cell"].combine_chunks())] = np.where(np.isnan(values), fill, values)
    return found
