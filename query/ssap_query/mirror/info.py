"""Facts about a mirror as plain values, for people and for JSON."""

from __future__ import annotations

from typing import Any

from ssap_mirror.core.catalog import Catalog

from ssap_query.mirror.answerable import answerable, missing_words

__all__ = ["facts_of"]


def facts_of(catalog: Catalog) -> dict[str, Any]:
    """Say what a snapshot holds, where it came from, how large it is.

    Parameters
    ----------
    catalog : Catalog
        The snapshot.

    Returns
    -------
    dict
        ``name``, ``title``, ``synthetic``, ``rows``, ``columns`` (their number), ``partitions``, ``unplaced_rows``,
        ``bytes`` (on disk), ``coverage`` (``ra``, ``dec`` [deg], ``t`` [MJD], ``em`` [m]: least and largest),
        ``max_offset_arcsec``, ``source``, ``created``, ``tool``, ``snapshot``, ``path``, ``harvest``; ``answers``
        (parameter -> what it is compared with, or why it cannot be), ``without`` (how many rows have no ``position``,
        ``date``, ``band``) and ``missing`` (the same in words).
    """
    manifest = catalog.manifest
    files = [*catalog.row_files, *manifest.get("files", ())]
    return {
        "name": catalog.name,
        "title": catalog.title,
        "synthetic": catalog.synthetic,
        "rows": catalog.rows,
        "columns": sum(not column.is_hidden for column in catalog.schema),
        "partitions": len(catalog.partitions),
        "unplaced_rows": 0 if catalog.unplaced is None else catalog.unplaced.rows,
        "bytes": sum(int(item["bytes"]) for item in files),
        "coverage": manifest.get("coverage") or {},
        "max_offset_arcsec": catalog.max_offset_arcsec,
        "source": manifest.get("source") or {},
        "created": manifest.get("created"),
        "tool": manifest.get("tool"),
        "snapshot": catalog.path.name,
        "path": catalog.address,
        "harvest": manifest.get("harvest") or {},
        "answers": {one.parameter: one.words for one in answerable(catalog.schema)},
        "without": manifest.get("without") or {},
        "missing": list(missing_words(catalog)),
    }
