"""IPAC tables, as IRSA writes them: cells stand below the bars of four lines with names, types, units and nulls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ssap_mirror.errors import FormatError
from ssap_mirror.tables.cell_types import as_type
from ssap_mirror.tables.files import unpacked_stream
from ssap_mirror.tables.numpy_arrays import arrow_field
from ssap_mirror.tables.table import Ending, Table, arrow_errors
from ssap_mirror.tables.text.csv import cells_of
from ssap_mirror.tables.text.dialect import Dialect

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["open_ipac"]

_LONGEST_HEADER = 1 << 20
# Types may be abbreviated, down to one letter.
_TYPES = {"int": "int64", "integer": "int64", "long": "int64", "double": "double", "float": "double", "real": "double"}
_TYPES |= {"char": "string", "date": "string"}
# No character of a text file, so that each line is one cell
_NEVER = "\x1f"


@dataclass(frozen=True)
class _Field:
    """A column, and where its cells stand."""

    name: str
    kind: str
    unit: str
    null: str
    first: int
    end: int | None


def open_ipac(path: Path, batch_rows: int) -> Table:
    """Open an IPAC table. What equals the null of its column is NULL, and so is an empty cell.

    Raises
    ------
    FormatError
        If it is damaged.
    """
    import pyarrow as pa

    with unpacked_stream(path) as file:
        bars, size = _header(file)
    fields = {field.name: field for field in _fields(bars)}
    types = pa.schema([arrow_field(f.name, pa.type_for_alias(f.kind), unit=f.unit) for f in fields.values()])
    lines = Dialect(("line",), _NEVER, size, comments=False, quoted=False)
    ending = Ending()

    def read(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([types.field(name) for name in wanted])
        with arrow_errors(), cells_of(path, lines, ("line",), ending, ()) as blocks:
            for block in blocks:
                columns = [_values(block.column(0), fields[name]) for name in wanted]
                batch = pa.RecordBatch.from_arrays(columns, schema=schema)
                for start in range(0, batch.num_rows, batch_rows):
                    yield batch.slice(start, batch_rows)

    return Table("IPAC", types, read, files=(path,), ending=ending)


def _header(file: IO[bytes]) -> tuple[list[str], int]:
    """Lines with bars, and where the first row begins."""
    bars: list[str] = []
    size = 0
    while size < _LONGEST_HEADER:
        line = file.readline()
        text = line.decode("utf-8", errors="replace").rstrip("\r\n")
        if not line or not text.startswith(("\\", "|")):
            break
        size += len(line)
        if text.startswith("|"):
            bars.append(text)
    if not bars:
        message = "an IPAC table without the names of its columns"
        raise FormatError(message)
    return bars, size


def _fields(bars: Sequence[str]) -> Iterator[_Field]:
    edges = [match.start() for match in re.finditer(r"\|", bars[0])]
    if len(edges) < 2:
        message = "an IPAC table whose line of names has no second bar"
        raise FormatError(message)
    for first, end in pairwise(edges):
        name, kind, unit, null = (bars[line][first + 1 : end].strip() if line < len(bars) else "" for line in range(4))
        whole = [full for full in _TYPES if kind and full.startswith(kind.lower())]
        if kind and not whole:
            message = f"column {name!r} has the type {kind!r}, which IPAC tables do not have"
            raise FormatError(message)
        # The last column goes on to the end of the line.
        yield _Field(
            name=name,
            kind=_TYPES[whole[0]] if whole else "string",
            unit="" if unit == "-" else unit,
            null=null,
            first=first,
            end=None if end == edges[-1] else end,
        )


def _values(lines: pa.Array, field: _Field) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(lines, field.first, field.end))
    missing = pc.is_in(words, pa.array(["", field.null]))
    try:
        return as_type(pc.if_else(missing, pa.scalar(None, pa.string()), words), field.kind)
    except pa.ArrowInvalid as error:
        message = f"column {field.name!r} is not {field.kind}: {' '.join(str(error).split())[:200]}"
        raise FormatError(message) from error
