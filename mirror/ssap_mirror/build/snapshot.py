"""Rows to snapshot: place, spill, cut into tiles, sort, dedupe, write, describe.

The rows pass twice. First the stream is spilled in sorted runs (`ssap_mirror.build.external_sort`); then each tile of
the sky is gathered from all runs, sorted, freed of rows that came twice, and written. Memory does not grow with the
table.
The snapshot grows in the mirror's staging folder and is renamed to its place when all of it is on disk. It is not live
until `ssap_mirror.core.snapshots.make_live` says so.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.build.external_sort import KEYS, RUN_BYTES, Piece, Scratch
from ssap_mirror.build.hats_files import BuildInfo, Contents, describe
from ssap_mirror.build.hidden_columns import HiddenColumns, Survey
from ssap_mirror.build.identity import OnConflict, RowIdentity
from ssap_mirror.build.parquet_writer import ParquetFileWriter, link_if_same
from ssap_mirror.build.placement import NOT_PLACED, Placed, Placer, has_position, split_sky
from ssap_mirror.build.summary import Summary
from ssap_mirror.core import healpix, layout, storage
from ssap_mirror.core.catalog import Catalog, open_catalog
from ssap_mirror.core.schema import HEALPIX_COLUMN, Schema
from ssap_mirror.errors import CatalogError, FormatError, SourceError
from ssap_mirror.tables.parquet.voparquet import file_schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TILE_ROWS", "BuildInfo", "Progress", "build_snapshot"]

#: About how many rows a partition holds. So 5.85 million rows are 50 to 120 files: more files would make statements
#: over the whole table slower, fewer would make small cones slower.
TILE_ROWS = 100_000

# Without a position in so many rows from the beginning on, the first columns that may tell of one are taken for it.
_LOOKED_AT_ROWS = 200_000

#: Told of a build: stage, rows done, rows in all or None.
Progress = Callable[[str, int, "int | None"], None]


def build_snapshot(
    batches: Iterable[pa.RecordBatch],
    schema: Schema,
    mirror: Path,
    info: BuildInfo,
    *,
    progress: Progress | None = None,
    tile_rows: int = TILE_ROWS,
    previous: Catalog | None = None,
    on_conflict: OnConflict = "error",
    run_bytes: int = RUN_BYTES,
) -> Catalog:
    """Build a snapshot of a mirror from a stream of rows. Equal rows, in whatever order they come, give equal files.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        The rows, with the columns of ``schema.arrow_schema()``.
    schema : Schema
        Columns of the service.
    mirror : pathlib.Path
        Folder of the mirror.
    info : BuildInfo
        What the snapshot says of itself.
    progress : callable, optional
        Called as ``progress(stage, done, total)``: stage ``"read"`` (rows; total None), then ``"write"`` (rows).
    tile_rows : int
        About how many rows a partition holds; a cell with more than half as many again is split.
    previous : Catalog, optional
        A snapshot whose partitions are hard-linked where they are the same.
    on_conflict : {"error", "last"}
        What becomes of rows with one identity and different values: an error, or the last one stays (and is counted).
    run_bytes : int
        Size of the rows that are sorted in memory at one time [byte].

    Returns
    -------
    Catalog
        The snapshot, in its place and on disk, not yet live.

    Raises
    ------
    CatalogError
        If there are no rows, or two rows of one identity differ.
    TypeError, ValueError
        If the source or the harvest of `info` are not JSON values.
    FormatError
        If a batch does not have the columns of the schema, or a column has the name of another or of the spatial index.
    BusyError
        If another process is writing the mirror.
    MirrorError
        If the mirror cannot be written.
    """
    _check_names(schema)
    # Better told now than when all rows are read.
    json.dumps([info.source, info.harvest], allow_nan=False)
    tell = progress or (lambda stage, done, total: None)
    with storage.lock_mirror(mirror):
        work = layout.build_dir(mirror, os.getpid())
        try:
            root, runs = _new_folders(mirror, work)
            scratch = Scratch(runs, run_bytes)
            first, batches = _first_with_position(_checked(batches, schema), schema)
            placer = Placer(schema, first)
            identity = RowIdentity(placer.schema, on_conflict)
            survey = Survey(placer.schema)
            max_offset_arcsec = 0.0
            for placed in _spill(batches, placer, identity, survey, scratch, mirror):
                max_offset_arcsec = max(max_offset_arcsec, placed.max_offset_arcsec)
                tell("read", scratch.rows, None)
            if not scratch.rows:
                message = f"the source of {info.service} gave no rows, so there is nothing to build"
                raise CatalogError(message)
            hidden = survey.hidden_columns()
            contents = Contents(
                columns=file_schema(hidden.schema, name=info.service, title=info.title),
                summary=Summary(hidden.schema),
                rows_read=scratch.rows,
                max_offset_arcsec=max_offset_arcsec,
            )
            for rows in _write_rows(root, scratch, identity, hidden, contents, tile_rows * 3 // 2, mirror):
                tell("write", rows, scratch.rows)
            with storage.translate_errors(mirror):
                if previous is not None:
                    _link_unchanged(root, contents, previous)
                describe(root, hidden.schema, info, contents)
                catalog = open_catalog(_move_in(root, mirror))
            catalog.checksums.trust()
            return catalog
        finally:
            storage.clear(work)


def _check_names(schema: Schema) -> None:
    taken = {key.lower(): key for key in KEYS}
    for name in schema.names:
        other = taken.setdefault(name.lower(), name)
        if other == name and name not in KEYS and schema.names.count(name) == 1:
            continue
        reason = "the name is taken" if other == name else f"SQL cannot tell it from {other!r}"
        message = f"a mirror cannot have the column {name!r}: {reason}"
        raise FormatError(message)


def _new_folders(mirror: Path, work: Path) -> tuple[Path, Path]:
    """Clear away what interrupted builds left behind, and make this one's folders: snapshot and scratch."""
    with storage.translate_errors(mirror):
        for left_behind in layout.build_dirs(mirror):
            shutil.rmtree(left_behind)
        folders = work / "snapshot", work / "runs"
        for folder in folders:
            folder.mkdir(parents=True)
    return folders


