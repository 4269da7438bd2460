"""The services that are known by name: those that are built in, and one's own in ``services.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ssap_mirror.core import layout
from ssap_mirror.errors import ParameterError
from ssap_mirror.pipeline.address import (
    Address,
    FileAddress,
    PublishedAddress,
    SsapAddress,
    TapAddress,
    parse_address,
)
from ssap_mirror.pipeline.known_columns import lamost6_mrs
from ssap_mirror.pipeline.remembered import remembered_entry, source_entry
from ssap_mirror.pipeline.service import KnownService
from ssap_mirror.pipeline.services_file import entries_of, is_mirror_name, read_entry, read_parameters

if TYPE_CHECKING:
    from ssap_mirror.core.quantities.positions import Positions

__all__ = ["entry_to_remember", "find_service", "find_source", "lamost6_mrs", "services"]

_SERVICE = "service"


def services(home: Path | None = None) -> tuple[KnownService, ...]:
    """Services that are known by name.

    Parameters
    ----------
    home : pathlib.Path, optional
        Folder of the mirrors; `ssap_mirror.core.layout.default_home` without it.

    Returns
    -------
    tuple of KnownService
        Those of ``services.toml`` in that folder, in its order, then those that are built in.

    Raises
    ------
    ParameterError
        If ``services.toml`` cannot be read.
    """
    own = {name: _own(name, entry, _file(home)) for name, entry in entries_of(_file(home)).items()}
    return (*own.values(), *(read_entry(name, entry) for name, entry in _built_in().items() if name not in own))


def find_service(name: str, home: Path | None = None) -> KnownService | None:
    """Find a service by its name; None if it is neither one's own nor built in.

    Parameters
    ----------
    name : str
        Of the service.
    home : pathlib.Path, optional
        Folder of the mirrors.

    Raises
    ------
    ParameterError
        If ``services.toml`` cannot be read, or what it says of the service cannot be.
    """
    own = entries_of(_file(home))
    if name in own:
        return _own(name, own[name], _file(home))
    return read_entry(name, _built_in()[name]) if name in _built_in() else None


def find_source(
    service: str,
    source: str | Path | Address | None = None,
    *,
    name: str | None = None,
    home: Path | None = None,
    columns_of: str | None = None,
    table: str | None = None,
    where: str | None = None,
    units: Mapping[str, str] | None = None,
    nulls: Mapping[str, tuple[str, ...]] | None = None,
    parameters: Mapping[str, tuple[str, ...]] | None = None,
    positions: Positions | None = None,
) -> KnownService:
    """Say where the rows of a service come from, and what is known of it.

    Without a source that is what ``services.toml`` says of the service, or what its mirror remembers, or what is built
    in, in this order.

    Parameters
    ----------
    service : str
        Name of a service, or any name if `source` is given.
    source : str, pathlib.Path or Address, optional
        Address as for `ssap_mirror.pipeline.address.parse_address`, in place of the service's own.
    name : str, optional
        Name of the mirror; the service's without it.
    home : pathlib.Path, optional
        Folder of the mirrors.
    columns_of : str, optional
        Service of which the columns are those of the rows, where it is not `service`; it has to be known.
    table : str, optional
        Table of a TAP service; the service's own without it.
    where : str, optional
        Condition in ADQL that all rows of such a table have to meet.
    units : mapping of str to str, optional
        Units of its columns, beside those that are known.
    nulls : mapping of str to tuple of str, optional
        Values of its columns that stand for a missing one, beside those that are known.
    parameters : mapping of str to tuple of str, optional
        Parameters of every request to an SSAP service and their values, beside those that are known.
    positions : Positions, optional
        Which columns of a file are its positions.

    Raises
    ------
    ParameterError
        If the service is unknown and no source is given, or the source is no address, or ``services.toml`` cannot be
        read; or if something is said that such a source does not have, or a parameter is one that a harvest sets.
    """
    service = columns_of or service
    known = find_service(service, home)
    if source is None:
        if (name or service) == service:
            known = _as_before(service, home, known)
        if known is None:
            raise ParameterError(_SERVICE, service, _unknown(service, home))
        if positions is None and not any((table, where, units, nulls, parameters)):
            return known
        source = known.address
    elif columns_of is not None and known is None:
        raise ParameterError(_SERVICE, columns_of, _unknown(columns_of, home))
    if isinstance(source, (str, Path)):
        table = table or _usual_table(known, str(source))
        source = parse_address(source, table=table, where=where or "", units=units, positions=positions)
    else:
        source = _changed(source, table, where, positions)
    moved = (known or KnownService(service, source)).moved_to(source)
    if columns_of is not None and known is not None and known.columns != moved.columns:
        reason = f"is said to have the columns of the rows, but a source of kind {moved.kind!r} tells its own"
        raise ParameterError(_SERVICE, columns_of, reason)
    always = read_parameters(parameters, moved) if parameters else {}
    return replace(
        moved.with_units(units or {}),
        nulls={**moved.nulls, **(nulls or {})},
        parameters={**moved.parameters, **always},
    )


def _usual_table(known: KnownService | None, source: str) -> str | None:
    """Table of a service on TAP that is asked for at another address, which does not name one."""
    parts = urlsplit(source)
    if known is None or not isinstance(known.address, TapAddress) or parts.scheme not in ("http", "https"):
        return None
    return None if parts.fragment else known.address.table


def _changed(address: Address, table: str | None, where: str | None, positions: Positions | None) -> Address:
    """Take an address, with another table, condition or positions where they are given."""
    match address:
        case FileAddress(path, units, usual):
            return parse_address(path, table=table, where=where or "", units=units, positions=positions or usual)
        case TapAddress(url, own, condition):
            # A condition is about the columns of its table.
            usual_where = condition if table in (None, own) else ""
            return parse_address(url, table=table or own, where=where or usual_where, positions=positions)
        case SsapAddress(url):
            return parse_address(url, table=table, where=where or "", positions=positions)
        case PublishedAddress(url):
            if table is None and not where and positions is None:
                return address
            # Refused as for an SSAP service, but for a table: it is then one of a TAP service at that address.
            return parse_address(url, table=table, where=where or "", positions=positions)


def entry_to_remember(service: KnownService, home: Path | None = None) -> dict[str, Any]:
    """Say where rows came from, for `ssap_mirror.pipeline.remembered`.

    Parameters
    ----------
    service : KnownService
        That was mirrored.
    home : pathlib.Path, optional
        Folder of the mirrors.

    Returns
    -------
    dict
        Its entry; with its ``name`` if it is known by that, so that an address which is mended later counts.
    """
    named = {"name": service.name} if find_service(service.name, home) == service else {}
    return {**named, **service.to_entry()}


def _as_before(service: str, home: Path | None, known: KnownService | None) -> KnownService | None:
    """Take what ``services.toml`` says, or a mirror remembers, or is built in."""
    mirror = layout.mirror_dir(home or layout.default_home(), service)
    if (known is not None and known.said_in) or not is_mirror_name(service):
        return known
    entry = remembered_entry(mirror)
    if entry is None:
        entry = source_entry(mirror) if known is None else None
    if entry is None:
        return known
    by_name = find_service(entry.pop("name"), home) if "name" in entry else None
    return by_name or replace(read_entry(service, entry), said_in=f"the last sync of {service}")


def _unknown(name: str, home: Path | None) -> str:
    near = get_close_matches(name, [known.name for known in services(home)], n=1)
    perhaps = f"perhaps {near[0]} is meant; " if near else ""
    return (
        f"is no service that is known by name, nor a mirror that knows where it came from; {perhaps}`ssap-mirror "
        "services` lists those that are known, and any other needs its address (--from)"
    )


def _file(home: Path | None) -> Path:
    return layout.services_file(home or layout.default_home())


@cache
def _built_in() -> dict[str, dict[str, Any]]:
    text = resources.files("ssap_mirror").joinpath("data/services.toml").read_text("utf-8")
    return tomllib.loads(text)


def _own(name: str, entry: Mapping[str, Any], path: Path) -> KnownService:
    """Read one's own words about a service; what they leave open of one that is built in stays."""
    usual = dict(_built_in().get(name, {}))
    if "url" in entry:
        # A table on TAP tells its columns itself.
        idle = ("columns",) if "table" in entry or "#" in str(entry["url"]) else ()
        left_out = ("kind", "table", "untried", "note", *idle)
        usual = {key: value for key, value in usual.items() if key not in left_out}
    return read_entry(name, {**usual, **entry}, path)
