"""Names and paths of a mirror on disk; what lies within `staging` is named by the harvest that fills it.

::

    <home>/services.toml                     services of one's own, a table for each
    <home>/<name>/
      CURRENT                                one line: the live snapshot's name
      HISTORY                                what was live when, a line each time
      PULLED                                 which snapshots were fetched from where they are published
      collection.properties                  the live snapshot and its supplements as a HATS collection
      snapshots/<name>/                      a HATS catalogue, immutable once live
        hats.properties  properties  partition_info.csv  skymap.fits  manifest.json  service.xml
        dataset/_common_metadata  dataset/_metadata  dataset/data_thumbnail.parquet
        dataset/Norder=k/Dir=d/Npix=n.parquet
        unplaced.parquet  manifest.json.sha256
      supplements/<name>/                    what HATS keeps beside a catalogue: of the snapshot of that name
        supplements.json                     its files with checksums, and what each was made of
        margin/  index/                      HATS catalogues: rows near the edges of partitions, where an identity is
      staging/                               raw answers and the journal of a harvest under way
        build-<process>/                     scratch of a build under way
      .lock                                  held by the process that writes the mirror

The layout inside a snapshot is that of HATS (IVOA Note "HATS: a standard for the Hierarchical Adaptive Tiling
Scheme", §3), so LSDB opens a snapshot as it is.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

__all__ = [
    "CACHE_VARIABLE",
    "COLLECTION",
    "COMMON_METADATA",
    "DATASET",
    "HOME_VARIABLE",
    "MANIFEST",
    "MANIFEST_DIGEST",
    "METADATA",
    "PARTITION_INFO",
    "PROPERTIES",
    "PROPERTIES_OLD",
    "SERVICES",
    "SERVICE_XML",
    "SKY_MAP",
    "SUFFIXES",
    "SUPPLEMENTS",
    "THUMBNAIL",
    "UNPLACED",
    "build_dir",
    "build_dirs",
    "cache_dir",
    "checkout_home",
    "current_file",
    "default_home",
    "history_file",
    "is_address",
    "is_snapshot_name",
    "lock_file",
    "mirror_dir",
    "new_snapshot_name",
    "partition_path",
    "pulled_file",
    "services_file",
    "snapshot_names",
    "snapshots_dir",
    "staging_dir",
    "supplements_dir",
]

#: Kind of a file of rows -> endings of its name, the usual one first; what is read and what is written go by it.
SUFFIXES = {
    "parquet": (".parquet", ".parq", ".pq"),
    "votable": (".vot", ".xml", ".votable"),
    "fits": (".fits", ".fit", ".fts"),
    "ecsv": (".ecsv",),
    "ipac": (".tbl", ".ipac"),
    "csv": (".csv",),
    "tsv": (".tsv", ".tab"),
    "text": (".txt",),
    "ascii": (".dat", ".asc", ".ascii"),
    "arrow": (".arrow", ".feather"),
    "json": (".json",),
    "html": (".html", ".htm"),
}

CACHE_VARIABLE = "SSAP_MIRROR_CACHE"
HOME_VARIABLE = "SSAP_MIRROR_HOME"
COLLECTION = "collection.properties"
MANIFEST = "manifest.json"
MANIFEST_DIGEST = f"{MANIFEST}.sha256"
PROPERTIES = "hats.properties"
PARTITION_INFO = "partition_info.csv"
PROPERTIES_OLD = "properties"
SERVICES = "services.toml"
SERVICE_XML = "service.xml"
SKY_MAP = "skymap.fits"
SUPPLEMENTS = "supplements.json"
UNPLACED = "unplaced.parquet"
DATASET = "dataset"
COMMON_METADATA = f"{DATASET}/_common_metadata"
METADATA = f"{DATASET}/_metadata"
THUMBNAIL = f"{DATASET}/data_thumbnail.parquet"

_PIXELS_PER_DIR = 10_000
_BUILD = "build-"
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_SNAPSHOT_NAME = re.compile(r"\d{8}T\d{6}Z(-\d+)?")


def default_home() -> Path:
    """Folder that holds the mirrors.

    Returns
    -------
    pathlib.Path
        ``$SSAP_MIRROR_HOME`` if set; else ``parquet/`` of the source checkout this module runs from; else the user's
        data directory.
    """
    if chosen := os.environ.get(HOME_VARIABLE):
        return Path(chosen).expanduser()
    if (checkout := checkout_home()) is not None:
        return checkout
    import platformdirs

    return Path(platformdirs.user_data_dir("ssap-mirror", appauthor=False))


def checkout_home() -> Path | None:
    """``parquet/`` of the source checkout this module runs from; None in an installed copy."""
    checkout = Path(__file__).resolve().parents[3]
    found = (checkout / "pyproject.toml").is_file() and (checkout / "parquet").is_dir()
    return checkout / "parquet" if found else None


def cache_dir() -> Path | None:
    """Folder for what can be worked out again.

    Returns
    -------
    pathlib.Path or None
        ``$SSAP_MIRROR_CACHE`` if set; else ``ssap-mirror`` in the user's cache folder; None where there is no home.
    """
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser()
    try:  # as platformdirs has it on Linux; to load that takes a fiftieth of a cone from a cold start
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "ssap-mirror"
    except RuntimeError:
        return None


def mirror_dir(home: Path, name: str) -> Path:
    """Folder of one mirror."""
    return home / name


def services_file(home: Path) -> Path:
    """File of the services of one's own."""
    return home / SERVICES


