"""Tables in memory: of Arrow, pandas, polars, astropy, numpy, plain Python, and whatever gives an Arrow stream."""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ssap_mirror.core.times import MJD_ZERO_JD
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.numpy_arrays import arrow_array, arrow_field, unit_text
from ssap_mirror.tables.table import Ending, Table, listed

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["from_astropy", "open_object"]

_MJD_ORIGIN = str(MJD_ZERO_JD)
_VO_KEYS = ("ucd", "utype", "xtype")
# Values that are the same in text
_SIMPLE = (str, numbers.Number, np.bool_, datetime.date, datetime.time)


def open_object(source: Any, batch_rows: int) -> Table | None:
    """Open a table in memory; None if it is no such thing.

    Parameters
    ----------
    source : object
        pyarrow Table, RecordBatch, RecordBatchReader or Dataset; pandas DataFrame (named indexes are columns); polars
        DataFrame or LazyFrame; astropy Table, QTable or SkyCoord; FITS data; a structured array; a mapping of column
        name to values, with units if they are Quantities; or anything with ``to_arrow()``, an Arrow stream or array.
    batch_rows : int
        Largest number of rows in a batch.

    Raises
    ------
    FormatError
        If a column cannot be read, or the columns are not of one length.
    """
    import pyarrow as pa

    kind = f"{type(source).__module__}.{type(source).__qualname__}"
    try:
        if isinstance(source, pa.RecordBatchReader):
            return _from_stream(source)
        if kind.startswith("pyarrow._dataset") and hasattr(source, "scanner"):
            return _from_stream(source.scanner(batch_size=batch_rows).to_reader())
        if isinstance(source, pa.RecordBatch):
            return _from_arrow(pa.Table.from_batches([source]), batch_rows)
        if isinstance(source, pa.Table):
            return _from_arrow(source, batch_rows)
        if kind.startswith("pandas.") and hasattr(source, "columns"):
            return _from_pandas(source, batch_rows)
        if kind.startswith("polars.") and hasattr(source, "collect"):
            return open_object(source.collect(), batch_rows)
        if kind.startswith("pyvo.") and hasattr(source, "to_table"):
            return from_astropy(source.to_table(), batch_rows)
        if kind.startswith("astropy.io.fits") and hasattr(source, "header"):
            return open_object(source.data, batch_rows)
        if isinstance(source, np.ndarray) and source.dtype.names:
            return _from_structured(source, batch_rows)
        if hasattr(source, "colnames") and hasattr(source, "itercols"):
            return from_astropy(source, batch_rows)
        if hasattr(source, "icrs"):
            return _from_columns(_sky_parts("", source), batch_rows, "SkyCoord")
        if isinstance(source, Mapping):
            return _from_columns([part for name in source for part in _parts(str(name), source[name])], batch_rows)
        if hasattr(source, "to_arrow"):
            return open_object(source.to_arrow(), batch_rows)
        if hasattr(source, "__arrow_c_stream__"):
            return _from_stream(pa.RecordBatchReader.from_stream(source))
        if hasattr(source, "__arrow_c_array__"):
            return _from_arrow(pa.Table.from_batches([pa.record_batch(source)]), batch_rows)
    except (pa.ArrowException, TypeError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        message = f"a table of {kind} cannot be read: {' '.join(str(error).split())[:300]}"
        raise FormatError(message) from error
    return None


def from_astropy(table: Any, batch_rows: int) -> Table:
    """Open an astropy Table: units, UCDs and descriptions are kept, masked values are NULL.

    A SkyCoord column becomes two, ``<name>.ra`` and ``<name>.dec`` [deg, ICRS]; a Time column an MJD.

    Raises
    ------
    FormatError
        If a column cannot be read.
    """
    return _from_columns(
        [part for name in table.colnames for part in _parts(name, table[name])], batch_rows, "astropy table"
    )


def _from_arrow(table: pa.Table, batch_rows: int, kind: str = "Arrow", notes: Sequence[str] = ()) -> Table:
    def read(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield from table.select(list(names)).to_batches(batch_rows)

    types = table.schema.remove_metadata()
    return Table(kind, types, read, rows=table.num_rows, in_memory=table, opening_notes=tuple(notes))


def _from_stream(reader: pa.RecordBatchReader) -> Table:
    spent = Ending()

    def read(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        if spent.truncated:
            message = "a stream can be read once, and this one was read before"
            raise FormatError(message)
        spent.truncated = True
        for batch in reader:
            yield batch.select(list(names))

    return Table("Arrow stream", reader.schema.remove_metadata(), read)


def _from_pandas(frame: Any, batch_rows: int) -> Table:
    import pyarrow as pa

    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    if named:
        frame = frame.reset_index(level=named)
    frame = frame.copy(deep=False)
    frame.columns = ["_".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns]
    doubled = frame.columns[frame.columns.duplicated()]
    if len(doubled):
        message = f"two of its columns are called {doubled[0]!r}"
        raise FormatError(message)
    arrays: dict[str, pa.Array] = {}
    notes: list[str] = []
    for name in frame.columns:
        try:
            arrays[name] = _of_series(name, frame[name])
        except FormatError as error:
            if (array := _text_of_odd(name, frame[name], error, notes)) is not None:
                arrays[name] = array
    return _from_arrow(pa.table(arrays), batch_rows, "pandas", notes)


def _of_series(name: str, series: Any) -> pa.Array:
    import pyarrow as pa

    kind = type(series.dtype).__name__
    if kind == "PeriodDtype":  # Arrow would keep the number of each since 1970
        series = series.astype("string")
    elif kind == "SparseDtype":
        series = series.sparse.to_dense()
    if getattr(series.dtype, "byteorder", "=") == ">":
        series = series.astype(series.dtype.newbyteorder("="))
    if getattr(series.dtype, "kind", "") == "c":
        return arrow_array(name, series.to_numpy(), None)
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError) as error:
        message = f"column {name!r} cannot be read: {' '.join(str(error).split())[:200]}"
        raise FormatError(message) from error


def _text_of_odd(name: str, values: Iterable[Any], error: FormatError, notes: list[str]) -> pa.Array | None:
    """Text of values that are of more than one kind (numbers and words); None, and a note, if they are no text."""
    import pyarrow as pa

    cells = [None if _is_missing(value) else value for value in values]
    if not all(cell is None or isinstance(cell, _SIMPLE) for cell in cells):
        notes.append(f"left out: {error}")
        return None
    notes.append(f"values of more than one kind, read as text: {name}")
    return pa.array([None if cell is None else str(cell) for cell in cells], pa.string())


def _is_missing(value: Any) -> bool:
    """Whether a value is None, masked, NaN, NaT or NA, which are not equal to themselves or do not know."""
    if value is None or value is np.ma.masked:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def _from_structured(array: Any, batch_rows: int) -> Table:
    if hasattr(array, "columns"):
        from ssap_mirror.tables.fits.reader import from_fits_rec

        return from_fits_rec(array, batch_rows)
    masked = np.ma.isMaskedArray(array)
    columns = {name: array[name] if masked else np.asarray(array[name]) for name in array.dtype.names}
    return _from_columns([(name, values, {}) for name, values in columns.items()], batch_rows, "structured array")


def _from_columns(parts: Sequence[tuple[str, Any, dict[str, str]]], batch_rows: int, kind: str = "mapping") -> Table:
    """Open columns as (name, values, what is known of it)."""
    import pyarrow as pa

    arrays, fields = [], []
    notes: list[str] = []
    for name, values, said in parts:
        if not hasattr(values, "__len__") or getattr(values, "ndim", 1) == 0:
            message = f"column {name!r} is one value, not one for each row"
            raise FormatError(message)
        try:
            array = _array(name, values)
        except FormatError as error:
            array = _text_of_odd(name, values, error, notes)
            if array is None:
                continue
        arrays.append(array)
        fields.append(arrow_field(name, array.type, **said))
    lengths = {len(array) for array in arrays}
    if len(lengths) > 1:
        each = listed([f"{field.name} has {len(array)}" for field, array in zip(fields, arrays, strict=True)])
        message = f"its columns are not of one length: {each} values"
        raise FormatError(message)
    return _from_arrow(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), batch_rows, kind, notes)


def _parts(name: str, column: Any) -> list[tuple[str, Any, dict[str, str]]]:
    """Columns of numbers and text that a column of astropy is made of."""
    kind = type(column).__name__
    if hasattr(column, "icrs"):
        return _sky_parts(f"{name}.", column)
    if kind == "Time":
        return [(name, column.mjd, {"unit": "d", "ucd": "time.epoch", "xtype": "mjd", "time_origin": _MJD_ORIGIN})]
    if kind == "TimeDelta":
        return [(name, column.to_value("d"), {"unit": "d"})]
    info = getattr(column, "info", None)
    meta = getattr(info, "meta", None) or {}
    said = {"unit": unit_text(getattr(column, "unit", None)), "description": getattr(info, "description", None)}
    said |= {key: meta.get(key) for key in _VO_KEYS}
    return [(name, getattr(column, "value", column), {key: str(value) for key, value in said.items() if value})]


def _sky_parts(prefix: str, sky: Any) -> list[tuple[str, Any, dict[str, str]]]:
    """Position of a SkyCoord, and its proper motion and date if it has them."""
    icrs = sky.icrs
    parts: list[tuple[str, Any, dict[str, str]]] = []
    for axis in ("ra", "dec"):
        said = {"unit": "deg", "ucd": f"pos.eq.{axis}", "frame": "ICRS"}
        parts.append((f"{prefix}{axis}", np.ravel(getattr(icrs, axis).to_value("deg")), said))
    if "s" in getattr(icrs.data, "differentials", {}) and hasattr(icrs, "pm_ra_cosdec"):
        for name, ucd, values in (("pmra", "ra", icrs.pm_ra_cosdec), ("pmdec", "dec", icrs.pm_dec)):
            said = {"unit": "mas/yr", "ucd": f"pos.pm;pos.eq.{ucd}"}
            parts.append((f"{prefix}{name}", np.ravel(values.to_value("mas/yr")), said))
        if sky.obstime is not None:
            years = np.broadcast_to(sky.obstime.jyear, parts[0][1].shape)
            parts.append((f"{prefix}ref_epoch", years, {"unit": "yr", "ucd": "meta.ref;time.epoch"}))
    return parts


def _array(name: str, values: Any) -> pa.Array:
    import pyarrow as pa

    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return pa.concat_arrays(values.chunks) if isinstance(values, pa.ChunkedArray) and values.num_chunks else values
    if hasattr(values, "to_arrow"):
        return _array(name, values.to_arrow())
    try:
        if hasattr(values, "unmasked") and hasattr(values, "mask"):
            values = np.ma.MaskedArray(np.asarray(values.unmasked), np.asarray(values.mask))
        if isinstance(values, (list, tuple)) and not any(hasattr(item, "dtype") for item in values):
            return pa.array(values)
        if type(values).__module__.partition(".")[0] == "pandas":
            return pa.array(values, from_pandas=True)
        masked = np.ma.asarray(values)
    except (pa.ArrowException, TypeError, ValueError) as error:
        message = f"column {name!r} cannot be read: {' '.join(str(error).split())[:200]}"
        raise FormatError(message) from error
    return arrow_array(name, np.asarray(masked.data), np.ma.getmaskarray(masked))
