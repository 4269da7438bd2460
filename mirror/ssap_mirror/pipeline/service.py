"""A service that can be mirrored by its name: where it is, and what it needs that it does not say itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ssap_mirror.core.schema import Schema
from ssap_mirror.pipeline.address import KINDS, Address, FileAddress
from ssap_mirror.pipeline.known_columns import KNOWN_COLUMNS
from ssap_mirror.sources.corrections import Corrections
from ssap_mirror.sources.source import RequestPolicy
from ssap_mirror.sources.ssap.habits import Habits

__all__ = ["KnownService"]

# Beside these, an entry says what the rows are.
_FOR_PEOPLE = ("title", "note", "untried")


@dataclass(frozen=True)
class KnownService:
    """A service that can be mirrored by its name; its fields are keys of ``services.toml``, but for the address."""

    name: str
    """Name of the mirror: ``lamost6-mrs``."""
    address: Address
    """Where its rows come from."""
    title: str = ""
    """For people; the name without it."""
    columns: str | None = None
    """Key of the columns that are known beforehand (`ssap_mirror.pipeline.known_columns`)."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """Role -> name of its column, where utype, UCD and name do not tell."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Column -> its unit, where the service is silent or wrong."""
    nulls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column -> its values that stand for a missing one, as texts."""
    identity: str | None = None
    """Column that tells rows apart."""
    parameters: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    """Parameters that every request has to have, and their values."""
    size_is_radius: bool | None = None
    """Whether SIZE is read as a radius."""
    max_size: float | None = None
    """Largest SIZE [deg]."""
    max_rows: int | None = None
    """Rows of an answer at most."""
    pace: Mapping[str, float] = field(default_factory=dict)
    """How the publisher wants to be asked: fields of `RequestPolicy`."""
    note: str = ""
    """What one should know before one mirrors it."""
    untried: bool = False
    """Whether nobody has mirrored it so far."""
    said_in: str = field(default="", compare=False)
    """File that says so; empty where it is built in."""

    @property
    def kind(self) -> str:
        """``ssap``, ``tap`` or ``file``."""
        return self.address.kind

    def schema(self) -> Schema | None:
        """Columns with exact verbosity levels and roles, or None where the service is asked for them."""
        return None if self.columns is None else KNOWN_COLUMNS[self.columns]()

    @property
    def corrections(self) -> Corrections:
        """What is said of its columns."""
        identity = {} if self.identity is None else {"identity": self.identity}
        said_by = f"{self.said_in}: [{self.name}] " if self.said_in else ""
        return Corrections({**self.roles, **identity}, self.units, self.nulls, said_by)

    @property
    def habits(self) -> Habits:
        """What is said of its needs and limits."""
        pairs = [
            (name, value)
            for name, values in self.parameters.items()
            for value in ((values,) if isinstance(values, str) else values)
        ]
        return Habits(tuple(pairs), self.size_is_radius, self.max_size, self.max_rows)

    def policy(self, wanted: RequestPolicy | None = None) -> RequestPolicy:
        """Behave as the publisher wants, wherever the user does not say otherwise.

        Parameters
        ----------
        wanted : RequestPolicy, optional
            The user's; its fields that are not the default count.
        """
        usual, wanted = RequestPolicy(), wanted or RequestPolicy()
        left_open = {key: value for key, value in self.pace.items() if getattr(wanted, key) == getattr(usual, key)}
        kept = replace(wanted, **left_open)  # type: ignore[arg-type]
        if self.max_rows is None:
            return kept
        # A job or a slice may hold twice as many rows as it is planned for.
        half = max(self.max_rows // 2, 1)
        return replace(kept, slice_rows=min(kept.slice_rows, half), job_rows=min(kept.job_rows, half))

    def moved_to(self, address: Address) -> KnownService:
        """Put the service at another address; what has no meaning there goes."""
        usual = KnownService("", address)
        known = {item.name for item in fields(self)}
        idle = {key for kind in KINDS.values() for key in kind.own_keys if key in known} - {*address.own_keys}
        pace = {wish: value for wish, value in self.pace.items() if wish not in address.idle_wishes}
        moved = replace(self, address=address, said_in="", pace=pace, **{key: getattr(usual, key) for key in idle})
        if not isinstance(address, FileAddress):
            return moved
        # Relative to nothing: the mirror is refreshed from wherever one is.
        absolute = replace(address, path=address.path.expanduser().absolute())
        return replace(moved, address=absolute).with_units(address.units)

    def with_units(self, units: Mapping[str, str]) -> KnownService:
        """Give columns units, beside those that they have; those of a file are read by them."""
        told = {**self.units, **units}
        address = self.address
        if isinstance(address, FileAddress):
            address = replace(address, units=told)
        return replace(self, units=told, address=address)

    def to_entry(self) -> dict[str, Any]:
        """Keys and values of a table of ``services.toml``, without what is as usual."""
        usual, entry = KnownService("", self.address), self.address.to_entry()
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in ("name", "address", "said_in") or value == getattr(usual, item.name):
                continue
            if isinstance(value, Mapping):
                value = {key: list(one) if isinstance(one, tuple) else one for key, one in value.items()}
            entry[item.name] = value
        return entry

    def facts(self) -> dict[str, Any]:
        """Say what of its entry decides which rows come, and what they are."""
        left_out = (*_FOR_PEOPLE, "pace", "max_rows", "max_size")
        return {key: value for key, value in self.to_entry().items() if key not in left_out}
