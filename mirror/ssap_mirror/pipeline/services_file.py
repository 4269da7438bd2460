"""``services.toml``: services of one's own, a table for each, read and written.

A key that is misspelt, or a value that cannot be, is an error that names file, service, key, value and reason: a wish
that is passed over in silence would be found out after hours.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ssap_mirror.core import storage
from ssap_mirror.core.quantities.positions import Positions
from ssap_mirror.core.schema.roles import ROLES
from ssap_mirror.errors import ParameterError
from ssap_mirror.pipeline.address import KINDS, PublishedAddress, SsapAddress, parse_address
from ssap_mirror.pipeline.known_columns import KNOWN_COLUMNS
from ssap_mirror.pipeline.service import KnownService
from ssap_mirror.sources.source import RequestPolicy

__all__ = ["entries_of", "is_mirror_name", "read_entry", "read_parameters", "save_service"]

# What a harvest says itself in its requests (SSA 1.1 §4.1, §4.2.1).
_OWN_PARAMETERS = frozenset(
    [
        "REQUEST",
        "VERSION",
        "FORMAT",
        "RESPONSEFORMAT",
        "MAXREC",
        "VERB",
        "COMPRESS",
        "TOP",
        "POS",
        "SIZE",
        "TIME",
        "MTIME",
        "BAND",
        "SNR",
        "REDSHIFT",
        "APERTURE",
        "SPATRES",
    ]
)
_SERVICES, _URL, _KIND, _ROLE_IDENTITY = "services", "url", "kind", "roles.identity"
_LARGEST_SIZE_DEG = 360.0
_PARAM = "parameters"
_MAY_BE_ZERO = frozenset({"disk_share", "pause_s"})


def entries_of(path: Path) -> dict[str, dict[str, Any]]:
    """Read the tables of a file; none if it is not there.

    Raises
    ------
    ParameterError
        If it cannot be read, is no TOML, or has something beside tables.
    """
    try:
        text = path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(_SERVICES, str(path), f"cannot be read: {error}") from error
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ParameterError(_SERVICES, str(path), f"is no TOML: {error}") from error
    for name, entry in found.items():
        if not isinstance(entry, dict):
            reason = f"is not in the table of a service: write [{name}] and url = … below it"
            named = f"{path}: {name}"
            raise ParameterError(named, entry, reason)
    return found


def read_entry(name: str, entry: Mapping[str, Any], path: Path | None = None) -> KnownService:
    """Read the table of a service.

    Parameters
    ----------
    name : str
        Of the service.
    entry : mapping
        Its keys and values, as TOML has them.
    path : pathlib.Path, optional
        File that it stands in; a path of rows is relative to its folder.

    Raises
    ------
    ParameterError
        If a key is not known, or its value is none for it.
    """
    where = "" if path is None else str(path)

    def refuse(key: str, value: object, reason: str) -> ParameterError:
        return ParameterError(f"{where}: [{name}] {key}" if where else f"[{name}] {key}", value, reason)

    if not is_mirror_name(name):
        named = f"{where}: name"
        raise ParameterError(named, name, "cannot be the name of a mirror's folder")
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if key not in _READERS:
            raise refuse(key, value, f"is no key of a service ({', '.join(_READERS)})")
        try:
            values[key] = _READERS[key](value)
        except _Refusal as error:
            raise refuse(key + error.below, error.value, error.reason) from None
    kind = values.pop("kind", None)
    if "url" not in values:
        raise refuse(_URL, None, "is missing: the address of an SSAP or TAP service, or the path of a file")
    if path is not None and urlsplit(values["url"]).scheme not in ("http", "https"):
        values["url"] = str(path.parent.absolute() / Path(values["url"]).expanduser())
    positions = values.pop("positions", None)
    try:
        address = parse_address(
            values.pop("url"),
            table=values.pop("table", None),
            where=values.pop("where", ""),
            units=values.get("units"),
            positions=None if positions is None else Positions(**positions),
        )
    except ParameterError as error:
        of_key = {
            "table": "table",
            "where": "where",
            **dict.fromkeys(("positions", "epoch", "sigma_arcsec"), "positions"),
        }
        key = of_key.get(error.name, "url")
        raise refuse(key, entry.get(key), error.reason) from None
    if kind == PublishedAddress.kind and isinstance(address, SsapAddress):
        address = PublishedAddress(address.url)
    if kind not in (None, address.kind):
        raise refuse(_KIND, kind, f"does not fit url and table, which are those of kind {address.kind!r}")
    for key in [key for other in KINDS.values() for key in other.own_keys if key not in address.own_keys]:
        if key in entry:
            raise refuse(key, entry[key], f"has no meaning for a source of kind {address.kind!r}")
    for wish in set(values.get("pace", ())) & set(address.idle_wishes):
        key = f"pace.{wish}"
        raise refuse(key, entry["pace"][wish], f"has no meaning for a source of kind {address.kind!r}")
    service = KnownService(name=name, address=address, said_in=where, **values)
    if "identity" in service.roles:
        raise refuse(_ROLE_IDENTITY, service.roles["identity"], "is said by the key identity")
    return service


def read_parameters(given: Mapping[str, tuple[str, ...]], service: KnownService) -> dict[str, str | tuple[str, ...]]:
    """Read parameters of every request that are said beside ``services.toml``.

    Raises
    ------
    ParameterError
        If the service takes no such requests, or a harvest sets one of them itself.
    """
    if _PARAM not in service.address.own_keys:
        said = "&".join(f"{name}={value}" for name, values in given.items() for value in values)
        raise ParameterError(_PARAM, said, f"has no meaning for a source of kind {service.kind!r}")
    try:
        found = _parameters({name: list(values) for name, values in given.items()})
    except _Refusal as error:
        raise ParameterError(_PARAM + error.below, error.value, error.reason) from None
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def save_service(path: Path, service: KnownService) -> None:
    """Write the table of a service; all others, and the comments, stay as they are.

    Raises
    ------
    ParameterError
        If the file that is there cannot be read.
    MirrorError
        If it cannot be written.
    """
    import tomlkit

    known = entries_of(path)
    document = tomlkit.parse(path.read_bytes().decode()) if path.is_file() else tomlkit.document()
    entry = service.to_entry()
    if service.name not in known:
        if known:
            document.add(tomlkit.nl())
        document.add(service.name, tomlkit.table())
    table: Any = document[service.name]
    for key in [key for key in table if key not in entry]:
        del table[key]
    for key, value in entry.items():
        if known.get(service.name, {}).get(key) != value:
            table[key] = _inline(value)
    with storage.translate_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with storage.replacing(path) as beside:
            storage.write_file(beside, tomlkit.dumps(document).encode())


def _inline(value: Any) -> Any:
    import tomlkit

    if not isinstance(value, Mapping):
        return value
    table = tomlkit.inline_table()
    table.update(value)
    return table


def is_mirror_name(name: str) -> bool:
    """Whether a name can be that of a mirror's folder."""
    return bool(name) and Path(name).name == name and not name.startswith(".")


