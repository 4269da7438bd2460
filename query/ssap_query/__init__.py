"""Ask a mirror what one would have asked the spectra service: SSAP semantics as DuckDB SQL.

>>> import ssap_query as ssap
>>> mirror = ssap.open("lamost6-mrs")  # doctest: +SKIP
>>> found = mirror.search(pos=(292.06, 43.93), size=0.2, snr=(20, None))  # doctest: +SKIP
>>> found.write("found.vot")  # doctest: +SKIP
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import MirrorError, ParameterError

if TYPE_CHECKING:
    from ssap_query.crossmatch import Positions, crossmatch
    from ssap_query.mirror import Mirror
    from ssap_query.mirror import open_mirror as open
    from ssap_query.result import ResultSet

__all__ = ["Mirror", "MirrorError", "ParameterError", "Positions", "ResultSet", "crossmatch", "open"]

# Loaded when first used, so that importing the package costs nothing.
_LAZY = {
    "Mirror": ("ssap_query.mirror", "Mirror"),
    "Positions": ("ssap_query.crossmatch", "Positions"),
    "ResultSet": ("ssap_query.result", "ResultSet"),
    "open": ("ssap_query.mirror", "open_mirror"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    module, attribute = _LAZY[name]
    found = getattr(import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """The package, in which `crossmatch` is the function although a subpackage of that name is loaded too."""

    @property
    def crossmatch(self) -> Any:
        return import_module("ssap_query.crossmatch").crossmatch

    @crossmatch.setter
    def crossmatch(self, subpackage: ModuleType) -> None:
        """Whatever loads the subpackage sets this; it is found in ``sys.modules`` all the same."""


sys.modules[__name__].__class__ = _Package
