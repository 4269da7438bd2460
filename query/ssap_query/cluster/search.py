"""A request as LSDB has it: which partitions it touches, and which rows of each."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from lsdb.core.search.abstract_search import AbstractSearch

from ssap_query.cluster.partition_query import PartitionQuery
from ssap_query.engine.index.sky_cover import Ranges

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SsapSearch", "arrow_table"]

_FINEST = 29


class SsapSearch(AbstractSearch):  # type: ignore[misc]  # LSDB has no types
    """Rows that a request selects, as ``lsdb.open_catalog`` takes it for ``search_filter``.

    Parameters
    ----------
    query : PartitionQuery
        What selects rows of a partition.
    ranges : Ranges or None
        Cells that can hold rows of the request; None is the whole sky.
    score_column : str, optional
        Column that gets the scores.
    """

    def __init__(self, query: PartitionQuery, ranges: Ranges | None, score_column: str | None = None) -> None:
        super().__init__(fine=True)
        self.query, self.ranges, self.score_column = query, ranges, score_column

    def __dask_tokenize__(self) -> str:
        """Tell searches apart: Dask takes tasks of one name for one."""
        return hashlib.sha256(pickle.dumps((self.query, self.ranges, self.score_column))).hexdigest()

    def perform_hc_catalog_filter(self, hc_structure: Any) -> Any:
        """Keep the partitions that can hold rows; of a margin, also those beside them."""
        if self.ranges is None:
            return hc_structure.filter_from_pixel_list(hc_structure.get_healpix_pixels())
        from mocpy import MOC

        inclusive = np.array(self.ranges, np.uint64).reshape(-1, 2)
        cells = MOC.from_depth29_ranges(_FINEST, inclusive + np.array([0, 1], np.uint64))
        kept = hc_structure.filter_by_moc(cells)
        kept.moc = cells  # by which LSDB reads only some of the row groups
        return kept

    def search_points(self, frame: Any, metadata: Any) -> Any:
        """Select rows of a partition.

        Parameters
        ----------
        frame : nested_pandas.NestedFrame
            Its rows, in Arrow's types.
        metadata : hats.catalog.TableProperties
            Of its catalogue.
        """
        import pandas as pd

        found = self.query.select(arrow_table(frame, self.query.columns))
        chosen = frame.iloc[found.rows]
        if self.score_column is None or found.score is None:
            return chosen
        return chosen.assign(**{self.score_column: pd.array(found.score, dtype=frame[self.score_column].dtype)})


def arrow_table(frame: Any, columns: Sequence[str]) -> pa.Table:
    """Take columns of a frame in Arrow's types as they are: NULL and NaN stay apart, lists stay lists."""
    import pyarrow as pa

    arrays = [pa.array(frame[name].array) for name in columns]
    return pa.table(arrays, names=list(columns))
