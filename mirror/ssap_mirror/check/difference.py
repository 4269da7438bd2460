"""What differs between two snapshots: rows added, removed and changed, by their identity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.build.equality import unequal
from ssap_mirror.core.catalog import Catalog, Partition
from ssap_mirror.errors import CatalogError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Difference", "diff"]


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
    """Columns that only the new one has; one whose type has changed is removed and added."""
    columns_removed: tuple[str, ...]
    """Columns that only the old one has."""
    changes: Mapping[str, int] = field(default_factory=dict)
    """Column -> rows among `changed` that have another value in it, for those that have any, in the service's order."""

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
        NULL equals NULL and NaN equals NaN; a row's score (``Query.Score``) does not count, nor does a row without an
        identity.

    Raises
    ------
    CatalogError
        If one of them has no column that identifies a row, or they have different ones; or a file is damaged.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    identity = _identity(old, new)
    shared = [name for name in new.schema.names if name in old.schema]
    shared = [name for name in shared if new.schema[name].arrow_type() == old.schema[name].arrow_type()]
    compared = [name for name in shared if name != identity and name not in new.schema.uncompared]
    nothing = pa.array([], new.schema[identity].arrow_type())
    gone, come, changed = [nothing], [nothing], [nothing]
    changes: Counter[str] = Counter()
    stretches = list(_stretches(old, new))
    for before, after in stretches:
        left = _read(old, before, [identity, *compared], nothing)
        right = _read(new, after, [identity, *compared], nothing)
        gone.append(_without(left[identity], right[identity]))
        come.append(_without(right[identity], left[identity]))
        changed.append(_changed(left, right, identity, compared, changes))
    only_old, only_new = (pa.chunked_array(found).combine_chunks() for found in (gone, come))
    # A row that has moved is gone from one stretch and has come in another.
    moved = only_new.filter(pc.is_in(only_new, value_set=only_old))
    if len(moved):
        befores, afters = zip(*stretches, strict=True)
        left = _rows(old, befores, [identity, *compared], moved, nothing)
        right = _rows(new, afters, [identity, *compared], moved, nothing)
        _changed(left, right, identity, compared, changes)
    return Difference(
        added=_sorted(_without(only_new, only_old)),
        removed=_sorted(_without(only_old, only_new)),
        changed=_sorted(pa.chunked_array([*changed, moved])),
        columns_added=tuple(name for name in new.schema.names if name not in shared),
        columns_removed=tuple(name for name in old.schema.names if name not in shared),
        changes={name: changes[name] for name in compared if changes[name]},
    )


def _read(catalog: Catalog, parts: list[Partition], columns: list[str], nothing: pa.Array) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not parts:
        return pa.table({columns[0]: nothing})
    catalog.checksums.check(part.path for part in parts)
    tables = []
    for part in parts:
        with pq.ParquetFile(part.path, page_checksum_verification=True) as file:
            tables.append(file.read(columns=columns))
    table = pa.concat_tables(tables)
    return table.filter(table[columns[0]].is_valid())


def _rows(
    catalog: Catalog, stretches: Iterable[list[Partition]], columns: list[str], wanted: pa.Array, nothing: pa.Array
) -> pa.Table:
    """Read the rows of some identities."""
    import pyarrow as pa
    import pyarrow.compute as pc

    read = (_read(catalog, parts, columns, nothing) for parts in stretches if parts)
    return pa.concat_tables([table.filter(pc.is_in(table[columns[0]], value_set=wanted)) for table in read])


def _without(values: pa.Array | pa.ChunkedArray, others: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return the values that are not among the others."""
    import pyarrow as pa
    import pyarrow.compute as pc

    left = values.filter(pc.invert(pc.is_in(values, value_set=others)))
    return left.combine_chunks() if isinstance(left, pa.ChunkedArray) else left


def _changed(
    left: pa.Table, right: pa.Table, identity: str, compared: list[str], changes: Counter[str]
) -> pa.Array:  # fmt: skip
    """Identities of rows that are on both sides, with another value; counts them by column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    places = pc.index_in(right[identity], value_set=left[identity]).combine_chunks()
    both = places.is_valid()
    at = places.drop_null()
    differs = np.zeros(len(at), np.bool_)
    for name in compared if len(at) else []:
        old, new = (side[name].combine_chunks() for side in (left, right))
        other = unequal(old.take(at), new.filter(both))
        changes[name] += int(other.sum())
        differs |= other
    return right[identity].filter(both).filter(pa.array(differs)).combine_chunks()


def _sorted(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    taken = values.take(pa.compute.sort_indices(values))
    return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken


def _identity(old: Catalog, new: Catalog) -> str:
    one, other = (catalog.schema.role("identity") for catalog in (old, new))
    if one is None or other is None or one.name != other.name or one.arrow_type() != other.arrow_type():
        message = f"{old.path} and {new.path} cannot be compared: they do not have one column that identifies a row"
        raise CatalogError(message)
    return one.name


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
