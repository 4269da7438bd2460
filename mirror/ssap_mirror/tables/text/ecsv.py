"""ECSV files (astropy APE 6)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ssap_mirror.errors import FormatError
from ssap_mirror.tables.files import unpacked, unpacked_stream
from ssap_mirror.tables.numpy_arrays import arrow_field, vounit
from ssap_mirror.tables.table import Ending, Table, arrow_errors
from ssap_mirror.tables.text.astropy_header import AstropyColumn, AstropyHeader, read_header
from ssap_mirror.tables.text.csv import cells_of
from ssap_mirror.tables.text.dialect import Dialect

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["open_ecsv"]

_LONGEST_HEADER = 16 << 20
_SHAPE = re.compile(r"(?P<item>\w+)\[(?P<dims>[\w, ]*)\]")
_ARROW = {"bool": "bool", "float16": "float", "float32": "float", "float64": "double", "float128": "double"} | {
    f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_TRUTHS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


def open_ecsv(path: Path, batch_rows: int) -> Table:
    """Open an ECSV file. An empty cell is NULL, in quotes or not, as astropy has it.

    In files with commas ``null`` is NULL too: the Gaia archive writes so what is missing.

    Raises
    ------
    FormatError
        If it is damaged.
    """
    import pyarrow as pa

    with unpacked_stream(path) as file:
        lines, size = _header_lines(file)
        header = read_header("\n".join(lines))
    if header.objects or any(column.subtype == "json" for column in header.columns):
        return _with_objects(path, batch_rows)
    names = tuple(column.name for column in header.columns)
    single = " " if header.delimiter == " " else header.delimiter
    dialect = Dialect(names, "\t" if single == " " else single, size, blanks=single == " ", comments=False)
    nulls = ("", "null") if header.delimiter == "," else ("",)
    types = pa.schema([_field(column) for column in header.columns])
    described = {column.name: column for column in header.columns}
    ending = Ending()

    def read(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        chosen = list(wanted)
        masks = [header.masks[name] for name in chosen if name in header.masks]
        with arrow_errors(), cells_of(path, dialect, [*chosen, *masks], ending, nulls) as cells:
            for block in cells:
                found = dict(zip([*chosen, *masks], block.columns, strict=True))
                columns = [_values(found, name, described, header, types.field(name).type) for name in chosen]
                batch = pa.RecordBatch.from_arrays(columns, schema=pa.schema([types.field(name) for name in chosen]))
                for start in range(0, batch.num_rows, batch_rows):
                    yield batch.slice(start, batch_rows)

    hidden = set(header.masks.values())
    shown = pa.schema([field for field in types if field.name not in hidden])
    return Table("ECSV", shown, read, files=(path,), ending=ending)


def _header_lines(file: IO[bytes]) -> tuple[list[str], int]:
    """YAML of the header, and where the first row begins: behind the line with the names."""
    lines, size = [], 0
    while size < _LONGEST_HEADER:
        line = file.readline()
        size += len(line)
        text = line.decode("utf-8", errors="replace").removeprefix("\ufeff").rstrip("\r\n")
        if line and (text.startswith("#") or not text.strip()):
            if text.startswith("# ") and not text.startswith("# %ECSV"):
                lines.append(text[2:])
            continue
        if not line:
            break
        return lines, size
    message = "a damaged ECSV file: it has no line with the names of its columns"
    raise FormatError(message)


def _with_objects(path: Path, batch_rows: int) -> Table:
    """Read a table with times, coordinates or objects, which only astropy can put together. It is held whole."""
    from dataclasses import replace

    from astropy.table import Table as AstropyTable

    from ssap_mirror.tables.objects import from_astropy

    try:
        with unpacked(path) as plain:
            table = AstropyTable.read(plain, format="ascii.ecsv")
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        message = f"a damaged ECSV file: {' '.join(str(error).split())[:300]}"
        raise FormatError(message) from error
    return replace(from_astropy(table, batch_rows), kind="ECSV", files=(path,))


def _field(column: AstropyColumn) -> pa.Field:
    import pyarrow as pa

    kind, dims = column.datatype, None
    if column.subtype and (shape := _SHAPE.fullmatch(column.subtype)):
        kind = shape["item"]
        dims = [word.strip() for word in shape["dims"].split(",")]
    said = dict(column.said)
    if "unit" in said:
        said["unit"] = vounit(said["unit"])
    if kind.startswith("complex"):
        # Pairs of real and imaginary part
        arrow = pa.list_(pa.float32() if kind == "complex64" else pa.float64(), 2)
        said["datatype"] = "floatComplex" if kind == "complex64" else "doubleComplex"
    elif kind in ("string", "json"):
        arrow = pa.string()
    elif kind in _ARROW:
        arrow = pa.type_for_alias(_ARROW[kind])
    else:
        message = f"column {column.name!r} has the datatype {kind!r}, which is not read"
        raise FormatError(message)
    if dims is not None:
        fixed = None if "null" in dims else [int(word) for word in dims]
        size = 1
        for number in fixed or []:
            size *= number
        arrow = pa.list_(arrow) if fixed is None else pa.list_(arrow, size)
    return arrow_field(column.name, arrow, **said)


def _values(
    cells: dict[str, pa.Array],
    name: str,
    described: dict[str, AstropyColumn],
    header: AstropyHeader,
    kind: pa.DataType,
) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = described[name]
    texts = cells[name]
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, texts.type), texts)
    try:
        if column.datatype == "string" and (column.subtype or "") != "" and "[" in str(column.subtype):
            values = _arrays(texts, kind)
        elif column.datatype.startswith("complex"):
            values = _complex(texts, kind)
        elif column.datatype == "bool":
            values = pa.array([None if text is None else _TRUTHS[text.lower()] for text in texts.to_pylist()], kind)
        else:
            values = texts.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError, TypeError, KeyError) as error:
        message = f"column {name!r} is not {column.subtype or column.datatype}: {' '.join(str(error).split())[:200]}"
        raise FormatError(message) from error
    if name in header.masks:
        masked = pc.equal(pc.utf8_lower(cells[header.masks[name]]), "true")
        values = pc.if_else(masked, pa.scalar(None, kind), values)
    return values


def _arrays(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    return pa.array([None if text is None else _flat(json.loads(text)) for text in texts.to_pylist()], kind)


def _flat(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [value]
    return [item for inner in value for item in _flat(inner)]


def _complex(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    numbers = [None if text is None else complex(text) for text in texts.to_pylist()]
    return pa.array([None if number is None else [number.real, number.imag] for number in numbers], kind)
