"""Pull the whole metadata table of a spectra service into a HEALPix-partitioned Parquet mirror.

`sync` does all of it for a service or a file; `build_mirror` makes a mirror of rows that are at hand, described by a
`Schema` of `Column`.

>>> import ssap_mirror
>>> report = ssap_mirror.sync("lamost6-mrs")  # doctest: +SKIP
>>> print(report.words())  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssap_mirror.core.schema import Column, Schema
    from ssap_mirror.pipeline.address import FileAddress, SsapAddress, TapAddress
    from ssap_mirror.pipeline.recipe import build_mirror
    from ssap_mirror.pipeline.sync import SyncOptions, sync
    from ssap_mirror.sources.source import RequestPolicy

__all__ = [
    "Column",
    "FileAddress",
    "RequestPolicy",
    "Schema",
    "SsapAddress",
    "SyncOptions",
    "TapAddress",
    "build_mirror",
    "sync",
]

# Loaded when first used, so that importing the package costs nothing.
_LAZY = {
    "Column": "ssap_mirror.core.schema",
    "FileAddress": "ssap_mirror.pipeline.address",
    "RequestPolicy": "ssap_mirror.sources.source",
    "Schema": "ssap_mirror.core.schema",
    "SsapAddress": "ssap_mirror.pipeline.address",
    "SyncOptions": "ssap_mirror.pipeline.sync",
    "TapAddress": "ssap_mirror.pipeline.address",
    "build_mirror": "ssap_mirror.pipeline.recipe",
    "sync": "ssap_mirror.pipeline.sync",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    found = getattr(import_module(_LAZY[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
