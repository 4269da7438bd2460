"""How a text table is written: what stands between its cells, which lines are no rows, what its columns are called."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ssap_mirror.errors import FormatError

__all__ = ["Dialect", "recognize"]

_DELIMITERS = ",\t;|"
_LOOKED_AT = 20
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?\s*|\s*[-+]?(nan|inf)\s*", re.IGNORECASE)
_RULE = re.compile(r"[-+|\s,;]*-[-+|\s,;]*")
# As VizieR describes the columns of its TSV: #Column <tab> name <tab> (format) <tab> description <tab> [ucd=...]
_VIZIER_COLUMN = re.compile(r"#Column\t(?P<name>[^\t]*)\t[^\t]*\t(?P<text>[^\t]*)(?:\t\[ucd=(?P<ucd>[^\]]*)\])?")
_WORDS = re.compile(r'("[^"]*")|(\S+)')
_BOM = "\ufeff"


@dataclass(frozen=True)
class Dialect:
    """How a text table is written."""

    names: tuple[str, ...]
    """Of its columns, as they stand there."""
    delimiter: str
    """Between two cells, as the cleaned text has it."""
    head_bytes: int
    """Where the first row begins [byte]."""
    blanks: bool = False
    """Whether any number of blanks stand between two cells; the cleaned text has a tab."""
    trimmed: bool = False
    """Whether blanks after a delimiter belong to no cell."""
    comments: bool = False
    """Whether lines that begin with # are comments wherever they are."""
    quoted: bool = True
    """Whether cells may stand in double quotes."""
    units: tuple[str, ...] = ()
    """Unit of each column, where a line tells them."""
    described: dict[str, dict[str, str]] = field(default_factory=dict)
    """Column -> ``description`` and ``ucd``, where comments tell them."""
    end: bytes = b""
    """What a line begins with after which another table comes."""

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing but a line of names and rows, as every reader of CSV expects them."""
        return not (self.comments or self.blanks or self.units or self.described or self.end)


def recognize(beginning: bytes) -> Dialect:
    """Recognise how a text table is written from its first lines.

    Parameters
    ----------
    beginning : bytes
        Beginning of the file, or all of it.

    Raises
    ------
    FormatError
        If it has no names of columns, or is not UTF-8.
    """
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = "it is UTF-16 text; only UTF-8 is read"
        raise FormatError(message)
    # A character may be cut in two at the end.
    text = beginning.decode("utf-8", errors="replace")
    start, comments = _skip_comments(text)
    rest = text[start:]
    if not rest.strip():
        message = "it is empty" if not comments else "it has comments, and no line with the names of its columns"
        raise FormatError(message)
    delimiter = _delimiter(rest)
    records = _records(rest, delimiter)
    (names, end), following = records[0], records[1:]
    if _is_no_header(names) or _is_row_below(comments, delimiter, names):
        names = _names_in_comment(comments, delimiter, len(names))
        end = 0
    blanks = delimiter == " "
    trimmed = not blanks and (any(name[:1] == " " for name in names[1:]) or f'{delimiter} "' in rest)
    units: tuple[str, ...] = ()
    described = _vizier_columns(comments)
    if end and following and _RULE.fullmatch(delimiter.join(following[0][0])):
        end = following[0][1]
    elif end and len(following) > 1 and _RULE.fullmatch(delimiter.join(following[1][0])):
        units, end = tuple(unit.strip() for unit in following[0][0]), following[1][1]
    vizier = bool(described) or bool(units)
    return Dialect(
        names=tuple(name.strip().removeprefix(_BOM) for name in names),
        delimiter="\t" if blanks else delimiter,
        head_bytes=len(text[: start + end].encode()),
        blanks=blanks,
        trimmed=trimmed,
        comments=bool(comments),
        quoted=not vizier,
        units=units if len(units) == len(names) else (),
        described=described,
        end=b"#Table" if vizier else b"",
    )


def _skip_comments(text: str) -> tuple[int, list[str]]:
    """Where the first line is that is neither empty nor a comment, and the comments before it."""
    comments, start = [], len(_BOM) if text.startswith(_BOM) else 0
    while start < len(text):
        end = text.find("\n", start)
        line = text[start : end if end >= 0 else len(text)].strip()
        if line and not line.startswith("#"):
            break
        if line:
            comments.append(line)
        start = end + 1 if end >= 0 else len(text)
    return start, comments


def _delimiter(text: str) -> str:
    """Find what stands between the cells: what cuts the first lines into one number of cells, of more than one."""
    found: list[tuple[int, str]] = []
    fallback: list[tuple[int, str]] = []
    for delimiter in _DELIMITERS:
        widths = [len(cells) for cells, _ in _records(text, delimiter)]
        if widths[0] > 1:
            (found if len(set(widths)) == 1 else fallback).append((widths[0], delimiter))
    for choices in (found, fallback):
        if choices:
            return max(choices, key=lambda choice: choice[0])[1]
    widths = [len(cells) for cells, _ in _records(text, " ")]
    return " " if widths[0] > 1 and len(set(widths)) == 1 else ","


def _records(text: str, delimiter: str) -> list[tuple[list[str], int]]:
    """First records of a text and where each of them ends; one that may be cut off only if there is no other."""
    lines = text.splitlines(keepends=True)[: 5 * _LOOKED_AT]
    whole = lines if text.endswith("\n") and len(lines) == text.count("\n") else lines[:-1] or lines
    ends, position = [], 0
    for line in whole:
        position += len(line)
        ends.append(position)
    found = []
    for cells, line_number in _parsed(whole, delimiter):
        if any(cells):
            found.append((cells, ends[line_number - 1]))
        if len(found) == _LOOKED_AT:
            break
    return found


def _parsed(lines: Sequence[str], delimiter: str) -> Iterator[tuple[list[str], int]]:
    if delimiter == " ":
        for number, line in enumerate(lines, 1):
            cells = _parsed_words(line)
            if not line.startswith("#"):
                yield cells, number
        return
    reader = csv.reader(io.StringIO("".join(lines), newline=""), delimiter=delimiter, skipinitialspace=False)
    try:
        for cells in reader:
            if not (cells and cells[0].startswith("#")) or not len(cells) > 1:
                yield cells, reader.line_num
    except csv.Error as error:
        message = f"its first lines cannot be read as CSV: {error}"
        raise FormatError(message) from error


def _is_no_header(cells: Sequence[str]) -> bool:
    """Whether the cells are numbers, and not the numbers of the columns."""
    if not all(_NUMBER.fullmatch(cell) for cell in cells if cell.strip()):
        return False
    return [cell.strip() for cell in cells] != [str(number) for number in range(len(cells))]


def _is_row_below(comments: Sequence[str], delimiter: str, cells: Sequence[str]) -> bool:
    """Whether the last comment has the names of the columns: as many words, and a number in the cells below it."""
    names = _words(comments, delimiter)
    if len(names) != len(cells) or len(set(names)) != len(names) or any(_NUMBER.fullmatch(name) for name in names):
        return False
    return any(_NUMBER.fullmatch(cell) for cell in cells if cell.strip())


def _words(comments: Sequence[str], delimiter: str) -> list[str]:
    """Words of the last comment."""
    line = comments[-1].lstrip("#").strip() if comments else ""
    if delimiter == " ":
        return [word.strip('"') for word in _parsed_words(line)]
    return [word.strip() for word in next(csv.reader([line], delimiter=delimiter), [])]


def _parsed_words(line: str) -> list[str]:
    return [quoted or plain for quoted, plain in _WORDS.findall(line)]


def _names_in_comment(comments: Sequence[str], delimiter: str, columns: int) -> list[str]:
    """Names from the last comment, where they stand if rows come next (astropy's commented header, TOPCAT's ASCII)."""
    names = _words(comments, delimiter)
    if len(names) != columns or _is_no_header(names):
        message = "its first line has numbers, where the names of its columns are expected"
        raise FormatError(message)
    return names


def _vizier_columns(comments: Sequence[str]) -> dict[str, dict[str, str]]:
    found = (match for line in comments if (match := _VIZIER_COLUMN.match(line)))
    return {
        match["name"].strip(): {
            key: value.strip() for key, value in (("description", match["text"]), ("ucd", match["ucd"])) if value
        }
        for match in found
    }
