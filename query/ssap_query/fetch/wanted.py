"""A file that rows stand for, and what its address tells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

__all__ = ["DATALINK", "Wanted", "each_once", "is_datalink", "name_of"]

#: Media type of a list of links (DataLink 1.1 §3).
DATALINK = "application/x-votable+xml;content=datalink"

_LONGEST_NAME = 100


@dataclass(frozen=True)
class Wanted:
    """A file that rows stand for."""

    address: str
    """Where it is, which tells it from others; without a token."""
    rows: tuple[int, ...]
    """Numbers of its rows, from 0."""
    name: str
    """What its file may be called, as the address has it."""
    size_bytes: int | None = None
    """Its size as the rows have it, which is a guess of the service; None where they do not tell."""
    media_type: str = ""
    """Its media type as the rows have it."""
    semantics: str = "#this"
    """What it is to the rows, in a word of DataLink's vocabulary."""
    is_links: bool = False
    """Whether it is a list of links, which is read for what it names."""


def is_datalink(media_type: str) -> bool:
    """Whether a media type is that of a list of links."""
    return media_type.replace(" ", "").replace('"', "").lower() == DATALINK


def name_of(address: str) -> str:
    """Give the name of a file that an address ends with, fit for any disk."""
    parts = urlsplit(address)
    name = unquote(parts.path.rstrip("/")).rpartition("/")[2]
    if "." not in name:
        name = "-".join((name, *(value.rpartition("/")[2] for _, value in parse_qsl(parts.query))))
    return re.sub(r"[^\w.+-]+", "_", name)[-_LONGEST_NAME:].lstrip(".-_") or "file"


def each_once(found: Iterable[Wanted]) -> list[Wanted]:
    """Put those of one address together, with all of their rows."""
    files: dict[str, list[Wanted]] = {}
    for one in found:
        files.setdefault(one.address, []).append(one)
    return [_joined(same) for same in files.values()]


def _joined(same: Sequence[Wanted]) -> Wanted:
    first = same[0]
    rows = tuple(dict.fromkeys(row for one in same for row in one.rows))
    size = max((one.size_bytes for one in same if one.size_bytes is not None), default=None)
    return Wanted(first.address, rows, first.name, size, first.media_type, first.semantics, first.is_links)
