"""The index catalogue of a snapshot: in which partition each identity is."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.build.supplements.margin import Earlier
from ssap_mirror.core import layout
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.hats_properties import format_properties

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

__all__ = ["INDEX", "indexed_column", "write_index"]

#: Folder of the index catalogue.
INDEX = "index"

_FILE = f"{INDEX}/{layout.DATASET}/index/part.0.parquet"
# hats reads the row groups whose statistics allow for an identity: small ones are quick, and their list is short.
_ROW_GROUP_ROWS = 20_480
# The properties of a collection are lists of words.
_WORD = re.compile(r"\w+")


def indexed_column(catalog: Catalog) -> str | None:
    """Column that the index is of; None if no column tells rows apart, or a collection cannot write its name."""
    name = catalog.schema.roles.get("identity")
    return name if name and _WORD.fullmatch(name) else None


def write_index(root: Path, catalog: Catalog, earlier: Earlier, scratch: Path) -> dict[str, str]:
    """Write the index catalogue of a snapshot, sorted by identity.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the supplements.
    catalog : Catalog
        The snapshot, which has an `indexed_column`.
    earlier : Earlier
        What may be linked.
    scratch : pathlib.Path
        Folder to sort in, where memory does not do.

    Returns
    -------
    dict of str to str
        Path below `root` -> digest of all that the file is made of.
    """
    import pyarrow.parquet as pq

    column = indexed_column(catalog)
    digests = [item["sha256"] for item in catalog.manifest["partitions"]]
    made_of = hashlib.sha256("\n".join([str(column), *digests]).encode()).hexdigest()
    if not earlier.link(_FILE, made_of, root / _FILE):
        _sort(root / _FILE, catalog, scratch)
    folder = root / INDEX
    footer = pq.read_metadata(root / _FILE)
    footer.set_file_path("index/part.0.parquet")
    schema = pq.read_schema(root / _FILE)
    pq.write_metadata(schema, folder / layout.COMMON_METADATA)
    pq.write_metadata(schema, folder / layout.METADATA, metadata_collector=[footer])
    properties = format_properties(
        {
            "obs_collection": f"{catalog.name}_index",
            "dataproduct_type": "index",
            "hats_nrows": footer.num_rows,
            "hats_index_column": column,
            "hats_primary_table_url": f"../../../snapshots/{catalog.path.name}",
        }
    )
    for name in (layout.PROPERTIES, layout.PROPERTIES_OLD):
        (folder / name).write_text(properties, "utf-8")
    return {_FILE: made_of}


def _sort(target: Path, catalog: Catalog, scratch: Path) -> None:
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    column = indexed_column(catalog)
    parts = pa.table(
        {
            "path": [str(part.path) for part in catalog.partitions],
            "norder": pa.array([part.norder for part in catalog.partitions], pa.uint8()),
            "npix": pa.array([part.npix for part in catalog.partitions], pa.int64()),
        }
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"temp_directory": str(scratch)}) as connection:
        connection.register("parts", parts)
        rows = _select(connection, str(column), parts)
        with pq.ParquetWriter(target, rows.schema, compression="zstd", write_page_checksum=True) as writer:
            for batch in rows:
                writer.write_batch(batch, row_group_size=_ROW_GROUP_ROWS)


def _select(connection: DuckDBPyConnection, column: str, parts: pa.Table) -> pa.RecordBatchReader:
    # The name is a word: nothing in it needs more than quotes.
    statement = f"""
        SELECT "{column}", norder AS "Norder", npix // 10000 * 10000 AS "Dir", npix AS "Npix"
        FROM read_parquet(?, filename = true, hive_partitioning = false) AS rows
        JOIN parts ON parts.path = rows.filename
        ORDER BY "{column}"
    """  # noqa: S608
    return connection.sql(statement, params=[parts.column("path").to_pylist()]).to_arrow_reader(_ROW_GROUP_ROWS)
