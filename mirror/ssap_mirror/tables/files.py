"""What an address stands for: files, which part of a file, in which format, packed how."""

from __future__ import annotations

import bz2
import contextlib
import glob
import gzip
import io
import lzma
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, cast

from ssap_mirror.core import layout
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.core.hats_properties import parse_properties
from ssap_mirror.errors import FormatError, SourceError

__all__ = [
    "Format",
    "beginning",
    "catalog_files",
    "catalog_title",
    "expand",
    "format_of",
    "is_catalog",
    "unpacked",
    "unpacked_stream",
]

Format = Literal["parquet", "votable", "fits", "ecsv", "ipac", "csv", "arrow"]

# Text in columns is read by one reader, whatever separates them.
_READ_AS: dict[str, Format] = {
    **dict.fromkeys(("csv", "tsv", "text", "ascii"), "csv"),
    "parquet": "parquet",
    "votable": "votable",
    "fits": "fits",
    "ecsv": "ecsv",
    "ipac": "ipac",
    "arrow": "arrow",
}
_SUFFIXES = {ending[1:]: read_as for kind, read_as in _READ_AS.items() for ending in layout.SUFFIXES[kind]}
_PACKED = ("gz", "bz2", "xz", "zst")
_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_OPENERS: dict[str, Callable[[Path], BinaryIO]] = {"gzip": gzip.GzipFile, "bzip2": bz2.BZ2File, "xz": lzma.LZMAFile}  # type: ignore[dict-item]
_BEGINNING = 4096
_COLLECTION_PROPERTIES = "collection.properties"
_OLD_PROPERTIES = "properties"
_CELL = re.compile(r"Norder=(\d+)/(?:.*/)?Npix=(\d+)(?:\.parquet|/)")
_GLOB = re.compile(r"[*?\[]")
_PART = re.compile(r"(?P<path>.+?)(?:#(?P<number>\w+)|\[(?P<bracket>\w+)\])")


def expand(address: str) -> tuple[list[Path], str | None]:
    """Files or folders that an address names, sorted, and the part of a file that it names.

    A path that is there is never read as a pattern, nor as one with a part: ``file.fits#2``, ``file.fits[2]``.

    Raises
    ------
    SourceError
        If there are none.
    """
    path = Path(address).expanduser()
    if path.exists():
        return [path], None
    if (part := _PART.fullmatch(address)) and (found := Path(part["path"]).expanduser()).is_file():
        return [found], part["number"] or part["bracket"]
    if _GLOB.search(address):
        matches = sorted(Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207  (may be absolute)
        if matches:
            return matches, None
    message = f"{address} is not there"
    raise SourceError(message)


def catalog_files(folder: Path) -> list[Path]:
    """Parquet files of a folder: a mirror, a HATS catalogue or collection in the order of the sky, or a plain folder.

    Raises
    ------
    SourceError
        If it holds none.
    CatalogError
        If it is a mirror, and a file of it is damaged.
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


def catalog_title(path: Path) -> str | None:
    """Read what a mirror or a HATS catalogue calls itself; None for anything else.

    That the rows of a mirror are made up is part of its title, so that a copy says so too.
    """
    if _is_mirror(path):
        catalog = open_catalog(path)
        says_so = not catalog.synthetic or "synthetic" in catalog.title.lower()
        return catalog.title if says_so else f"{catalog.title} (synthetic)"
    for name in (layout.PROPERTIES, _OLD_PROPERTIES, _COLLECTION_PROPERTIES):
        with contextlib.suppress(OSError, FormatError):
            return parse_properties((path / name).read_text("utf-8", errors="replace")).get("obs_title")
    return None


def format_of(path: Path) -> Format:
    """Format of a file, by its first bytes, else by its name.

    Raises
    ------
    FormatError
        If neither tells, or if it is packed and damaged.
    OSError
        If it cannot be read.
    """
    head = beginning(path)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"SIMPLE  ="):
        return "fits"
    if head.startswith((b"ARROW1", b"FEA1")):
        return "arrow"
    if b"<VOTABLE" in head.upper():
        return "votable"
    if text.startswith(b"# %ECSV"):
        return "ecsv"
    words = path.name.lower().split(".")
    if words[-1] in _PACKED and len(words) > 2:
        words.pop()
    kind = _SUFFIXES.get(words[-1]) if len(words) > 1 else None
    if (kind in (None, "csv", "ipac")) and text.startswith((b"\\", b"|")) and b"\n|" in head:
        return "ipac"
    if kind is None and text.startswith(b"<"):
        return "votable"
    if kind is None:
        known = ", ".join(sorted(_SUFFIXES))
        message = (
            f"it is none of VOTable, FITS, CSV, ECSV, IPAC, Parquet and Arrow, by its first bytes or its name ({known})"
        )
        raise FormatError(message)
    return "csv" if kind == "ipac" else kind


def beginning(path: Path) -> bytes:
    """First bytes of a file, unpacked."""
    with unpacked_stream(path) as file:
        return file.read(_BEGINNING)


@contextmanager
def unpacked_stream(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked if it is packed by gzip, bzip2, xz or zstd.

    Raises
    ------
    FormatError
        If it is packed, and damaged or cut off; also while it is read.
    """
    packing = _packing(path)
    try:
        if packing == "zstd":
            import pyarrow as pa

            with pa.input_stream(str(path), compression="zstd") as stream, io.BufferedReader(stream) as buffered:
                yield cast("BinaryIO", buffered)
        elif packing is None:
            with path.open("rb") as plain:
                yield plain
        else:
            with _OPENERS[packing](path) as packed:
                yield packed
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, OSError) as error:
        if packing is None or (isinstance(error, OSError) and error.errno is not None):
            raise
        message = f"damaged or truncated {packing} data: {error}"
        raise FormatError(message) from error


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Path of a file that is not packed: the file's own, or that of a temporary file."""
    if _packing(path) is None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ssap-mirror-") as folder:
        plain = Path(folder) / "table"
        with unpacked_stream(path) as source, plain.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        yield plain


def _packing(path: Path) -> str | None:
    with path.open("rb") as file:
        first = file.read(6)
    return next((name for magic, name in _MAGIC.items() if first.startswith(magic)), None)


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
