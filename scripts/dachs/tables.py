"""The two tables behind the fixture's services, and under which names the database holds their columns."""

from __future__ import annotations

from dataclasses import dataclass

from ssap_mirror.core.schema import Schema
from ssap_mirror.pipeline.known_services import lamost6_mrs

from scripts.rows.synthetic.lrs import LRS_SCHEMA

# SSA columns that the raw table holds under their own names; the view gives the others theirs.
_SAME_NAME = (
    *("ssa_location", "ssa_region", "ssa_dateObs", "ssa_timeExt", "ssa_snr"),
    *("ssa_specstart", "ssa_specend", "ssa_targname"),
)
# Columns that the server derives, or that are the same for the whole table.
_NOT_STORED = (
    *("ssa_score", "location_ra", "location_dec", "preview", "ssa_pubDID", "ssa_specmid", "ssa_specext"),
    *("ssa_csysName", "ssa_model", "ssa_spectralucd", "ssa_spectralunit", "ssa_fluxucd", "ssa_fluxunit"),
    *("ssa_timeSI", "ssa_spectralSI", "ssa_fluxSI"),
)


@dataclass(frozen=True)
class RawTable:
    """A table that holds rows."""

    name: str
    """Name in its schema."""
    view: str
    """Name of the SSA view over it."""
    schema: Schema
    """The service's columns."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The service's names of the columns that are stored."""
        return tuple(name for name in self.schema.names if name not in _NOT_STORED)

    def is_renamed(self, name: str) -> bool:
        """Whether the raw table holds a column under another name."""
        return name.startswith("ssa_") and name not in _SAME_NAME

    def raw_name(self, name: str) -> str:
        """Name of a column in the raw table."""
        return "v_" + name.removeprefix("ssa_").lower() if self.is_renamed(name) else name


MRS = RawTable("raw_mrs", "ssa_mrs", lamost6_mrs())
LRS = RawTable("raw_lrs", "ssa_lrs", LRS_SCHEMA)
