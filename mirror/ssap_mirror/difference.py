"""What differs between two snapshots: rows added, removed and changed, by their identity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssap_mirror.catalog import Catalog, Partition
from ssap_mirror.errors import CatalogError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["Difference", "diff"]

_ID = "identity"


@dataclass(frozen=True)
class Difference:
    """What a snapshot has that an older one has not, and the other way round. Identities are sorted."""

    added: pa.Array
    """Identities of rows that only the new one has."""
    removed: pa.Array
    """Identities of rows that only the old one has."""
    changed: pa.Array
    """Identities of rows with another value in a column that both have."""
    columns_added: tuple[str, ...]
    """Columns that only the new one has."""
    columns_removed: tuple[str, ...]
    """Columns that only the old one has."""

    def __bool__(self) -> bool:
        parts = (self.added, self.removed, self.changed, self.columns_added, self.columns_removed)
        return any(len(part) for part in parts)


def diff(old: Catalog, new: Catalog) -> Difference:
    """Compare two snapshots. Files that both have are not read; the others are compared a stretch of sky at a time.

    Parameters
    ----------
    old, new : Catalog
        Two snapshots of one mirror.

    Returns
    -------
    Difference
        NULL equals NULL and NaN equals NaN; the score of a row (``Query.Score``) does not count.

    Raises
    ------
    CatalogError
        If one of them has no column that identifies a row, or they have different ones.
    """
    import duckdb
    import pyarrow as pa

    identity = _identity(old, new)
    score = new.schema.role("score")
    compared = [name for name in new.schema.names if name in old.schema and (score is None or name != score.name)]
    session = duckdb.connect()

    def rows(parts: list[Partition]) -> duckdb.DuckDBPyRelation:
        files = [str(part.path) for part in parts]
        columns = [duckdb.ColumnExpression(name) for name in compared]
        return session.read_parquet(files, hive_partitioning=False).select(*columns)

    def identities(relation: duckdb.DuckDBPyRelation) -> pa.Table:
        return relation.select(duckdb.ColumnExpression(identity).alias(_ID)).to_arrow_table()

    only_old, only_new = [], []
    for before, after in _stretches(old, new):
        if before:
            only_old.append(identities(rows(before).except_(rows(after)) if after else rows(before)))
        if after:
            only_new.append(identities(rows(after).except_(rows(before)) if before else rows(after)))
    nothing = pa.table({_ID: pa.array([], new.schema[identity].arrow_type())})
    gone, come = (session.from_arrow(pa.concat_tables(found or [nothing])) for found in (only_old, only_new))

    def listed(relation: duckdb.DuckDBPyRelation) -> pa.Array:
        return relation.order(_ID).to_arrow_table().column(_ID).combine_chunks()

    return Difference(
        added=listed(come.except_(gone)),
        removed=listed(gone.except_(come)),
        changed=listed(come.intersect(gone)),
        columns_added=tuple(name for name in new.schema.names if name not in old.schema),
        columns_removed=tuple(name for name in old.schema.names if name not in new.schema),
    )


def _identity(old: Catalog, new: Catalog) -> str:
    names = {role.name if (role := catalog.schema.role("identity")) else None for catalog in (old, new)}
    name = names.pop()
    if names or name is None:
        message = f"{old.path} and {new.path} cannot be compared: they do not have one column that identifies a row"
        raise CatalogError(message)
    return name


def _stretches(old: Catalog, new: Catalog) -> Iterator[tuple[list[Partition], list[Partition]]]:
    """Group the files that are not in both snapshots, old and new, by the stretch of sky they cover."""
    digests = [{item["sha256"] for item in catalog.row_files} for catalog in (old, new)]
    shared = digests[0] & digests[1]
    own = []
    for catalog in (old, new):
        known = {catalog.path / item["path"]: item["sha256"] for item in catalog.row_files}
        own.append([part for part in catalog.parts if known[part.path] not in shared])
    placed = [(part.healpix_29, side, part) for side in (0, 1) for part in own[side] if part.norder >= 0]
    group: tuple[list[Partition], list[Partition]] = ([], [])
    reached = -1
    for (low, high), side, part in sorted(placed, key=lambda item: item[0]):
        if low > reached and any(group):
            yield group
            group = ([], [])
        group[side].append(part)
        reached = max(reached, high)
    if any(group):
        yield group
    unplaced = [[part for part in parts if part.norder < 0] for parts in own]
    if any(unplaced):
        yield unplaced[0], unplaced[1]
