"""The services that are known by name."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

from ssap_mirror.schema import Schema, lamost6_mrs

__all__ = ["Service", "services"]

_SCHEMAS: dict[str, Callable[[], Schema]] = {"lamost6_mrs": lamost6_mrs}


@dataclass(frozen=True)
class Service:
    """A service that can be mirrored by its name."""

    name: str
    """Name of the mirror: ``lamost6-mrs``."""
    title: str
    """For people."""
    kind: str
    """``ssap`` or ``tap``."""
    url: str
    """Endpoint."""
    table: str | None = None
    """Table to mirror, for TAP."""
    columns: str | None = None
    """Key of the schema that is known beforehand."""

    def schema(self) -> Schema | None:
        """Columns with exact verbosity levels and roles, or None where the service is asked for them."""
        return None if self.columns is None else _SCHEMAS[self.columns]()


def services() -> tuple[Service, ...]:
    """Services that are built in, in the order of ``data/services.toml``."""
    text = resources.files("ssap_mirror").joinpath("data/services.toml").read_text("utf-8")
    return tuple(Service(name=name, **entry) for name, entry in tomllib.loads(text).items())
