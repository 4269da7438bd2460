"""What a path stands for: which format, and which Parquet files in which order."""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import Literal

from ssap_mirror.core import layout
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.core.hats_properties import parse_properties
from ssap_mirror.errors import ParameterError, SourceError

__all__ = ["Format", "catalog_files", "expand", "format_of", "is_catalog"]

Format = Literal["parquet", "votable", "fits", "ecsv", "csv", "arrow"]

_PATH = "path"
_SUFFIXES: dict[str, Format] = {
    "parquet": "parquet",
    "parq": "parquet",
    "pq": "parquet",
    "vot": "votable",
    "votable": "votable",
    "xml": "votable",
    "fits": "fits",
    "fit": "fits",
    "fts": "fits",
    "ecsv": "ecsv",
    "csv": "csv",
    "tsv": "csv",
    "txt": "csv",
    "arrow": "arrow",
    "feather": "arrow",
}
_COMPRESSED = ("gz", "bz2", "xz", "zst")
_COLLECTION_PROPERTIES = "collection.properties"
_OLD_PROPERTIES = "properties"
_CELL = re.compile(r"Norder=(\d+)/(?:.*/)?Npix=(\d+)(?:\.parquet|/)")
_GLOB = re.compile(r"[*?\[]")


def expand(path: str) -> list[Path]:
    """Files that a path or a pattern names, sorted; a path that is there is never read as a pattern.

    Raises
    ------
    SourceError
        If there are none.
    """
    found = [Path(path)]
    if not found[0].exists() and _GLOB.search(path):
        found = sorted(Path(name) for name in glob.glob(path, recursive=True))  # noqa: PTH207  (a pattern may be absolute)
    if not found or not found[0].exists():
        message = f"{path} is not there"
        raise SourceError(message)
    return found


def catalog_files(folder: Path) -> list[Path]:
    """Parquet files of a folder: a mirror, a HATS catalogue or collection in the order of the sky, or a plain folder.

    Raises
    ------
    SourceError
        If it holds none.
    """
    if _is_mirror(folder):
        catalog = open_catalog(folder)
        catalog.checksums.check(catalog.files)
        return list(catalog.files)
    if (folder / _COLLECTION_PROPERTIES).is_file():
        entries = parse_properties((folder / _COLLECTION_PROPERTIES).read_text("utf-8", errors="replace"))
        primary = entries.get("hats_primary_table_url", "")
        if not primary or not (folder / primary).is_dir():
            message = f"{folder} is a HATS collection whose primary table {primary!r} is not there"
            raise SourceError(message)
        return catalog_files(folder / primary)
    found = [p for p in (folder / layout.DATASET if _is_hats(folder) else folder).rglob("*.parquet") if p.is_file()]
    if not found:
        message = f"{folder} holds no Parquet files"
        raise SourceError(message)
    return sorted(found, key=_sky_order)


def is_catalog(path: Path) -> bool:
    """Whether a path is a mirror or a HATS catalogue, whose files all have the same columns."""
    return _is_mirror(path) or _is_hats(path) or (path / _COLLECTION_PROPERTIES).is_file()


def format_of(path: Path) -> Format:
    """Format of a file, by its first bytes, else by its name.

    Raises
    ------
    ParameterError
        If neither tells.
    SourceError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise SourceError(message) from error
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"SIMPLE  ="):
        return "fits"
    if head.startswith((b"ARROW1", b"FEA1")):
        return "arrow"
    if b"<VOTABLE" in head.upper():
        return "votable"
    if head.startswith(b"# %ECSV"):
        return "ecsv"
    parts = path.name.lower().split(".")
    suffix = parts[-2] if parts[-1] in _COMPRESSED and len(parts) > 2 else parts[-1]
    if suffix not in _SUFFIXES:
        known = ", ".join(sorted(_SUFFIXES))
        raise ParameterError(_PATH, str(path), f"is of no known format (by its first bytes or its name: {known})")
    return _SUFFIXES[suffix]


def _is_mirror(folder: Path) -> bool:
    return layout.current_file(folder).is_file() or (folder / layout.MANIFEST).is_file()


def _is_hats(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (layout.PROPERTIES, _OLD_PROPERTIES))


def _sky_order(path: Path) -> tuple[int, int, str]:
    cell = _CELL.search(path.as_posix())
    if cell is None:
        return 0, 0, path.as_posix()
    norder, npix = int(cell[1]), int(cell[2])
    return npix << 2 * (29 - norder), norder, path.as_posix()
