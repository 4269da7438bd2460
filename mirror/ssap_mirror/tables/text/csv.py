"""CSV and its relatives: cells between commas, tabs, semicolons, bars or blanks; TSV as VizieR writes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.errors import FormatError
from ssap_mirror.tables.cell_types import NULL_WORDS, CellType, as_type, with_points
from ssap_mirror.tables.files import unpacked_stream
from ssap_mirror.tables.table import Ending, Table, arrow_errors, listed
from ssap_mirror.tables.text.cleaned import CleanedText
from ssap_mirror.tables.text.dialect import Dialect, recognize

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["cells_of", "open_csv"]

_BLOCK = 4 << 20
_BEGINNING = 1 << 16
_SAYS_NO_UNIT = ("", "-", "---")


def open_csv(path: Path, *, typed: bool, batch_rows: int) -> Table:
    """Open a CSV file (UTF-8) with the names of its columns in its first line, after comments.

    An empty cell and ``null`` are NULL, both in quotes are text; ``NaN`` in a column of numbers is NaN.

    Parameters
    ----------
    path : pathlib.Path
        Plain, or packed by gzip, bzip2, xz or zstd.
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

    with unpacked_stream(path) as file:
        dialect = recognize(file.read(_BEGINNING))
    unnamed = {number: f"col{number}" for number, name in enumerate(dialect.names, 1) if not name}
    notes = tuple(f"column {number} has no name and is called {name}" for number, name in unnamed.items())
    dialect = replace(dialect, names=tuple(unnamed.get(n, name) for n, name in enumerate(dialect.names, 1)))
    _refuse_doubled(dialect.names)
    ending = Ending()
    kinds, commas, blank = {name: pa.string() for name in dialect.names}, frozenset[str](), frozenset[str]()
    if not typed:
        kinds, commas, blank = _looked_at(path, dialect)
    if commas:
        notes = (*notes, f"decimal commas are read as points: {listed([n for n in dialect.names if n in commas])}")
    types = pa.schema([pa.field(name, kinds[name], metadata=_metadata(dialect, name)) for name in dialect.names])

    def read(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with arrow_errors(), cells_of(path, dialect, wanted, ending) as cells:
            for block in cells:
                columns = [
                    as_type(with_points(column) if name in commas else column, str(types.field(name).type))
                    for name, column in zip(wanted, block.columns, strict=True)
                ]
                batch = pa.RecordBatch.from_arrays(columns, schema=pa.schema([types.field(name) for name in wanted]))
                for start in range(0, batch.num_rows, batch_rows):
                    yield batch.slice(start, batch_rows)

    return Table("CSV", types, read, files=(path,), blank=blank, opening_notes=notes, ending=ending)


def _looked_at(path: Path, dialect: Dialect) -> tuple[dict[str, pa.DataType], frozenset[str], frozenset[str]]:
    """Find the types of the columns, those whose numbers have decimal commas, and those without any value."""
    plain = {name: CellType() for name in dialect.names}
    # Semicolons stand between cells where commas stand within numbers.
    with_comma = {name: CellType() for name in dialect.names if dialect.delimiter == ";"}
    with arrow_errors(), cells_of(path, dialect, dialect.names, Ending()) as cells:
        for block in cells:
            for name, column in zip(dialect.names, block.columns, strict=True):
                plain[name].look(column)
                if name in with_comma:
                    with_comma[name].look(with_points(column))
    kinds = {name: kind.found for name, kind in plain.items()}
    blank = frozenset(name for name, kind in plain.items() if kind.is_blank)
    if any(str(kind) == "double" for kind in kinds.values()):  # it has points, so commas are something else
        return kinds, frozenset(), blank
    found = {name: kind.found for name, kind in with_comma.items()}
    commas = frozenset(name for name, kind in found.items() if str(kind) == "double" != str(kinds[name]))
    return {**kinds, **{name: found[name] for name in commas}}, commas, blank


@contextmanager
def cells_of(
    path: Path, dialect: Dialect, names: Sequence[str], ending: Ending, null_words: Sequence[str] = NULL_WORDS
) -> Iterator[Iterator[pa.RecordBatch]]:
    """All cells of some columns as text, block by block.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    dialect : Dialect
        How it is written.
    names : sequence of str
        The columns.
    ending : Ending
        Takes notes.
    null_words : sequence of str
        Cells that are NULL, unless they are quoted.
    """
    import pyarrow as pa
    from pyarrow import csv

    with unpacked_stream(path) as file:
        # Positional names, for those of the file may be empty.
        numbered = [str(number) for number in range(len(dialect.names))]
        place = {name: number for number, name in enumerate(dialect.names)}
        try:
            reader = csv.open_csv(
                pa.PythonFile(CleanedText(file, dialect, ending), mode="r"),
                read_options=csv.ReadOptions(use_threads=False, block_size=_BLOCK, column_names=numbered),
                parse_options=csv.ParseOptions(
                    delimiter=dialect.delimiter,
                    quote_char='"' if dialect.quoted else False,
                    newlines_in_values=dialect.quoted,
                ),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(numbered, pa.string()),
                    include_columns=[numbered[place[name]] for name in names],
                    null_values=list(null_words),
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            if "Empty CSV file" not in str(error):
                raise
            yield iter(())
            return
        with reader:
            yield iter(reader)


def _refuse_doubled(names: Sequence[str]) -> None:
    doubled = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if doubled is not None:
        message = f"two of its columns are called {doubled!r}"
        raise FormatError(message)


def _metadata(dialect: Dialect, name: str) -> dict[str, str] | None:
    found = dict(dialect.described.get(name, {}))
    if dialect.units and (unit := dialect.units[dialect.names.index(name)]) not in _SAYS_NO_UNIT:
        found["unit"] = unit
    return found or None
