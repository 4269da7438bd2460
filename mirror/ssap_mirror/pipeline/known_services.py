"""The services that are known by name."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from ssap_mirror.core.schema import Column, Schema

__all__ = ["Service", "lamost6_mrs", "services"]


def lamost6_mrs() -> Schema:
    """Columns of LAMOST DR6 MRS at the GAVO data centre.

    Returns
    -------
    Schema
        98 columns with the exact verbosity levels 1 to 30, from the service's own information page
        (http://dc.g-vo.org/lamost6/q/svc_mrs/info).
    """
    text = resources.files("ssap_mirror").joinpath("data/lamost6_mrs_columns.csv").read_text("utf-8")
    columns = []
    for row in csv.DictReader(text.splitlines()):
        values: dict[str, Any] = {key: value or None for key, value in row.items()}
        level, title = int(values.pop("verb_level")), values.pop("table_head")
        columns.append(Column(verbosity=level, title=title, **values))
    # location_ra/dec carry the main-position UCD too, but are float32: the target position is ra/dec.
    return Schema(tuple(columns), {"ra": "ra", "dec": "dec", "identity": "mobsid"})


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
