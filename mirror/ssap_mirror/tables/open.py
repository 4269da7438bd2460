"""Opens a table, whatever it is in: a file of any format, a folder or a pattern of files, an object in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.errors import FormatError, ParameterError, SourceError
from ssap_mirror.tables.arrow_columns import tidied
from ssap_mirror.tables.files import catalog_files, expand, format_of, is_catalog, unpacked_stream
from ssap_mirror.tables.table import Ending, Table, arrow_errors

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["open_table"]

_BATCH_ROWS = 65_536
_TABLE = "table"


def open_table(source: object, *, typed: bool = False, batch_rows: int = _BATCH_ROWS, parameter: str = _TABLE) -> Table:
    """Open a table.

    Parameters
    ----------
    source : path, sequence of paths, or a table in memory
        A path is a file (VOTable, FITS, CSV and its relatives, ECSV, IPAC, Parquet, Arrow; packed or not), a part of
        a FITS file (``file.fits#2``), a pattern of files, a folder of Parquet files, a HATS catalogue, or a mirror.
        Several files are one table, in the units of the first. See `ssap_mirror.tables.objects.open_object` for tables
        in memory.
    typed : bool
        Whether somebody else knows the types of the columns: then those of CSV are text, and not inferred.
    batch_rows : int
        Largest number of rows in a batch.
    parameter : str
        What the source is called in an error about it.

    Returns
    -------
    Table
        Its columns are known, its rows not yet read.

    Raises
    ------
    ParameterError
        If it is no table at all.
    SourceError
        If a file is not there or cannot be read.
    FormatError
        If it is damaged, or in no format that is known.
    CatalogError
        If it is a mirror that cannot be read.
    """
    if isinstance(source, (str, os.PathLike)):
        return _open_paths([os.fspath(source)], typed, batch_rows)
    if isinstance(source, (list, tuple)) and source and all(isinstance(s, (str, os.PathLike)) for s in source):
        return _open_paths([os.fspath(s) for s in source], typed, batch_rows)
    from ssap_mirror.tables.objects import open_object

    found = open_object(source, batch_rows)
    if found is None:
        kind = f"{type(source).__module__}.{type(source).__qualname__}"
        reason = "is neither a path nor an Arrow, pandas, polars, astropy or numpy table"
        raise ParameterError(parameter, kind, reason)
    return tidied(found)


def _open_paths(paths: Sequence[str], typed: bool, batch_rows: int) -> Table:  # noqa: FBT001
    found = [(path, part) for address in paths for path, part in _expanded(address)]
    folders = [path for path, _ in found if path.is_dir()]
    with _named(found[0][0] if len(found) == 1 else Path(paths[0])):
        files = [(f, p) for path, p in found for f in (catalog_files(path) if path.is_dir() else [path])]
        formats = [format_of(files[0][0])] if folders else [format_of(file) for file, _ in files]
        if set(formats) == {"parquet"}:
            from ssap_mirror.tables.parquet.reader import open_parquet

            # The files of a catalogue have the same columns; of others each is looked at.
            table = open_parquet([f for f, _ in files], batch_rows, alike=all(is_catalog(path) for path, _ in found))
            return _named_table(tidied(table), found[0][0])
    tables = []
    for file, part in files:
        with _named(file):
            table = tidied(_open_file(file, format_of(file), part, typed, batch_rows))
            tables.append(_named_table(table, file))
    if len(tables) == 1:
        return tables[0]
    from ssap_mirror.tables.union import union

    return tidied(union(tables))


def _expanded(address: str) -> Iterator[tuple[Path, str | None]]:
    paths, part = expand(address)
    yield from ((path, part) for path in paths)


def _open_file(path: Path, kind: str, part: str | None, typed: bool, batch_rows: int) -> Table:  # noqa: FBT001
    if kind == "fits":
        from ssap_mirror.tables.fits.reader import open_fits

        return open_fits(path, batch_rows, part)
    if part is not None:
        message = f"it is no FITS file, so it has no part {part!r}"
        raise FormatError(message)
    if kind == "votable":
        return _open_votable(path, batch_rows)
    if kind == "ecsv":
        from ssap_mirror.tables.text.ecsv import open_ecsv

        return open_ecsv(path, batch_rows)
    if kind == "ipac":
        from ssap_mirror.tables.text.ipac import open_ipac

        return open_ipac(path, batch_rows)
    if kind == "arrow":
        return _open_arrow(path, batch_rows)
    if kind == "parquet":
        from ssap_mirror.tables.parquet.reader import open_parquet

        return open_parquet([path], batch_rows, alike=True)
    from ssap_mirror.tables.text.csv import open_csv

    return open_csv(path, typed=typed, batch_rows=batch_rows)


def _open_votable(path: Path, batch_rows: int) -> Table:
    from ssap_mirror.tables.votable import read_votable

    ending = Ending()
    with unpacked_stream(path) as file:
        reader = read_votable(file)
    _refuse_error(reader.query_status, reader.query_message)
    if not len(reader.schema):
        message = "a VOTable without a table"
        raise FormatError(message)

    def read(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with unpacked_stream(path) as file:
            rows = read_votable(file, batch_rows=batch_rows)
            for batch in rows:
                yield batch.select(list(names))
        _refuse_error(rows.query_status, rows.query_message)
        _tell_overflow(rows.query_status, ending)
        ending.header = rows.header
        for note in rows.notes:
            ending.note(note)

    _tell_overflow(reader.query_status, ending)
    return Table(
        kind="VOTable",
        types=reader.schema.arrow_schema(),
        read=read,
        opening_header=reader.header,
        files=(path,),
        opening_notes=reader.notes,
        ending=ending,
    )


def _refuse_error(status: str | None, said: str) -> None:
    if status == "ERROR":
        message = f"it is a service's error message: {' '.join(said.split())[:300]}"
        raise FormatError(message)


def _tell_overflow(status: str | None, ending: Ending) -> None:
    if status == "OVERFLOW":
        ending.truncated = True
        ending.note("it is truncated: its service says OVERFLOW")


def _open_arrow(path: Path, batch_rows: int) -> Table:
    from pyarrow import feather

    try:
        with arrow_errors("a damaged Arrow file: "):
            table = feather.read_table(path, memory_map=True)
    except OSError as error:
        message = f"a damaged Arrow file: {' '.join(str(error).split())}"
        raise FormatError(message) from error

    def read(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield from table.select(list(names)).to_batches(batch_rows)

    types = table.schema.remove_metadata()
    return Table("Arrow", types, read, rows=table.num_rows, files=(path,), in_memory=table)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in what goes wrong with it."""
    try:
        yield
    except FormatError as error:
        message = f"{path}: {error}"
        raise FormatError(message) from error
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise SourceError(message) from error


def _named_table(table: Table, path: Path) -> Table:
    def read(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with _named(path):
            yield from table.read(names)

    return replace(table, read=read)