class _Refusal(Exception):
    """A value that a key cannot have."""

    def __init__(self, value: object, reason: str, below: str = "") -> None:
        super().__init__(reason)
        self.value = value
        self.reason = reason
        self.below = below


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Refusal(value, "is not a text")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Refusal(value, "is neither true nor false")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _Refusal(value, "is not a whole number above 0")
    return value


def _size(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= _LARGEST_SIZE_DEG:
        raise _Refusal(value, f"is not a number of degrees above 0 and up to {_LARGEST_SIZE_DEG:g}")
    return float(value)


def _one_of(*allowed: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in allowed:
            raise _Refusal(value, f"is none of {', '.join(allowed)}")
        return str(value)

    return read


def _table(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Refusal(value, f"is not a table of {what}")
    return value


def _roles(value: object) -> dict[str, str]:
    found = {}
    for role, column in _table(value, "role = column").items():
        if role not in ROLES:
            raise _Refusal(column, f"is the column of a role that is not known ({', '.join(ROLES)})", f".{role}")
        found[role] = _below(role, column, _text)
    return found


def _units(value: object) -> dict[str, str]:
    def unit(text: object) -> str:
        if not isinstance(text, str):
            raise _Refusal(text, "is not a text; an empty one says that there is no unit")
        return text

    return {column: _below(column, text, unit) for column, text in _table(value, "column = unit").items()}


def _nulls(value: object) -> dict[str, tuple[str, ...]]:
    return {column: _texts(said, f".{column}") for column, said in _table(value, "column = value").items()}


def _texts(said: object, below: str) -> tuple[str, ...]:
    """Read a text or a number, or a list of them."""
    values = said if isinstance(said, list) else [said]
    if not values or any(isinstance(one, bool) or not isinstance(one, (str, int, float)) for one in values):
        raise _Refusal(said, "is neither a text nor a number, nor a list of them", below)
    return tuple(str(one) for one in values)


def _positions(value: object) -> dict[str, str | float]:
    allowed = [item.name for item in fields(Positions) if item.name != "units"]
    found: dict[str, str | float] = {}
    for key, said in _table(value, "what = column").items():
        if key not in allowed:
            raise _Refusal(said, f"is said of nothing that a position has ({', '.join(allowed)})", f".{key}")
        is_number = isinstance(said, (int, float)) and not isinstance(said, bool)
        found[key] = float(said) if is_number and key in ("epoch", "sigma_arcsec") else _below(key, said, _text)
    return found


def _parameters(value: object) -> dict[str, str | tuple[str, ...]]:
    found: dict[str, str | tuple[str, ...]] = {}
    for name, said in _table(value, "NAME = value").items():
        if name.upper() in _OWN_PARAMETERS:
            raise _Refusal(said, "is the value of a parameter that a harvest sets itself", f".{name}")
        texts = _texts(said, f".{name}")
        found[name] = texts if isinstance(said, list) else texts[0]
    return found


def _pace(value: object) -> dict[str, float]:
    kinds = {item.name: item.type for item in fields(RequestPolicy)}
    found: dict[str, float] = {}
    for key, said in _table(value, "wish = number").items():
        if key not in kinds:
            raise _Refusal(said, f"is a wish that is not known ({', '.join(kinds)})", f".{key}")
        if kinds[key] == "bool":
            try:
                found[key] = _flag(said)
            except _Refusal as error:
                raise _Refusal(said, error.reason, f".{key}") from None
            continue
        whole = kinds[key] == "int"
        is_number = isinstance(said, int if whole else (int, float)) and not isinstance(said, bool)
        least = 0 if key in _MAY_BE_ZERO else 1 if whole else math.ulp(0.0)
        if not is_number or not least <= said < math.inf:
            kind = "a whole number" if whole else "a number"
            raise _Refusal(said, f"is not {kind}{', 0 or more' if key in _MAY_BE_ZERO else ' above 0'}", f".{key}")
        found[key] = said if whole else float(said)
    return found


def _below(key: str, value: object, read: Callable[[object], str]) -> str:
    try:
        return read(value)
    except _Refusal as error:
        raise _Refusal(error.value, error.reason, f".{key}") from None


_READERS: dict[str, Callable[[object], Any]] = {
    "title": _text,
    "kind": _one_of(*KINDS),
    "url": _text,
    "table": _text,
    "where": _text,
    "columns": _one_of(*KNOWN_COLUMNS),
    "roles": _roles,
    "units": _units,
    "nulls": _nulls,
    "identity": _text,
    "positions": _positions,
    "parameters": _parameters,
    "size_is_radius": _flag,
    "max_size": _size,
    "max_rows": _count,
    "pace": _pace,
    "note": _text,
    "untried": _flag,
}
