"""Ask a mirror what one would have asked the spectra service: SSAP semantics as DuckDB SQL.

>>> import ssap_query as ssap
>>> mirror = ssap.open("lamost6-mrs")  # doctest: +SKIP
>>> found = mirror.search(pos=(292.06, 43.93), size=0.2, snr=(20, None))  # doctest: +SKIP
>>> found.write("found.vot")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ssap_mirror.errors import MirrorError, ParameterError

if TYPE_CHECKING:
    from ssap_query.mirror.interfaces.cones import read_cones
    from ssap_query.mirror.mirror import Mirror
    from ssap_query.mirror.mirror import open_mirror as open
    from ssap_query.mirror.result import ResultSet
    from ssap_query.xmatch import Positions, crossmatch

__all__ = ["Mirror", "MirrorError", "ParameterError", "Positions", "ResultSet", "crossmatch", "open", "read_cones"]

# Loaded when first used, so that importing the package costs nothing.
_LAZY = {
    "Mirror": ("ssap_query.mirror.mirror", "Mirror"),
    "Positions": ("ssap_query.xmatch", "Positions"),
    "ResultSet": ("ssap_query.mirror.result", "ResultSet"),
    "crossmatch": ("ssap_query.xmatch.api", "crossmatch"),
    "open": ("ssap_query.mirror.mirror", "open_mirror"),
    "read_cones": ("ssap_query.mirror.interfaces.cones", "read_cones"),
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
