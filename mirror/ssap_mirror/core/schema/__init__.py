"""Columns, what they are called and mean, and which parts they play.

The columns' own names (``ssa_specstart``) live here and in the service's answers alone. The rest of the code asks for
a *role* (``em_min``), which is found by utype, UCD or a name that is fixed (`ssap_mirror.core.schema.roles`).
"""

from ssap_mirror.core.schema.column import UNLISTED, Column
from ssap_mirror.core.schema.roles import ROLES
from ssap_mirror.core.schema.schema import HEALPIX_COLUMN, Schema

__all__ = ["HEALPIX_COLUMN", "ROLES", "UNLISTED", "Column", "Schema"]
