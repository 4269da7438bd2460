"""The parameters of SSA, one module a family; `REGISTRY` lists them all, and `interpret` reads a request with them."""

from ssap_query.ssap.columns import ALL_COLUMNS, Columns
from ssap_query.ssap.interpret import DEFAULT_MAXREC, Query, interpret
from ssap_query.ssap.parameter import Parameter
from ssap_query.ssap.params.position import DEFAULT_SIZE_DEG
from ssap_query.ssap.registry import REGISTRY, parameter
from ssap_query.ssap.values.cones import FIBRE, TARGET, Cone, Region, SkyPosition, cones_cover

__all__ = [
    "ALL_COLUMNS",
    "DEFAULT_MAXREC",
    "DEFAULT_SIZE_DEG",
    "FIBRE",
    "REGISTRY",
    "TARGET",
    "Columns",
    "Cone",
    "Parameter",
    "Query",
    "Region",
    "SkyPosition",
    "cones_cover",
    "interpret",
    "parameter",
]
