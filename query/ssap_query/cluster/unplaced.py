"""The rows without coordinates, which HATS has no partition for: a worker reads their one file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ssap_query.arrow.arrays import as_arrow
from ssap_query.cluster.files import SnapshotFiles
from ssap_query.cluster.partition_query import PartitionQuery

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["selected_unplaced"]


def selected_unplaced(
    files: SnapshotFiles, path: str, names: Sequence[str], query: PartitionQuery, score_column: str | None
) -> pa.Table:
    """Select rows of the file; this is run by a worker.

    Parameters
    ----------
    files : SnapshotFiles
        The snapshot.
    path : str
        The file, below the folder of the snapshot.
    names : sequence of str
        Columns to give.
    query : PartitionQuery
        What selects rows.
    score_column : str, optional
        Column that gets the scores.

    Raises
    ------
    CatalogError
        If the file is damaged.
    """
    import pyarrow.parquet as pq

    files.check(path)
    place = files.snapshot / path
    wanted = list(dict.fromkeys([*names, *query.columns]))
    with place.fs.open(place.path, "rb") as file:
        table = pq.read_table(file, columns=wanted, page_checksum_verification=True).combine_chunks()
    found = query.select(table)
    chosen = table.take(as_arrow(found.rows)).select(list(names))
    if score_column is not None and score_column in names and found.score is not None:
        at = chosen.schema.get_field_index(score_column)
        chosen = chosen.set_column(at, score_column, as_arrow(found.score))
    return chosen
