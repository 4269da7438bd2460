"""``_metadata`` of a HATS catalogue out of its other files: a pull need not fetch what it can make."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ssap_mirror.core import layout
from ssap_mirror.core.hats_properties import parse_partition_info

__all__ = ["gather_metadata"]


def gather_metadata(files: Mapping[str, Path], target: Path) -> None:
    """Write the footers of all Parquet files of a catalogue into one file, as its build does.

    Parameters
    ----------
    files : mapping of str to pathlib.Path
        Path below the folder of the catalogue -> where the file is: all of it but ``_metadata``.
    target : pathlib.Path
        File to write.

    Raises
    ------
    OSError, KeyError, ValueError, MirrorError
        If a file is missing, or is not what its name says.
    """
    import pyarrow.parquet as pq

    if layout.PARTITION_INFO in files:
        cells = parse_partition_info(files[layout.PARTITION_INFO].read_text("utf-8"))
        paths = [layout.partition_path(*cell) for cell in cells]
    else:  # an index
        paths = sorted(path for path in files if path.endswith(".parquet"))
    footers = []
    for path in paths:
        footer = pq.read_metadata(files[path])
        footer.set_file_path(path.removeprefix(f"{layout.DATASET}/"))
        footers.append(footer)
    pq.write_metadata(pq.read_schema(files[layout.COMMON_METADATA]), target, metadata_collector=footers)
