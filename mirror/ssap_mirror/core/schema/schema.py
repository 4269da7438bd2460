"""The columns of a table in order, and which of them play which part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.schema.column import Column
from ssap_mirror.core.schema.role_finding import find_roles
from ssap_mirror.core.schema.roles import ROLES

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["HEALPIX_COLUMN", "Schema"]

#: HATS spatial index: HEALPix NESTED cell of order 29 of the target position, int64.
HEALPIX_COLUMN = "_healpix_29"

# Roles of the columns that SSA 1.1 §4.2.5 has as mandatory, and of what tells rows apart.
_MANDATORY_ROLES = (
    *("identity", "obs_publisher_did", "access_url", "access_format", "target_name", "ra", "dec", "location"),
    *("t_mid", "t_min", "t_max", "em_mid", "em_extent", "em_min", "em_max"),
)


@dataclass(frozen=True)
class Schema:
    """The columns of a service in its own order, and which of them play which part."""

    columns: tuple[Column, ...]
    """In the service's order."""
    overrides: dict[str, str] = field(default_factory=dict)
    """Role -> column name where utype and UCD would not tell or would mislead; with an empty name, no column has it."""
    refused: dict[str, str] = field(default_factory=dict)
    """Role -> why the columns that seem to play it cannot be compared with anything, in a sentence."""
    volatile: frozenset[str] = frozenset()
    """Names of columns that a service fills anew for each request, as was seen when it was asked twice: a token in a
    link, a distance from POS. They say nothing of a row."""
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Column name -> its values that stand for a missing one by somebody's word, while rows are fetched."""

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def roles(self) -> dict[str, str]:
        """Role -> column name, for the roles that some column plays as it stands."""
        return find_roles(self.columns, self.overrides)

    def role(self, name: str) -> Column | None:
        """Column that plays a role, or None where the service has none."""
        if name not in ROLES:
            message = f"unknown role {name!r}"
            raise KeyError(message)
        column = self.roles.get(name)
        return None if column is None else self._by_name[column]

    @property
    def uncompared(self) -> frozenset[str]:
        """Names of columns that belong to a request, so that rows are compared without them."""
        score = self.role("score")
        return self.volatile if score is None else self.volatile | {score.name}

    def with_roles(
        self, roles: Mapping[str, str], added: Sequence[Column] = (), refused: Mapping[str, str] | None = None
    ) -> Schema:
        """Give columns their roles, and add columns; the schema itself if that changes nothing.

        Parameters
        ----------
        roles : mapping of str to str
            Role -> name of its column; empty for none.
        added : sequence of Column
            New columns, put last.
        refused : mapping of str to str, optional
            Role -> why it has no column although some seem to play it.
        """
        columns = (*self.columns, *added)
        found = find_roles(columns, self.overrides)
        own = {column.name for column in added}
        # A column that was made for a role has it by word, since others are known by more.
        new = {role: name for role, name in roles.items() if found.get(role, "") != name or name in own}
        if not (new or added or refused):
            return self
        return replace(
            self, columns=columns, overrides={**self.overrides, **new}, refused={**self.refused, **(refused or {})}
        )

    def up_to(self, verbosity: int) -> Schema:
        """Columns of at most this verbosity level (1 to 30), in order.

        Where none is of so low a level, since nobody has given levels, they are those that the standard wants in any
        case (SSA 1.1 §4.2.5), or all, if there are none of these either.
        """
        found = tuple(c for c in self.columns if c.verbosity <= verbosity)
        if not found:
            wanted = {self.roles[role] for role in _MANDATORY_ROLES if role in self.roles}
            shown = [c for c in self.columns if not c.is_hidden]
            found = tuple(c for c in shown if c.name in wanted) or tuple(shown)
        return replace(self, columns=found)

    def select(self, names: Iterable[str]) -> Schema:
        """Columns of these names, in the given order."""
        return replace(self, columns=tuple(self._by_name[name] for name in names))

    def arrow_schema(self) -> pa.Schema:
        """Arrow schema with the metadata of each field."""
        import pyarrow as pa

        return pa.schema([column.arrow_field() for column in self.columns])

    @classmethod
    def from_arrow(cls, schema: pa.Schema) -> Schema:
        """Read back what `arrow_schema` wrote; the spatial index is left out."""
        return cls(tuple(Column.from_arrow(f) for f in schema if f.name != HEALPIX_COLUMN))

    def to_json(self) -> list[dict[str, Any]]:
        """Plain values for a JSON document."""
        return [{key: value for key, value in asdict(c).items() if value is not None} for c in self.columns]

    @classmethod
    def from_json(
        cls,
        items: Iterable[dict[str, Any]],
        overrides: dict[str, str] | None = None,
        refused: dict[str, str] | None = None,
    ) -> Schema:
        """Inverse of `to_json`, with what is not said of single columns."""
        return cls(tuple(Column(**item) for item in items), overrides or {}, refused or {})
