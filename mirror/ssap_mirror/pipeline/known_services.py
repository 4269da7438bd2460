"""The services that are known by name."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import ParameterError
from ssap_mirror.pipeline.address import Address, parse_address

if TYPE_CHECKING:
    from ssap_mirror.core.quantities.positions import Positions

__all__ = ["KnownService", "find_address", "find_service", "lamost6_mrs", "services"]


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
class KnownService:
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


def services() -> tuple[KnownService, ...]:
    """Services that are built in, in the order of ``data/services.toml``."""
    text = resources.files("ssap_mirror").joinpath("data/services.toml").read_text("utf-8")
    return tuple(KnownService(name=name, **entry) for name, entry in tomllib.loads(text).items())


def find_service(name: str) -> KnownService | None:
    """Find a service by its name; None if it is not built in."""
    return next((known for known in services() if known.name == name), None)


def find_address(
    service: str,
    source: str | Path | None = None,
    *,
    table: str | None = None,
    units: Mapping[str, str] | None = None,
    positions: Positions | None = None,
) -> Address:
    """Say where the rows of a service come from.

    Parameters
    ----------
    service : str
        Name of a built-in service, or any name if `source` is given.
    source : str or pathlib.Path, optional
        Address as for `ssap_mirror.pipeline.address.parse_address`, in place of the service's own.
    table : str, optional
        Table of a TAP service; the service's own without it.
    units : mapping of str to str, optional
        Units of columns of a file.
    positions : Positions, optional
        Which columns of a file are its positions.

    Raises
    ------
    ParameterError
        If the service is unknown and no source is given, or the source is no address.
    """
    known = find_service(service)
    if known is not None:
        url = known.url if source is None else source
        return parse_address(url, table=table or known.table, units=units, positions=positions)
    if source is None:
        built_in = ", ".join(item.name for item in services())
        reason = f"is no built-in service ({built_in}), and no source is given"
        raise ParameterError(name="service", value=service, reason=reason)
    return parse_address(source, table=table, units=units, positions=positions)
