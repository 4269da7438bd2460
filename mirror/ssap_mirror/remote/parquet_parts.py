"""Where the parts of a Parquet file lie in it, and whether what was fetched of them is sound."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from ssap_mirror.errors import FormatError
from ssap_mirror.remote.byte_ranges import ByteRange, bytes_in, missing

__all__ = ["chunks_of", "page_faults", "read_footer"]


def read_footer(path: Path, rows: int) -> Any:
    """Read the footer of a file that is there.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    rows : int
        Rows that the manifest says it has.

    Returns
    -------
    pyarrow.parquet.FileMetaData

    Raises
    ------
    FormatError
        If it makes no sense, or is of another file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        footer = pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        message = f"its footer cannot be read: {error}"
        raise FormatError(message) from error
    if footer.num_rows != rows:
        message = f"it has {footer.num_rows:,} rows, and {rows:,} in the manifest"
        raise FormatError(message)
    return footer


def chunks_of(
    footer: Any, columns: Collection[str] | None = None, row_groups: Iterable[int] | None = None
) -> list[tuple[int, str, ByteRange]]:
    """Find where columns lie.

    Parameters
    ----------
    footer : pyarrow.parquet.FileMetaData
        Of the file.
    columns : collection of str, optional
        Their names; all without it.
    row_groups : iterable of int, optional
        Numbers of row groups; all without it.

    Returns
    -------
    list of (int, str, ByteRange)
        Row group, column (a nested one may come several times), and its bytes.
    """
    names = [footer.schema.column(leaf).path.partition(".")[0] for leaf in range(footer.num_columns)]
    wanted = [leaf for leaf, name in enumerate(names) if columns is None or name in columns]
    found = []
    for number in range(footer.num_row_groups) if row_groups is None else row_groups:
        group = footer.row_group(number)
        for leaf in wanted:
            chunk = group.column(leaf)
            start = chunk.data_page_offset
            if chunk.has_dictionary_page:
                start = min(start, chunk.dictionary_page_offset)
            found.append((number, names[leaf], (start, start + chunk.total_compressed_size)))
    return found


def page_faults(path: Path, footer: Any, fetched: Sequence[ByteRange]) -> tuple[list[ByteRange], str | None]:
    """Decode all columns of which every byte was fetched, so that their pages are held against their checksums.

    Parameters
    ----------
    path : pathlib.Path
        The file; what was not fetched of it are holes.
    footer : pyarrow.parquet.FileMetaData
        Of the file.
    fetched : sequence of ByteRange
        What was fetched, sorted and apart.

    Returns
    -------
    sound : list of ByteRange
        Bytes of the columns that were looked at.
    fault : str or None
        What is wrong with one; None if nothing is.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    complete: dict[int, dict[str, list[ByteRange]]] = {}
    partial: set[tuple[int, str]] = set()
    for number, name, chunk in chunks_of(footer):
        if bytes_in(missing([chunk], fetched)):
            partial.add((number, name))
        else:
            complete.setdefault(number, {}).setdefault(name, []).append(chunk)
    sound: list[ByteRange] = []
    try:
        with pq.ParquetFile(path, metadata=footer, pre_buffer=False, page_checksum_verification=True) as file:
            for number, columns in complete.items():
                names = [name for name in columns if (number, name) not in partial]
                file.read_row_group(number, columns=names, use_threads=False)
                sound += [chunk for name in names for chunk in columns[name]]
    except (OSError, pa.ArrowException) as error:
        return [], str(error)
    return sound, None