def _checked(batches: Iterable[pa.RecordBatch], schema: Schema) -> Iterator[pa.RecordBatch]:
    """Pass batches of the right columns on; what fails while they are read is not the mirror's fault."""
    expected = schema.arrow_schema()
    try:
        for batch in batches:
            if not batch.schema.equals(expected, check_metadata=False):
                raise FormatError(_mismatch(batch.schema, expected))
            yield batch
    except OSError as error:
        message = f"the rows cannot be read: {error.strerror or error}"
        raise SourceError(message) from error


def _mismatch(found: pa.Schema, expected: pa.Schema) -> str:
    for want, have in zip_longest(expected, found):
        if want is None:
            return f"a batch of rows has the column {have.name!r}, which the schema does not have"
        if have is None or want.name != have.name:
            there = f"the column {have.name!r}" if have is not None else "nothing"
            return f"a batch of rows has {there} where the schema has the column {want.name!r}"
        if not want.type.equals(have.type):
            return f"column {want.name!r} of a batch of rows is {have.type}, and {want.type} in the schema"
    return "a batch of rows does not have the columns of the schema"


def _first_with_position(
    batches: Iterator[pa.RecordBatch], schema: Schema
) -> tuple[pa.RecordBatch | None, Iterator[pa.RecordBatch]]:
    """Look for rows with a position among the first rows; all rows come back, in their order."""
    seen: list[pa.RecordBatch] = []
    first = None
    for batch in batches:
        seen.append(batch)
        if has_position(schema, batch):
            first = batch
            break
        if sum(looked_at.num_rows for looked_at in seen) >= _LOOKED_AT_ROWS:
            break
    return first, chain(seen, batches)


def _spill(
    batches: Iterable[pa.RecordBatch],
    placer: Placer,
    identity: RowIdentity,
    survey: Survey,
    scratch: Scratch,
    mirror: Path,
) -> Iterator[Placed]:
    """Put all rows into the scratch; yields where those of each batch belong."""
    import pyarrow as pa

    with storage.translate_errors(mirror):
        for batch in batches:
            if not batch.num_rows:
                continue
            placed = placer.place(batch)
            whole = pa.RecordBatch.from_arrays([*batch.columns, *placed.derived], names=placer.schema.names)
            survey.add(whole)
            scratch.add(whole, placed.cells, identity.hashes(whole))
            yield placed
        scratch.finish()


def _write_rows(
    root: Path,
    scratch: Scratch,
    identity: RowIdentity,
    hidden: HiddenColumns,
    contents: Contents,
    max_rows: int,
    mirror: Path,
) -> Iterator[int]:
    """Write the files that hold rows, and note them in the contents; yields how many rows are done."""
    left_out = identity.replaced_elsewhere(scratch.runs)

    def write(path: str, low: int, high: int) -> ParquetFileWriter:
        with ParquetFileWriter(root / path, contents.columns) as file:
            for piece in scratch.pieces(low, high, max_rows):
                unique = identity.unique(scratch.read(piece), left_out)
                contents.duplicates += unique.duplicates
                contents.replaced += unique.replaced
                if unique.rows.num_rows:
                    rows = hidden.add_to(unique.rows)
                    contents.summary.add(rows)
                    if low == NOT_PLACED:
                        file.write(_without_cell(rows))
                    else:
                        contents.sky.add(rows.column(HEALPIX_COLUMN).to_numpy())
                        file.write(rows)
        return file

    with storage.translate_errors(mirror):
        for norder, npix in split_sky(lambda low, high: scratch.count(Piece(low, high)), max_rows):
            path = layout.partition_path(norder, npix)
            contents.add_partition(root, path, norder, npix, write(path, *healpix.cell_range(norder, npix)))
            yield contents.rows_done
        if scratch.count(Piece(NOT_PLACED, NOT_PLACED)):
            contents.add_unplaced(root, layout.UNPLACED, write(layout.UNPLACED, NOT_PLACED, NOT_PLACED))
            yield contents.rows_done


def _link_unchanged(root: Path, contents: Contents, previous: Catalog) -> None:
    """Hard-link what is equal in the previous snapshot."""
    old = {item["sha256"]: previous.path / item["path"] for item in previous.row_files}
    for item in contents.row_files:
        if item["sha256"] in old:
            link_if_same(root / item["path"], old[item["sha256"]])


def _without_cell(batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    nothing = pa.nulls(batch.num_rows, pa.int64())
    return batch.set_column(batch.schema.get_field_index(HEALPIX_COLUMN), HEALPIX_COLUMN, nothing)


def _move_in(root: Path, mirror: Path) -> Path:
    """Give a finished snapshot its name and place."""
    snapshots = layout.snapshots_dir(mirror)
    snapshots.mkdir(exist_ok=True)
    storage.flush(mirror)
    name = layout.new_snapshot_name()
    target = snapshots / name
    number = 1
    while target.exists():  # a second snapshot within a second; names sort by age
        number += 1
        target = snapshots / f"{name}-{number:02}"
    root.rename(target)
    storage.flush(snapshots)
    return target
