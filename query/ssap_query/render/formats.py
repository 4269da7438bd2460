"""The formats by name, media type and file ending, and the one way to write any of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO

from ssap_mirror.core.storage import replacing
from ssap_mirror.errors import MirrorError, ParameterError

from ssap_query.render.answer import Answer

__all__ = ["FORMATS", "Format", "chunks", "format_named", "format_of", "write"]

_PARAMETER = "format"


@dataclass(frozen=True)
class Format:
    """One way to write an answer."""

    name: str
    """What the command line calls it."""
    response_format: str
    """Canonical name of RESPONSEFORMAT (`ssap_query.ssap.params.control.RESPONSE_FORMATS`)."""
    media_type: str
    """For HTTP."""
    suffixes: tuple[str, ...]
    """Endings of file names, the usual one first; none if another format has it."""
    writer: str
    """Module and function, loaded when first used: a cold start pays for no other format."""
    tells_status: bool
    """Whether truncation is told within the format."""

    def chunks(self, answer: Answer) -> Iterator[bytes]:
        """Bytes of an answer, piece by piece."""
        module, _, function = self.writer.partition(":")
        made: Iterator[bytes] = getattr(import_module(f"{__package__}.{module}"), function)(answer)
        return made


_VOTABLE = "application/x-votable+xml"

#: All formats; the first one is the default.
FORMATS = (
    Format("votable", "votable/td", _VOTABLE, (".vot", ".xml", ".votable"), "votable.document:tabledata_chunks", True),
    Format("binary2", "votable/b2", f"{_VOTABLE};serialization=binary2", (), "votable.document:binary2_chunks", True),
    Format("binary", "votable/b", f"{_VOTABLE};serialization=binary", (), "votable.document:binary_chunks", True),
    Format("fits", "fits", "application/fits", (".fits", ".fit"), "fits:fits_chunks", True),
    Format("csv", "csv", "text/csv;header=present", (".csv",), "delimited:csv_chunks", False),
    Format("csv-bare", "csv/bare", "text/csv;header=absent", (), "delimited:bare_csv_chunks", False),
    Format("tsv", "tsv", "text/tab-separated-values", (".tsv", ".tab"), "delimited:tsv_chunks", False),
    Format("ecsv", "ecsv", "text/x-ecsv", (".ecsv",), "ecsv:ecsv_chunks", True),
    Format("parquet", "parquet", "application/vnd.apache.parquet", (".parquet", ".pq"), "parquet:parquet_chunks", True),
    Format("json", "json", "application/json", (".json",), "json_text:json_chunks", True),
    Format("text", "txt", "text/plain;charset=utf-8", (".txt",), "text:text_chunks", True),
    Format("html", "html", "text/html;charset=utf-8", (".html", ".htm"), "html:html_chunks", True),
)


def format_named(name: str) -> Format:
    """Format of a name, its own or that of RESPONSEFORMAT.

    Raises
    ------
    ParameterError
        If there is none.
    """
    for known in FORMATS:
        if name.lower() in (known.name, known.response_format):
            return known
    raise ParameterError(_PARAMETER, name, f"is none of {', '.join(known.name for known in FORMATS)}")


def format_of(path: str | os.PathLike[str]) -> Format:
    """Format of a file by the ending of its name.

    Raises
    ------
    ParameterError
        If the ending is of no format.
    """
    suffix = Path(path).suffix.lower()
    for known in FORMATS:
        if suffix in known.suffixes:
            return known
    endings = ", ".join(suffix for known in FORMATS for suffix in known.suffixes[:1])
    raise ParameterError(_PARAMETER, os.fspath(path), f"ends in none of {endings}, so the format has to be named")


def chunks(answer: Answer, name: str) -> Iterator[bytes]:
    """Bytes of an answer in a format, piece by piece; for what takes a stream (HTTP).

    Parameters
    ----------
    answer : Answer
        What to write.
    name : str
        Name of the format.

    Raises
    ------
    ParameterError
        If the format is not known.
    """
    return format_named(name).chunks(answer)


def write(answer: Answer, target: str | os.PathLike[str] | IO[bytes], format: str | None = None) -> None:
    """Write an answer to a file or a stream.

    A file appears under its name when all of it is written, so that a failure leaves what was there before.

    Parameters
    ----------
    answer : Answer
        What to write.
    target : path or binary file
        Where to.
    format : str, optional
        Name of the format; without it, the ending of the path says which, and a stream gets a VOTable.

    Raises
    ------
    ParameterError
        If the format is not known.
    MirrorError
        If the file cannot be written.

    Warns
    -----
    LossWarning
        If the format cannot hold something that the answer has.
    """
    if not isinstance(target, (str, os.PathLike)):
        target.writelines((format_named(format) if format else FORMATS[0]).chunks(answer))
        return
    chosen = format_named(format) if format else format_of(target)
    path = Path(target)
    try:
        with replacing(path) as beside, beside.open("wb") as file:
            file.writelines(chosen.chunks(answer))
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise MirrorError(message) from error
