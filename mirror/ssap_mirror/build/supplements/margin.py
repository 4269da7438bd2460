"""The margin catalogue of a snapshot: for each partition, the rows of others that lie just beyond its edge.

A cell of the sky that has no partition has a margin as well: LSDB would else lose pairs whose other half is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.build.parquet_writer import ParquetFileWriter
from ssap_mirror.build.supplements.border import Tiling, gaps, margin_order
from ssap_mirror.core import layout, storage
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.hats_properties import format_partition_info, format_properties, parse_properties
from ssap_mirror.core.healpix import ORDER, cell_range
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
        Path below `root` -> digest of all that the file is made of; also of cells without a row in their margin,
        which have no file.

    Raises
    ------
    ParameterError
        If the margin is too wide, or none.
    """
    import pyarrow.parquet as pq

    cells = sorted(
        [*((part.norder, part.npix) for part in catalog.partitions), *gaps(catalog.partitions)],
        key=lambda cell: cell_range(*cell),
    )
    sources = {(part.norder, part.npix): part for part in catalog.partitions}
    layer = _Layer(
        tiling=Tiling(cells, margin_order(margin_arcsec)),
        sources={number: sources[cell].path for number, cell in enumerate(cells) if cell in sources},
        schema=pq.read_schema(catalog.path / layout.COMMON_METADATA),
    )
    digests = {catalog.path / item["path"]: item["sha256"] for item in catalog.manifest["partitions"]}
    paths = [f"{MARGIN}/{layout.partition_path(*cell)}" for cell in cells]
    made = {path: layer.made_of(number, margin_arcsec, digests) for number, path in enumerate(paths)}
    wanted = [n for n, path in enumerate(paths) if not earlier.link(path, made[path], root / path)]
    for number, rows in layer.margins(wanted):
        _write(root / paths[number], layer.schema, rows)
    if not any((root / path).is_file() for path in paths):
        # Without a file there is no catalogue, and without a catalogue LSDB fears that pairs are missing.
        _write(root / paths[0], layer.schema, layer.schema.empty_table())
        del made[paths[0]]
    _describe(root, catalog, margin_arcsec, layer.schema, dict(zip(cells, paths, strict=True)))
    return made


@dataclass(frozen=True)
class _Layer:
    """Cells that cover the sky, and the files of those that have rows."""

    tiling: Tiling
    """All cells."""
    sources: Mapping[int, Path]
    """Place of a cell -> file of its rows."""
    schema: pa.Schema
    """Of every file."""

    def near(self, number: int) -> list[int]:
        """Cells with rows, of which some may be in the margin of a cell."""
        return [near for near in self.tiling.near(number) if near in self.sources]

    def made_of(self, number: int, margin_arcsec: float, digests: Mapping[Path, str]) -> str:
        """Digest of all that the margin of a cell depends on."""
        used = [digests[self.sources[near]] for near in self.near(number)]
        return hashlib.sha256("\n".join([repr(float(margin_arcsec)), *used]).encode()).hexdigest()

    def margins(self, wanted: list[int]) -> Iterator[tuple[int, pa.Table]]:
        """Rows of the margin of each cell that is wanted and has some.

        Each file is read once, if anybody wants rows of it; a margin is given away as soon as it is whole.
        """
        import pyarrow as pa

        waiting = {number: set(self.near(number)) for number in wanted}
        gathered: dict[int, list[pa.Table]] = {number: [] for number in wanted}
        for source in sorted({near for sources in waiting.values() for near in sources}):
            for target, rows in self._rows_for_others(source).items():
                if target in gathered:
                    gathered[target].append(rows)
            for target in [number for number, sources in waiting.items() if source in sources]:
                waiting[target].discard(source)
                if not waiting[target]:
                    del waiting[target]
                    if found := gathered.pop(target):
                        yield target, pa.concat_tables(found)

    def _rows_for_others(self, source: int) -> dict[int, pa.Table]:
        """Rows of a cell that are in the margins of others."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.sources[source]) as file:
            healpix = file.read([HEALPIX_COLUMN]).column(0).to_numpy()
            found = self.tiling.border_rows(source, healpix)
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
        table = pa.concat_tables(parts).cast(self.schema)
        return {target: table.take(pa.array(np.searchsorted(places, rows))) for target, rows in found.items()}


def _write(path: Path, schema: pa.Schema, rows: pa.Table) -> None:
    with ParquetFileWriter(path, schema) as file:
        for batch in rows.sort_by(HEALPIX_COLUMN).combine_chunks().to_batches():
            if batch.num_rows:
                file.write(batch)


def _describe(
    root: Path, catalog: Catalog, margin_arcsec: float, schema: pa.Schema, paths: dict[tuple[int, int], str]
) -> None:
    """Write the files of the margin catalogue that hold no rows."""
    import pyarrow.parquet as pq

    footers, cells = [], []
    for cell, path in paths.items():
        if (root / path).is_file():
            footer = pq.read_metadata(root / path)
            footer.set_file_path(path.removeprefix(f"{MARGIN}/{layout.DATASET}/"))
            footers.append(footer)
            cells.append(cell)
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
