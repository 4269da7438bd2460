"""The one recipe from rows to a mirror: build a snapshot, check it, make it live."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssap_mirror.build.hats_files import BuildInfo
from ssap_mirror.build.identity import OnConflict
from ssap_mirror.build.snapshot import TILE_ROWS, Progress, build_snapshot
from ssap_mirror.build.supplements.border import margin_order
from ssap_mirror.build.supplements.supplements import build_supplements
from ssap_mirror.check.snapshot import validate
from ssap_mirror.core import storage
from ssap_mirror.core.catalog import Catalog, open_catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.core.snapshots import make_live
from ssap_mirror.errors import CatalogError, MirrorError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["build_checked", "build_mirror", "live_snapshot"]


def build_mirror(
    batches: Iterable[pa.RecordBatch],
    schema: Schema,
    folder: str | Path,
    name: str | None = None,
    *,
    title: str | None = None,
    synthetic: bool = False,
    source: Mapping[str, Any] | None = None,
    service_xml: bytes = b"",
    tile_rows: int = TILE_ROWS,
    margin_arcsec: float | None = None,
) -> Catalog:
    """Make a mirror of rows at hand: build a snapshot, check it, make it live.

    A mirror that is there gets a new snapshot, and its older ones stay.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        The rows, with the columns of ``schema.arrow_schema()``. Rows that are equal become one.
    schema : Schema
        Columns, with units, UCDs and utypes, and which of them are the position, the date and the identity.
    folder : str or pathlib.Path
        Folder of the mirror; made if it is not there.
    name : str, optional
        What the mirror calls itself; the folder's name without it.
    title : str, optional
        For people; the name without it.
    synthetic : bool
        Whether the rows are made up.
    source : mapping, optional
        Where the rows come from, for the manifest: ``kind``, ``url`` and whatever else helps; JSON values.
    service_xml : bytes
        VOTable header of the service whose rows these are, where there is one: coordinate systems, datalink blocks.
    tile_rows : int
        About how many rows a partition holds.
    margin_arcsec : float, optional
        Width of the margin that LSDB matches with [arcsec], 0 for none. Without it, that of the live snapshot, or 10.

    Returns
    -------
    Catalog
        The snapshot, live.

    Raises
    ------
    CatalogError
        If there are no rows, two different rows have one identity, or the snapshot fails its check.
    ParameterError
        If the margin is wider than 10 degrees.
    FormatError
        If a batch does not have the columns of the schema.
    TypeError, ValueError
        If `source` is not made of JSON values.
    BusyError
        If another process is writing the mirror.
    MirrorError
        If the mirror cannot be written.
    """
    mirror = Path(folder)
    name = name or mirror.resolve().name
    info = BuildInfo(
        service=name,
        title=title or name,
        synthetic=synthetic,
        source=dict(source or {"kind": "rows"}),
        service_xml=service_xml,
    )
    with storage.lock_mirror(mirror):
        catalog = build_checked(batches, schema, mirror, info, tile_rows=tile_rows, margin_arcsec=margin_arcsec)
        make_live(mirror, catalog)
    return catalog


def build_checked(
    batches: Iterable[pa.RecordBatch],
    schema: Schema,
    mirror: Path,
    info: BuildInfo,
    *,
    expected_rows: int | None = None,
    on_conflict: OnConflict = "error",
    tile_rows: int = TILE_ROWS,
    progress: Progress | None = None,
    margin_arcsec: float | None = None,
) -> Catalog:
    """Build a snapshot that shares unchanged files with the live one, and check it. It is not yet live.

    Parameters
    ----------
    batches, schema, mirror, info, on_conflict, tile_rows, progress
        As for `ssap_mirror.build.snapshot.build_snapshot`.
    expected_rows : int, optional
        How many rows there should be: of the snapshot, or of the source where `on_conflict` is ``"error"`` and nothing
        but equal rows is left out.
    margin_arcsec : float, optional
        As for `build_mirror`.

    Raises
    ------
    CatalogError
        If the snapshot cannot be built, or is not what it should be; then it is removed.
    """
    previous = live_snapshot(mirror)
    if margin_arcsec:
        margin_order(margin_arcsec)  # better told now than when all rows are written
    catalog = build_snapshot(
        batches,
        schema,
        mirror,
        info,
        progress=progress,
        tile_rows=tile_rows,
        previous=previous,
        on_conflict=on_conflict,
    )
    problems = validate(catalog)
    rows = catalog.manifest["build"]["rows_read"] if on_conflict == "error" else catalog.rows
    if expected_rows is not None and rows != expected_rows and not problems:
        problems = [f"it was built of {rows:,} rows, and the source has {expected_rows:,}"]
    if problems:
        shutil.rmtree(catalog.path, ignore_errors=True)
        message = f"the new snapshot of {info.service} is not sound and was thrown away: {'; '.join(problems)}"
        raise CatalogError(message)
    try:
        with storage.translate_errors(mirror):
            build_supplements(mirror, catalog, previous, margin_arcsec)
    except MirrorError:
        shutil.rmtree(catalog.path, ignore_errors=True)
        raise
    return catalog


def live_snapshot(mirror: Path) -> Catalog | None:
    """Open the live snapshot; None if there is none, or it cannot be read."""
    try:
        return open_catalog(mirror)
    except CatalogError:
        return None
