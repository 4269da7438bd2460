"""The snapshot that a refresh starts from: may it be used, its rows with what was fetched since, what is said of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.schema import UNLISTED, Schema
from ssap_mirror.errors import CatalogError
from ssap_mirror.sources.harvest.answers import read_answer
from ssap_mirror.sources.harvest.shape import meanings
from ssap_mirror.sources.source import Finding
from ssap_mirror.tables.parquet.reader import fitting_rows

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "MAX_REFRESH_FRACTION",
    "base_batches",
    "refresh_findings",
    "refreshed_batches",
    "rows_once",
    "same_columns",
]

#: From this share of rows on, a refresh fetches the whole table in large slices rather than rows in small ones.
MAX_REFRESH_FRACTION = 0.3

_BATCH_ROWS = 16_384


def same_columns(catalog: Catalog, schema: Schema) -> bool:
    """Whether a snapshot has just the columns that the service has now, and the same one tells rows apart."""

    def levels(columns: Schema) -> list[int]:
        return [column.verbosity for column in columns if column.verbosity < UNLISTED]

    same_identity = catalog.schema.roles.get("identity") == schema.roles.get("identity") is not None
    same_meanings = meanings(catalog.schema) == meanings(schema)
    return same_identity and same_meanings and levels(catalog.schema) == levels(schema)


def base_batches(catalog: Catalog, schema: Schema) -> Iterator[pa.RecordBatch]:
    """Rows of a snapshot in the columns of the service.

    Raises
    ------
    CatalogError
        If a file is damaged or cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = schema.arrow_schema()
    try:
        # A damaged byte would be sealed with a fresh checksum.
        catalog.checksums.check(catalog.files)
        for path in catalog.files:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                for batch in file.iter_batches(fitting_rows(file.metadata, _BATCH_ROWS), columns=list(arrow.names)):
                    columns = [batch.column(field.name).cast(field.type) for field in arrow]
                    yield pa.RecordBatch.from_arrays(columns, schema=arrow)
    except (CatalogError, OSError, pa.ArrowException) as error:
        message = f"the live snapshot {catalog.path} cannot be read ({error}); a full sync does without it"
        raise CatalogError(message) from error


def refreshed_batches(
    base: Catalog | None, answers: Iterable[Path], schema: Schema, identity: str | None, removed: Iterable[str]
) -> Iterator[pa.RecordBatch]:
    """Full rows: first those of the snapshot of a refresh, then all others in the order of arrival.

    Parameters
    ----------
    base : Catalog, optional
        The snapshot, if there is one.
    answers : iterable of pathlib.Path
        Stored answers of full rows.
    schema : Schema
        Columns of the service.
    identity : str, optional
        Column that tells rows apart.
    removed : iterable of str
        Identities of rows to leave out.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    names = pa.array(sorted(removed), pa.string())
    batches = iter(()) if base is None else base_batches(base, schema)
    fetched = (batch for path in answers for batch in read_answer(path, list(schema.names)))
    for batch in itertools.chain(batches, fetched):
        if identity is None or not len(names):
            yield batch
        else:
            yield batch.filter(pc.invert(pc.is_in(batch.column(identity).cast(pa.string()), names)))


def rows_once(
    base: Catalog | None, answers: Iterable[Path], schema: Schema, identity: str, removed: Iterable[str]
) -> Iterator[pa.RecordBatch]:
    """Full rows as `refreshed_batches` gives them, but the last of each identity alone.

    Parameters
    ----------
    base, answers, schema, identity, removed
        As for `refreshed_batches`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    done = set(removed)

    def others(batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.filter(pc.invert(pc.is_in(batch.column(identity).cast(pa.string()), pa.array(done, pa.string()))))

    for path in reversed(list(answers)):
        came: set[str] = set()
        for batch in read_answer(path, list(schema.names)):
            yield others(batch)
            came.update(batch.column(identity).cast(pa.string()).to_pylist())
        done |= came
    for batch in () if base is None else base_batches(base, schema):
        yield others(batch)


def refresh_findings(base: str, fetched: tuple[int, int], uncompared: int) -> list[Finding]:
    """Say what a refresh did and what it did not look at.

    Parameters
    ----------
    base : str
        Name of the snapshot.
    fetched : tuple of int, int
        How many rows are new, and how many of the snapshot's were fetched again.
    uncompared : int
        How many columns were asked for of those rows only.
    """
    new, again = fetched
    found = [Finding(f"a refresh of snapshot {base}: {new:,} rows are new, {again:,} were fetched again")]
    if uncompared:
        words = f"{uncompared:,} columns of rows that look as before were not compared (--full compares all)"
        found.append(Finding(words, caveat=True))
    return found
