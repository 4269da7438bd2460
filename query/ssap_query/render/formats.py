"""The one way to write a result in any format, which its name, that of RESPONSEFORMAT or a file's ending tells."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from ssap_mirror.core.storage import replacing, translate_write_errors
from ssap_mirror.errors import ParameterError

from ssap_query.arrow.formats import FORMATS, Format
from ssap_query.render.renderable import Renderable

__all__ = ["chunks", "format_named", "format_of", "write"]

_PARAMETER = "format"


def _load(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(f"{__package__}.{module}"), function)
    return found


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
    """Format of a file by the ending of its name, before a ``.gz`` if it is to be packed.

    Raises
    ------
    ParameterError
        If the ending is of no format.
    """
    plain = Path(path).with_suffix("") if _is_packed(path) else Path(path)
    for known in FORMATS:
        if plain.suffix.lower() in known.suffixes and (known.packs or not _is_packed(path)):
            return known
    endings = ", ".join(suffix for known in FORMATS for suffix in known.suffixes[:1])
    raise ParameterError(_PARAMETER, os.fspath(path), f"ends in none of {endings}, so the format has to be named")


def _is_packed(path: str | os.PathLike[str]) -> bool:
    return Path(path).suffix.lower() == ".gz"


def chunks(result: Renderable, name: str) -> Iterator[bytes]:
    """Bytes of a result in a format, piece by piece; for what takes a stream (HTTP).

    Parameters
    ----------
    result : Renderable
        What to write.
    name : str
        Name of the format.

    Raises
    ------
    ParameterError
        If the format is not known.
    """
    made: Iterator[bytes] = _load(format_named(name).writer)(result)
    return made


def write(result: Renderable, target: str | os.PathLike[str] | IO[bytes], format: str | None = None) -> None:
    """Write a result to a file or a stream.

    A file appears under its name when all of it is written, so that a failure leaves what was there before.

    Parameters
    ----------
    result : Renderable
        What to write.
    target : path or binary file
        Where to.
    format : str, optional
        Name of the format; without it, the ending of the path says which, and a stream gets a VOTable. A path that
        ends in ``.gz`` is packed.

    Raises
    ------
    ParameterError
        If the format is not known.
    MirrorError
        If the file cannot be written.

    Warns
    -----
    LossWarning
        If the format cannot hold something that the result has.
    """
    if not isinstance(target, (str, os.PathLike)):
        target.writelines(chunks(result, format or FORMATS[0].name))
        return
    chosen = format_named(format) if format else format_of(target)
    path = Path(target)
    with translate_write_errors(path), replacing(path) as beside, beside.open("wb") as file:
        if _is_packed(path) and beside != path:
            # Without a time, so that the same rows give the same file.
            with gzip.GzipFile(path.stem, "wb", fileobj=file, mtime=0) as packed:
                packed.writelines(chunks(result, chosen.name))
        else:
            file.writelines(chunks(result, chosen.name))
