"""Tables that DuckDB does not read by itself, turned into Arrow with what is known of their columns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import FormatError, ParameterError, SourceError

from ssap_query.xmatch.session import one_line

if TYPE_CHECKING:
    import pyarrow as pa
    from astropy.table import Table as AstropyTable

_TABLE = "table"
_BATCH_ROWS = 65_536
# What astropy only warns of, though rows are missing
_DAMAGED_FITS = ".*(File may have been truncated|Error validating header)"

__all__ = ["from_astropy", "from_object", "read_ecsv", "read_fits", "read_votable", "to_astropy"]


def from_object(table: object, side: str) -> pa.Table | pa.RecordBatchReader:
    """Arrow table or stream of a table in memory.

    Parameters
    ----------
    table : object
        pyarrow Table, RecordBatch, RecordBatchReader or Dataset; polars DataFrame or LazyFrame; pandas DataFrame
        (its index is left out); astropy Table; a mapping of column name to array; or anything with ``to_arrow()`` or
        the Arrow stream interface.
    side : str
        Named in the error.

    Raises
    ------
    ParameterError
        If it is none of these.
    """
    import pyarrow as pa
    import pyarrow.dataset as pads

    kind = f"{type(table).__module__}.{type(table).__qualname__}"
    if isinstance(table, (pa.Table, pa.RecordBatchReader)):
        return table
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    if isinstance(table, pads.Dataset):
        return pads.Scanner.from_dataset(table).to_reader()
    if kind.startswith("pandas."):
        return pa.Table.from_pandas(table, preserve_index=False)
    if kind.startswith("polars.") and hasattr(table, "collect"):
        return from_object(table.collect(), side)
    if kind.startswith("astropy.") and hasattr(table, "colnames"):
        return from_astropy(table)
    if isinstance(table, Mapping):
        return pa.table(dict(table))
    if hasattr(table, "to_arrow"):
        return from_object(table.to_arrow(), side)
    if hasattr(table, "__arrow_c_stream__"):
        return pa.table(table)
    reason = "is neither a path nor an Arrow, pandas, polars or astropy table"
    raise ParameterError(side, kind, reason)


def from_astropy(table: Any) -> pa.Table:
    """Arrow table of an astropy Table: units, UCDs and descriptions become field metadata.

    A SkyCoord column becomes two, ``<name>.ra`` and ``<name>.dec`` [deg, ICRS]; a Time column becomes an MJD.

    Raises
    ------
    ParameterError
        If a column is of a kind that has no Arrow type.
    """
    import pyarrow as pa

    arrays, names = [], []
    for name in table.colnames:
        for part, values, metadata in _parts(name, table[name]):
            try:
                array = _array(values)
            except (pa.ArrowException, ValueError, TypeError) as error:
                raise ParameterError(_TABLE, name, f"is a column that cannot be read: {error}") from error
            arrays.append(array)
            names.append(pa.field(part, array.type, metadata=metadata))
    return pa.Table.from_arrays(arrays, schema=pa.schema(names))


def read_votable(path: Path) -> tuple[pa.RecordBatchReader, tuple[str, ...]]:
    """Rows of a VOTable as a stream, and notes on them: a truncated answer of a service is told.

    Raises
    ------
    FormatError
        If it is not a VOTable, or is a service's error message.
    """
    import pyarrow as pa
    from ssap_mirror.tables import votable

    try:
        document = votable.read_votable(path, batch_rows=_BATCH_ROWS)
    except FormatError as error:
        message = f"{path} cannot be read: {error}"
        raise FormatError(message) from error
    if document.query_status == "ERROR":
        message = f"{path} is an error message of a service: {document.query_message}"
        raise FormatError(message)
    notes = (f"{path} is truncated: its service says OVERFLOW",) if document.query_status == "OVERFLOW" else ()
    return pa.RecordBatchReader.from_batches(document.schema.arrow_schema(), iter(document)), notes


def read_fits(path: Path) -> pa.Table:
    """First table of a FITS file; ``TUCDn`` is read as the UCD of column n.

    Raises
    ------
    FormatError
        If it is not FITS, or holds no table.
    """
    from astropy.io import fits
    from astropy.table import Table
    from astropy.utils.exceptions import AstropyWarning

    try:
        with warnings.catch_warnings(), fits.open(path, memmap=False) as hdus:
            warnings.simplefilter("ignore", AstropyWarning)
            warnings.filterwarnings("error", message=_DAMAGED_FITS)
            tables = [i for i, hdu in enumerate(hdus) if isinstance(hdu, (fits.BinTableHDU, fits.TableHDU))]
            header = hdus[tables[0]].header if tables else None
            table = Table.read(hdus, hdu=tables[0]) if tables else None
    except Exception as error:  # damaged FITS shows as OSError, ValueError, TypeError, KeyError or VerifyError
        message = f"{path} cannot be read as FITS: {one_line(error)}"
        raise FormatError(message) from error
    if table is None or header is None:
        message = f"{path} holds no table"
        raise FormatError(message)
    for number, name in enumerate(table.colnames, 1):
        if ucd := header.get(f"TUCD{number}"):
            table[name].info.meta = {**(table[name].info.meta or {}), "ucd": ucd}
    return from_astropy(table)


def read_ecsv(path: Path) -> pa.Table:
    """ECSV file.

    Raises
    ------
    FormatError
        If it is not ECSV.
    """
    from astropy.table import Table

    try:
        return from_astropy(Table.read(path, format="ascii.ecsv"))
    except ParameterError:
        raise
    except OSError as error:
        message = f"{path} cannot be read: {error}"
        raise SourceError(message) from error
    except Exception as error:  # astropy.io.ascii and yaml have error trees of their own
        message = f"{path} cannot be read as ECSV: {one_line(error)}"
        raise FormatError(message) from error


def to_astropy(table: pa.Table) -> AstropyTable:
    """Astropy Table with units, descriptions and UCDs (``info.meta["ucd"]``); NULL is masked, NaN stays NaN."""
    import numpy as np
    import pyarrow as pa
    from astropy.table import Column, MaskedColumn, Table

    made = Table()
    for field, chunks in zip(table.schema, table.columns, strict=True):
        array = chunks.combine_chunks()
        gone = np.asarray(array.is_null())
        if pa.types.is_fixed_size_list(field.type):
            flat = pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
            values = np.array(flat.to_pylist(), dtype=object)
        elif pa.types.is_floating(field.type) or pa.types.is_integer(field.type) or pa.types.is_boolean(field.type):
            values = np.asarray(array.fill_null(False if pa.types.is_boolean(field.type) else 0))
        else:
            values = np.array(["" if v is None else str(v) for v in array.to_pylist()])
        known = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        kind = {"unit": known.get("unit"), "description": known.get("description"), "name": field.name}
        column = MaskedColumn(values, mask=gone, **kind) if gone.any() else Column(values, **kind)
        if "ucd" in known:
            column.info.meta = {"ucd": known["ucd"]}
        made.add_column(column)
    return made


def _parts(name: str, column: Any) -> list[tuple[str, Any, dict[str, str]]]:
    kind = type(column).__name__
    if kind == "SkyCoord":
        icrs = column.icrs
        unit = {"unit": "deg"}
        return [
            (f"{name}.ra", icrs.ra.deg, {**unit, "ucd": "pos.eq.ra"}),
            (f"{name}.dec", icrs.dec.deg, {**unit, "ucd": "pos.eq.dec"}),
        ]
    if kind == "Time":
        return [(name, column.mjd, {"unit": "d", "ucd": "time.epoch", "xtype": "mjd"})]
    known = {
        "unit": str(column.unit) if getattr(column, "unit", None) is not None else "",
        "description": str(getattr(column.info, "description", None) or ""),
        "ucd": str((getattr(column.info, "meta", None) or {}).get("ucd", "")),
    }
    return [(name, getattr(column, "value", column), {key: value for key, value in known.items() if value})]


def _array(values: Any) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    masked = np.ma.asarray(values)
    data = np.asarray(masked.data)
    if data.dtype.byteorder == ">" or (data.dtype.byteorder == "=" and not np.little_endian):
        data = data.astype(data.dtype.newbyteorder("="))
    mask = np.ma.getmaskarray(masked)
    if data.ndim == 1:
        if data.dtype.kind == "S":
            data = np.char.decode(data, "utf-8", "replace")
        if data.dtype.kind == "O":
            return _objects(data, mask)
        return pa.array(data, mask=mask if mask.any() else None, from_pandas=False)
    flat = _array(np.ma.MaskedArray(data.reshape(-1), mask.reshape(-1)))
    return pa.FixedSizeListArray.from_arrays(flat, int(np.prod(data.shape[1:])))


def _objects(data: Any, mask: Any) -> pa.Array:
    import pyarrow as pa

    plain = [None if gone else value.tolist() if hasattr(value, "tolist") else value
             for value, gone in zip(data, mask, strict=True)]  # fmt: skip
    return pa.array(plain)
