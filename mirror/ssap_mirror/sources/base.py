"""The snapshot that a refresh starts from: may it be used, and its rows as the service would send them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ssap_mirror.catalog import Catalog
from ssap_mirror.errors import CatalogError
from ssap_mirror.partition import UNLISTED
from ssap_mirror.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["base_batches", "same_columns"]

_BATCH_ROWS = 16_384


def same_columns(catalog: Catalog, schema: Schema) -> bool:
    """Whether a snapshot has just the columns that the service has now, and the same one tells rows apart."""

    def shape(columns: Schema) -> list[tuple[str, str, str | None, int]]:
        listed = (column for column in columns if column.verbosity < UNLISTED)
        return [(column.name, column.datatype, column.arraysize, column.verbosity) for column in listed]

    same_identity = catalog.schema.roles.get("identity") == schema.roles.get("identity") is not None
    return same_identity and shape(catalog.schema) == shape(schema)


def base_batches(catalog: Catalog, schema: Schema) -> Iterator[pa.RecordBatch]:
    """Rows of a snapshot in the columns of the service.

    Raises
    ------
    CatalogError
        If a file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = schema.arrow_schema()
    try:
        for path in catalog.files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_BATCH_ROWS, columns=list(arrow.names)):
                    columns = [batch.column(field.name).cast(field.type) for field in arrow]
                    yield pa.RecordBatch.from_arrays(columns, schema=arrow)
    except (OSError, pa.ArrowException) as error:
        message = f"the live snapshot {catalog.path} cannot be read ({error}); a full sync does without it"
        raise CatalogError(message) from error
