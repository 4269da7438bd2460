"""CSV files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import FormatError
from ssap_mirror.tables.tablefile import TableFile, arrow_errors

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["open_csv"]

_CSV_BLOCK = 4 << 20
_INTEGER = r"^-?(0|[1-9][0-9]*)$"
_NUMBER = r"^(-?(0|[1-9][0-9]*)?([.][0-9]*)?([eE][-+]?[0-9]+)?|NaN|nan|-?inf)$"
# A double keeps every whole number of so many digits.
_EXACT_DIGITS = 15


def open_csv(path: Path, *, typed: bool, batch_rows: int) -> TableFile:
    """Open a CSV file (RFC 4180, comma, UTF-8) with the names of its columns in its first line.

    An empty cell is NULL, an empty cell in quotes an empty string; ``NaN`` in a column of numbers is NaN.

    Parameters
    ----------
    path : pathlib.Path
        Plain, or compressed and named so.
    typed : bool
        Leave all columns as text, for somebody else to read. Else the whole file is looked at for types.
    batch_rows : int
        Largest number of rows in a batch.

    Raises
    ------
    FormatError
        If it is damaged.
    """
    import pyarrow as pa

    with arrow_errors(), _csv_reader(path, None) as reader:
        names = reader.schema.names
    if len(set(names)) < len(names):
        message = f"two of its columns are called {next(name for name in names if names.count(name) > 1)!r}"
        raise FormatError(message)
    types = pa.schema([(name, pa.string()) for name in names]) if typed else _inferred(path, names)

    def batches(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with arrow_errors(), _csv_reader(path, wanted) as reader:
            for block in reader:
                columns = [block.column(name).cast(types.field(name).type) for name in wanted]
                batch = pa.RecordBatch.from_arrays(columns, names=list(wanted))
                for start in range(0, batch.num_rows, batch_rows):
                    yield batch.slice(start, batch_rows)

    return TableFile("CSV", Schema.from_arrow(types), types, batches)


def _csv_reader(path: Path, names: Sequence[str] | None) -> pa.csv.CSVStreamingReader:
    """All cells as text: an empty one is NULL, an empty one in quotes is an empty string."""
    import pyarrow as pa
    from pyarrow import csv

    def opened(options: csv.ConvertOptions) -> csv.CSVStreamingReader:
        return csv.open_csv(
            pa.input_stream(str(path)),
            read_options=csv.ReadOptions(use_threads=False, block_size=_CSV_BLOCK),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=options,
        )

    with opened(csv.ConvertOptions()) as first:
        header = first.schema.names
    return opened(
        csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            include_columns=header if names is None else list(names),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
    )


def _inferred(path: Path, names: Sequence[str]) -> pa.Schema:
    """Types that all cells of a CSV file fit: whole numbers, other numbers, or text.

    What is not written as a number would be (a zero in front), or has more digits than a number keeps, is text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = [pa.int64(), pa.float64(), pa.string()]
    ranks = dict.fromkeys(names, -1)
    long_integers = set()
    with arrow_errors(), _csv_reader(path, names) as reader:
        for block in reader:
            for name in names:
                cells = block.column(name).drop_null()
                if not len(cells) or ranks[name] == len(kinds) - 1:
                    continue
                fits = [_fits(cells, _INTEGER, kinds[0]), _fits(cells, _NUMBER, kinds[1]), True]
                whole = cells.filter(pc.match_substring_regex(cells, _INTEGER))
                fits[1] = fits[1] and _fits(whole, _INTEGER, kinds[0])
                if pc.any(pc.greater(pc.utf8_length(whole), _EXACT_DIGITS)).as_py():
                    long_integers.add(name)
                ranks[name] = max(ranks[name], fits.index(True))
    for name in long_integers:
        ranks[name] = 2 if ranks[name] == 1 else ranks[name]
    return pa.schema([(name, kinds[rank]) for name, rank in ranks.items()])


def _fits(cells: pa.Array, pattern: str, kind: pa.DataType) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.all(pc.match_substring_regex(cells, pattern)).as_py() and len(cells):
        return False
    try:
        cells.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True
