"""Numbers that requests are compared with, worked out where a service has them in another form.

A band in nanometres or energies, a date in text, an exposure in minutes become columns with a leading underscore, in
the units of SSA 1.1; the service's own columns stay as they are. Which of several columns of one role counts is known
when all rows have been seen: one that is empty leaves its role to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ssap_mirror.build.placement import Placer
from ssap_mirror.core.quantities.dates import DateColumn
from ssap_mirror.core.quantities.find import NUMBERS, candidates
from ssap_mirror.core.quantities.reading import Candidates, Reading
from ssap_mirror.core.schema import UNLISTED, Column, Schema
from ssap_mirror.core.schema.roles import UNITS
from ssap_mirror.core.times import MAX_MJD

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["HiddenColumns", "Survey", "foreseen_schema"]

#: Quantity -> the roles that it has; a number is its own.
_ROLES = {"time": ("t_min", "t_max", "t_mid"), "band": ("em_min", "em_max"), **{role: (role,) for role in NUMBERS}}
_DESCRIPTIONS = {
    "t_min": "Beginning of the observation, MJD (UTC)",
    "t_max": "End of the observation, MJD (UTC)",
    "t_mid": "Middle of the observation, MJD (UTC)",
    "t_exptime": "Exposure",
    "em_min": "Shortest wavelength in vacuum",
    "em_max": "Longest wavelength in vacuum",
    "em_res": "Spectral resolution",
    "em_res_power": "Spectral resolving power",
    "aperture": "Diameter of the aperture",
    "s_resolution": "Spatial resolution",
    "t_resolution": "Time resolution",
    "snr": "Signal to noise",
    "redshift": "Redshift",
    "var_ampl": "Variability amplitude",
}


@dataclass(frozen=True)
class HiddenColumns:
    """The columns that a snapshot has beside the service's."""

    schema: Schema
    """The service's columns, the hidden ones behind them, and all roles."""
    worked_out: tuple[tuple[Reading, tuple[str, ...]], ...]
    """Each way to read that is used, and the roles that it gives, in the order of the hidden columns."""

    def add_to(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows with the hidden columns; NULL where a value is not known."""
        import pyarrow as pa

        arrays, names = list(rows.columns), list(rows.schema.names)
        for reading, roles in self.worked_out:
            values = reading.values(rows)
            arrays += [pa.array(values[role], from_pandas=True) for role in roles]
            names += [self.schema.roles[role] for role in roles]
        return pa.RecordBatch.from_arrays(arrays, names=names)


@dataclass
class _Contest:
    """The ways to read one quantity, and which of them have found something."""

    found: Candidates
    best: int | None = None
    """Which reading is the best that has found a value."""
    strange: list[float] = field(default_factory=list)
    """Least and largest date that is none."""

    def look(self, quantity: str, rows: pa.RecordBatch) -> None:
        """Find out whether better columns than the best so far hold something in these rows."""
        for number, reading in enumerate(self.found.readings[: self.best]):
            values = np.concatenate(list(reading.values(rows).values()))
            known = values[np.isfinite(values)]
            if quantity == "time":
                odd = known[np.abs(known) > MAX_MJD]
                if len(odd):
                    self.strange = _extremes([*self.strange, float(odd.min()), float(odd.max())])
                known = known[np.abs(known) <= MAX_MJD]
            if len(known):
                self.best = number
                return


def foreseen_schema(schema: Schema) -> Schema:
    """Columns and roles that a snapshot of a service will have, if the best columns for each hold something."""
    return Survey(Placer(schema).schema).hidden_columns().schema


class Survey:
    """Looks through all rows of a service for what its columns hold.

    Parameters
    ----------
    schema : Schema
        The service's columns, with those that `ssap_mirror.build.placement.Placer` has derived.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._contests = {quantity: _Contest(candidates(schema, quantity)) for quantity in _ROLES}

    def add(self, rows: pa.RecordBatch) -> None:
        """Look at some rows; a quantity whose best columns have held a value is not looked at again."""
        for quantity, contest in self._contests.items():
            contested = len(contest.found.readings) > 1 or quantity == "time"
            if contested and contest.best != 0:
                contest.look(quantity, rows)

    def hidden_columns(self) -> HiddenColumns:
        """Decide which columns count, and which have to be worked out."""
        roles: dict[str, str] = {}
        refused: dict[str, str] = {}
        added: list[Column] = []
        worked_out = []
        for quantity, contest in self._contests.items():
            own = _ROLES[quantity]
            roles.update(dict.fromkeys(own, ""))
            if not contest.found.readings:
                if contest.found.refusals:
                    refused.update(dict.fromkeys(own, "; ".join(contest.found.refusals)))
                continue
            if contest.best is None and contest.strange:
                low, high = contest.strange
                words = contest.found.readings[0].words
                reason = f"the dates of {words}, {low:,.10g} to {high:,.10g}, are no MJD of our millennium"
                refused.update(dict.fromkeys(own, reason))
                continue
            reading = contest.found.readings[contest.best or 0]
            roles.update(reading.as_is)
            missing = self._missing(quantity, reading, roles)
            added += [_column(role, reading, self._schema, added) for role in missing]
            roles.update(zip(missing, (column.name for column in added[len(added) - len(missing) :]), strict=True))
            if missing:
                worked_out.append((reading, missing))
        return HiddenColumns(self._schema.with_roles(roles, added, refused), tuple(worked_out))

    def _missing(self, quantity: str, reading: Reading, roles: dict[str, str]) -> tuple[str, ...]:
        """Roles of a quantity that no column plays as it stands, and that are needed."""
        if not reading.as_is:
            return _ROLES[quantity]
        if "t_min" not in reading.as_is or quantity != "time":
            return ()
        # Start and stop win, but whoever wants one date wants the middle.
        middle = self._schema.roles.get("t_mid")
        if middle is not None and DateColumn.of(self._schema[middle]).is_mjd:
            roles["t_mid"] = middle
            return ()
        return ("t_mid",)


def _extremes(values: list[float]) -> list[float]:
    return [min(values), max(values)]


def _column(role: str, reading: Reading, schema: Schema, added: list[Column]) -> Column:
    name = f"_{role}"
    taken = {*schema.names, *(column.name for column in added)}
    while name in taken:
        name += "_mirror"
    return Column(
        name=name,
        datatype="double",
        unit=UNITS[role] or None,
        description=f"{_DESCRIPTIONS[role]}, worked out by the mirror from {reading.words}",
        verbosity=UNLISTED,
    )
