"""Numbers of a whole mirror as a map of the sky: one value for each HEALPix cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ssap_mirror import healpix
from ssap_mirror.catalog import Catalog
from ssap_mirror.errors import ParameterError

from ssap_query.session import Session
from ssap_query.usersql import connection

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["UNSEEN", "healpix_map"]

#: What healpy takes for "nothing here" (``healpy.UNSEEN``).
UNSEEN = -1.6375e30

_COUNT = "count(*)"
_MAX_ORDER = 12  # 201 million cells: 1.6 GB
_ORDER, _EXPRESSION = "order", "expression"


def healpix_map(
    session: Session,
    catalog: Catalog,
    order: int,
    expression: str = _COUNT,
    where: str | None = None,
    empty: float | None = None,
) -> NDArray[np.float64]:
    """Work out an aggregate in each cell.

    Parameters
    ----------
    session : Session
        What runs the query.
    catalog : Catalog
        The snapshot. Rows without a target position are in no cell.
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
    import duckdb

    if isinstance(order, bool) or not isinstance(order, int) or not 0 <= order <= _MAX_ORDER:
        raise ParameterError(_ORDER, order, f"is not a HEALPix order between 0 and {_MAX_ORDER}")
    fill = empty if empty is not None else 0.0 if expression == _COUNT else UNSEEN
    found = np.full(healpix.cells_in_order(order), fill)
    cursor = connection(session, catalog)
    try:
        rows = cursor.view("spectra").filter("_healpix_29 IS NOT NULL")
        if where is not None:
            rows = rows.filter(where)
        cells = rows.aggregate(f"healpix({order}) AS cell, ({expression})::DOUBLE AS value", "cell").fetchnumpy()
    except duckdb.Error as error:
        asked = expression if where is None else f"{expression} WHERE {where}"
        reason = str(error).strip().splitlines()[0]
        raise ParameterError(_EXPRESSION, asked, f"cannot be answered: {reason}") from error
    finally:
        cursor.close()
    values = np.ma.filled(np.ma.asarray(cells["value"]).astype(np.float64), fill)
    found[np.asarray(cells["cell"])] = values
    return found