def current_file(mirror: Path) -> Path:
    """File that names the live snapshot."""
    return mirror / "CURRENT"


def history_file(mirror: Path) -> Path:
    """File that says what was live when."""
    return mirror / "HISTORY"


def pulled_file(mirror: Path) -> Path:
    """File that says which snapshots were pulled, and from where."""
    return mirror / "PULLED"


def snapshots_dir(mirror: Path) -> Path:
    """Folder of the immutable snapshots."""
    return mirror / "snapshots"


def supplements_dir(snapshot: Path) -> Path:
    """Folder of what HATS keeps beside a snapshot, given that of the snapshot.

    It is not inside: hats counts every ``Npix`` file below a catalogue as a partition of it.
    """
    return snapshot.parent.parent / "supplements" / snapshot.name


def snapshot_names(mirror: Path) -> tuple[str, ...]:
    """Names of the folders of a mirror that hold a snapshot, whoever put them there; sorted."""
    return tuple(sorted(path.parent.name for path in snapshots_dir(mirror).glob(f"*/{MANIFEST}")))


def is_address(name: object) -> bool:
    """Whether a name is the address of a mirror that lies elsewhere: ``https://...``, ``s3://...``."""
    return isinstance(name, str) and _ADDRESS.match(name) is not None


def is_snapshot_name(name: str) -> bool:
    """Whether a name is of the kind that `new_snapshot_name` gives, with the number of a second one or without."""
    return _SNAPSHOT_NAME.fullmatch(name) is not None


def staging_dir(mirror: Path) -> Path:
    """Folder of a harvest under way."""
    return mirror / "staging"


def build_dir(mirror: Path, process: int) -> Path:
    """Folder of a build under way."""
    return staging_dir(mirror) / f"{_BUILD}{process}"


def build_dirs(mirror: Path) -> list[Path]:
    """Folders of all builds, those under way and those that were interrupted."""
    return sorted(staging_dir(mirror).glob(f"{_BUILD}*"))


def lock_file(mirror: Path) -> Path:
    """File that the process writing the mirror holds locked."""
    return mirror / ".lock"


def new_snapshot_name(now: datetime | None = None) -> str:
    """Name of a snapshot made now: compact ISO 8601 UTC, ``20261122T101500Z``."""
    return (now or datetime.now(UTC)).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def partition_path(norder: int, npix: int) -> str:
    """Path of a partition below its snapshot, as HATS has it.

    Parameters
    ----------
    norder : int
        HEALPix order.
    npix : int
        NESTED pixel of that order.

    Examples
    --------
    >>> partition_path(2, 130)
    'dataset/Norder=2/Dir=0/Npix=130.parquet'
    """
    directory = npix // _PIXELS_PER_DIR * _PIXELS_PER_DIR
    return f"{DATASET}/Norder={norder}/Dir={directory}/Npix={npix}.parquet"
