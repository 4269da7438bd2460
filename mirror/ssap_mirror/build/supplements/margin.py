"""The margin catalogue of a snapshot: for each partition, the rows of others that lie just beyond its edge."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.build.parquet_writer import ParquetFileWriter
from ssap_mirror.build.supplements.border import Tiling, margin_order
from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.hats_properties import format_partition_info, format_properties, parse_properties
from ssap_mirror.core.healpix import ORDER
from ssap_mirror.core.schema import HEALPIX_COLUMN

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MARGIN", "Earlier", "write_margin"]

#: Folder of the margin catalogue.
MARGIN = "margin"


@dataclass(frozen=True)
class Earlier:
    """The supplements of an earlier snapshot, whose files are linked where they would come out the same."""

    folder: Path
    """Where they are."""
    made: Mapping[str, str]
    """Path below the folder -> digest of all that the file was made of."""
    digests: Mapping[str, str]
    """Path below the folder -> SHA-256 of the file."""

    def link(self, path: str, made_of: str, target: Path) -> bool:
        """Put a hard link to a file in place, if it was made of the same and is as it was written.

        Returns
        -------
        bool
            Whether that is done. A file that was not written since it has no rows is none either way.
        """
        if self.made.get(path) != made_of:
            return False
        if path not in self.digests:
            return True
        try:
            if storage.sha256(self.folder / path) != self.digests[path]:
                return False
            target.parent.mkdir(parents=True, exist_ok=True)
            target.hardlink_to(self.folder / path)
        except OSError:  # gone, or a file system without links
            return False
        return True


def write_margin(root: Path, catalog: Catalog, margin_arcsec: float, earlier: Earlier) -> dict[str, str]:
    """Write the margin catalogue of a snapshot.

    Parameters
    ----------
    root : pathlib.Path
        Folder of the supplements.
    catalog : Catalog
        The snapshot, with at least one partition.
    margin_arcsec : float
        Width of the margin [arcsec].
    earlier : Earlier
        What may be linked.

    Returns
    -------
    dict of str to str
        Path below `root` -> digest of all that the file is made of; also of partitions without a row in their margin,
        which have no file.

    Raises
    ------
    ParameterError
        If the margin is too wide, or none.
    """
    import pyarrow.parquet as pq

    tiling = Tiling(catalog.partitions, margin_order(margin_arcsec))
    schema = pq.read_schema(catalog.path / layout.COMMON_METADATA)
    paths = [f"{MARGIN}/{layout.partition_path(part.norder, part.npix)}" for part in catalog.partitions]
    made = {path: _made_of(catalog, tiling, number, margin_arcsec) for number, path in enumerate(paths)}
    wanted = [n for n, path in enumerate(paths) if not earlier.link(path, made[path], root / path)]
    for number, rows in _margins(catalog, tiling, wanted, schema):
        _write(root / paths[number], schema, rows)
    if not any((root / path).is_file() for path in paths):
        # Without a file there is no catalogue, and without a catalogue LSDB fears that pairs are missing.
        _write(root / paths[0], schema, schema.empty_table())
        del made[paths[0]]
    _describe(root, catalog, margin_arcsec, schema, paths)
    return made


def _made_of(catalog: Catalog, tiling: Tiling, number: int, margin_arcsec: float) -> str:
    """Digest of all that the margin of a partition depends on."""
    digests = {catalog.path / item["path"]: item["sha256"] for item in catalog.manifest["partitions"]}
    sources = [digests[catalog.partitions[near].path] for near in tiling.near(number)]
    return hashlib.sha256("\n".join([repr(float(margin_arcsec)), *sources]).encode()).hexdigest()


def _margins(catalog: Catalog, tiling: Tiling, wanted: list[int], schema: pa.Schema) -> Iterator[tuple[int, pa.Table]]:
    """Rows of the margin of each partition that is wanted and has some.

    Each partition is read once, if anybody wants rows of it; a margin is given away as soon as it is whole.
    """
    import pyarrow as pa

    waiting = {number: set(tiling.near(number)) for number in wanted}
    gathered: dict[int, list[pa.Table]] = {number: [] for number in wanted}
    for source in sorted({near for sources in waiting.values() for near in sources}):
        for target, rows in _rows_for_others(catalog, tiling, source, schema).items():
            if target in gathered:
                gathered[target].append(rows)
        for target in [number for number, sources in waiting.items() if source in sources]:
            waiting[target].discard(source)
            if not waiting[target]:
                del waiting[target]
                if found := gathered.pop(target):
                    yield target, pa.concat_tables(found)


def _rows_for_others(catalog: Catalog, tiling: Tiling, source: int, schema: pa.Schema) -> dict[int, pa.Table]:
    """Rows of a partition that are in the margins of others."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(catalog.partitions[source].path) as file:
        healpix = file.read([HEALPIX_COLUMN]).column(0).to_numpy()
        found = tiling.border_rows(source, healpix)
        if not found:
            return {}
        places = np.unique(np.concatenate(list(found.values())))
        sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        parts = []
        for group, (start, stop) in enumerate(pairwise(starts.tolist())):
            here = places[(places >= start) & (places < stop)] - start
            if len(here):
                parts.append(file.read_row_group(group).take(pa.array(here)))
    table = pa.concat_tables(parts).cast(schema)
    return {target: table.take(pa.array(np.searchsorted(places, rows))) for target, rows in found.items()}


def _write(path: Path, schema: pa.Schema, rows: pa.Table) -> None:
    with ParquetFileWriter(path, schema) as file:
        for batch in rows.sort_by(HEALPIX_COLUMN).combine_chunks().to_batches():
            if batch.num_rows:
                file.write(batch)


def _describe(root: Path, catalog: Catalog, margin_arcsec: float, schema: pa.Schema, paths: list[str]) -> None:
    """Write the files of the margin catalogue that hold no rows."""
    import pyarrow.parquet as pq

    footers, cells = [], []
    for part, path in zip(catalog.partitions, paths, strict=True):
        if (root / path).is_file():
            footer = pq.read_metadata(root / path)
            footer.set_file_path(path.removeprefix(f"{MARGIN}/{layout.DATASET}/"))
            footers.append(footer)
            cells.append((part.norder, part.npix))
    folder = root / MARGIN
    pq.write_metadata(schema, folder / layout.COMMON_METADATA)
    pq.write_metadata(schema, folder / layout.METADATA, metadata_collector=footers)
    (folder / layout.PARTITION_INFO).write_text(format_partition_info(cells))
    own = parse_properties((catalog.path / layout.PROPERTIES).read_text("utf-8"))
    properties = format_properties(
        {
            "obs_collection": f"{catalog.name}_margin",
            "dataproduct_type": "margin",
            "hats_nrows": sum(footer.num_rows for footer in footers),
            "hats_col_ra": catalog.schema.roles["ra"],
            "hats_col_dec": catalog.schema.roles["dec"],
            "hats_col_healpix": HEALPIX_COLUMN,
            "hats_col_healpix_order": ORDER,
            # LSDB puts rows of a partition and of its margin into one table.
            "hats_cols_default": own.get("hats_cols_default"),
            "hats_npix_suffix": ".parquet",
            "hats_primary_table_url": f"../../../snapshots/{catalog.path.name}",
            "hats_margin_threshold": margin_arcsec,
        }
    )
    for name in (layout.PROPERTIES, layout.PROPERTIES_OLD):
        (folder / name).write_text(properties, "utf-8")
