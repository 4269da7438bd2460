"""What is to be fetched, and how much of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from ssap_mirror.errors import ParameterError

__all__ = ["SOURCES", "FetchOptions", "Source"]

#: Where files come from.
Source = Literal["accref", "preview", "datalink", "lamost"]
SOURCES: tuple[Source, ...] = get_args(Source)

_RELEASE = re.compile(r"dr\d+/v\d+(\.\d+)*")


@dataclass(frozen=True)
class FetchOptions:
    """What is to be fetched, and how much of it."""

    source: Source = "accref"
    """``accref``: the spectra, by the address that each row has, through DataLink where that is what the address gives;
    ``preview``: pictures of them; ``datalink``: what the service links with each row; ``lamost``: LAMOST's own files,
    by the ``obsid`` of each row, from LAMOST's own server."""
    semantics: tuple[str, ...] = ("#this",)
    """Of what is linked, the words for what is fetched (DataLink 1.1 §3.2.6): ``#this``, ``#preview``; none is all."""
    release: str = "dr10/v2.0"
    """Data release and version of LAMOST's own files."""
    max_bytes: int = 1_000_000_000
    """Files that are larger than this together are not begun, or not gone on with [byte]."""
    offline: bool = False
    """Whether nothing is asked of any server: what is there is looked at alone."""

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            name = "source"
            raise ParameterError(name, self.source, f"is none of {', '.join(SOURCES)}")
        if not _RELEASE.fullmatch(self.release):
            name = "release"
            raise ParameterError(name, self.release, "is not of the form dr10/v2.0")
        if self.max_bytes < 0:
            name = "max_bytes"
            raise ParameterError(name, self.max_bytes, "is less than 0")
