"""Where rows come from, said once: an SSAP service, a table of a TAP service, a file, or a mirror that is published.

An address is a kind of source: all that depends on the kind, but for the source itself, is said here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote, urlsplit

from ssap_mirror.errors import ParameterError
from ssap_mirror.sources.source import RequestPolicy

if TYPE_CHECKING:
    from ssap_mirror.core.quantities.positions import Positions

__all__ = ["KINDS", "Address", "FileAddress", "PublishedAddress", "SsapAddress", "TapAddress", "parse_address"]

# What stands before a condition in the name of a part of a table
_WHERE = " WHERE "
# Wishes of `RequestPolicy` that hold for a file in any case: all its rows are read each time, and every cell has to be.
_KEPT_BY_FILES = ("strict", "full_sample")
# Those that have a meaning where files are fetched.
_KEPT_BY_PULLS = (
    "requests_at_a_time",
    "attempts",
    "first_wait_s",
    "longest_wait_s",
    "longest_retry_after_s",
    "connect_timeout_s",
    "read_timeout_s",
    "longest_answer_s",
    "slowest_rate_bytes_s",
    "rate_window_s",
    "disk_share",
)


@dataclass(frozen=True)
class SsapAddress:
    """An SSAP service."""

    kind: ClassVar[str] = "ssap"
    own_keys: ClassVar[tuple[str, ...]] = ("columns", "parameters", "size_is_radius", "max_size", "max_rows")
    """Keys of ``services.toml`` that have a meaning for it, but not for every kind."""
    idle_wishes: ClassVar[tuple[str, ...]] = (
        "first_poll_s",
        "longest_poll_s",
        "longest_job_s",
        "job_rows",
        "job_cost_rows",
    )
    """Fields of `RequestPolicy` that have no meaning for it."""

    url: str
    """The endpoint."""

    @property
    def origin(self) -> str:
        """What the manifest calls it."""
        return self.url

    @classmethod
    def from_origin(cls, origin: str) -> SsapAddress | None:
        """Read `origin` again; None if it cannot be."""
        return cls(origin) if origin else None

    def to_entry(self) -> dict[str, Any]:
        """Keys and values as ``services.toml`` has them."""
        return {"url": self.url}


@dataclass(frozen=True)
class TapAddress:
    """A table of a TAP service."""

    kind: ClassVar[str] = "tap"
    own_keys: ClassVar[tuple[str, ...]] = ("table", "where", "max_rows")
    idle_wishes: ClassVar[tuple[str, ...]] = (
        "slice_rows",
        "survey_rows",
        "whole_table_rows",
        "most_cones",
        "proof_share",
    )

    url: str
    """The service, without ``/sync``."""
    table: str
    """Name of the table, with its schema, as ADQL writes it."""
    where: str = field(default="", repr=False)
    """A condition in ADQL that all rows have to meet; none if empty."""

    @property
    def origin(self) -> str:
        """What the manifest calls it: the fragment tells the tables of one service apart, and parts of them."""
        return f"{self.url.rstrip('/')}#{self.table}" + (f"{_WHERE}{self.where}" if self.where else "")

    @classmethod
    def from_origin(cls, origin: str) -> TapAddress | None:
        """Read `origin` again; None if it cannot be."""
        url, has_table, table = origin.partition("#")
        table, _, where = table.partition(_WHERE)
        return cls(url, unquote(table), where) if has_table else None

    def to_entry(self) -> dict[str, Any]:
        """Keys and values as ``services.toml`` has them."""
        return {"url": self.url, "table": self.table, **({"where": self.where} if self.where else {})}


@dataclass(frozen=True)
class FileAddress:
    """A file of rows, or a folder or a pattern of Parquet files."""

    kind: ClassVar[str] = "file"
    own_keys: ClassVar[tuple[str, ...]] = ("columns", "positions")
    idle_wishes: ClassVar[tuple[str, ...]] = tuple(
        item.name for item in fields(RequestPolicy) if item.name not in _KEPT_BY_FILES
    )

    path: Path
    """The file."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Units of its columns, by name, where the file is silent or wrong."""
    positions: Positions | None = None
    """Which of its columns are positions, where UCDs and usual names do not tell."""

    @property
    def origin(self) -> str:
        """What the manifest calls it."""
        return self.path.resolve().as_uri()

    @classmethod
    def from_origin(cls, origin: str) -> FileAddress | None:
        """Read `origin` again; None if it cannot be."""
        parts = urlsplit(origin)
        return cls(Path(unquote(parts.path))) if parts.scheme == "file" else None

    def to_entry(self) -> dict[str, Any]:
        """Keys and values as ``services.toml`` has them; the units of a file are those of its entry."""
        told = {} if self.positions is None else self.positions.given()
        return {"url": str(self.path), **({"positions": told} if told else {})}


@dataclass(frozen=True)
class PublishedAddress:
    """A mirror that somebody publishes: its files are fetched as they are."""

    kind: ClassVar[str] = "published"
    own_keys: ClassVar[tuple[str, ...]] = ()
    idle_wishes: ClassVar[tuple[str, ...]] = tuple(
        item.name for item in fields(RequestPolicy) if item.name not in _KEPT_BY_PULLS
    )

    url: str
    """Address of its folder."""

    @property
    def origin(self) -> str:
        """What is remembered of it; the manifest is that of the mirror itself."""
        return self.url

    @classmethod
    def from_origin(cls, origin: str) -> PublishedAddress | None:
        """Read `origin` again; None if it cannot be."""
        return cls(origin) if origin else None

    def to_entry(self) -> dict[str, Any]:
        """Keys and values as ``services.toml`` has them: nothing in the address tells it from an SSAP service."""
        return {"url": self.url, "kind": self.kind}


Address = SsapAddress | TapAddress | FileAddress | PublishedAddress

#: Kind -> its address.
KINDS: dict[str, type[Address]] = {kind.kind: kind for kind in (SsapAddress, TapAddress, FileAddress, PublishedAddress)}


def parse_address(
    text: str | Path,
    *,
    table: str | None = None,
    where: str = "",
    units: Mapping[str, str] | None = None,
    positions: Positions | None = None,
) -> Address:
    """Read an address as a person writes it.

    Parameters
    ----------
    text : str or pathlib.Path
        Address of an SSAP endpoint, of a TAP service with a table as its fragment
        (``http://dc.g-vo.org/tap#lamost6.ssa_lrs``), or path of a file.
    table : str, optional
        Table of a TAP service, if its address does not say.
    where : str, optional
        Condition in ADQL that all rows of such a table have to meet.
    units : mapping of str to str, optional
        Units of columns of a file.
    positions : Positions, optional
        Which columns of a file are its positions.

    Raises
    ------
    ParameterError
        If it is neither an http address nor a file, or something is said of it that is said of another kind; or if
        two tables are named.

    Examples
    --------
    >>> parse_address("http://dc.g-vo.org/tap#lamost6.ssa_lrs")
    TapAddress(url='http://dc.g-vo.org/tap', table='lamost6.ssa_lrs')
    """
    url = str(text)
    endpoint, _, fragment = url.partition("#")
    scheme = urlsplit(url).scheme
    is_file = scheme not in ("http", "https")
    if is_file and table:
        raise ParameterError(name="table", value=table, reason="is a table of a TAP service, and the source is a file")
    if table and fragment and unquote(fragment) != table:
        raise ParameterError(name="table", value=table, reason=f"is not the table of the address, {unquote(fragment)}")
    is_table = not is_file and bool(fragment or table)
    if where and not is_table:
        raise ParameterError(name="where", value=where, reason="can only be asked of a table of a TAP service")
    if is_file:
        # A single letter is a drive.
        if len(scheme) > 1 and "://" in url:
            raise ParameterError(name="source", value=url, reason="is neither an http address nor a file")
        return FileAddress(Path(url).expanduser(), dict(units or {}), positions)
    if positions is not None:
        raise ParameterError(name="positions", value=positions.given(), reason="are those of a file, not of a service")
    return TapAddress(endpoint, unquote(fragment) or str(table), where) if is_table else SsapAddress(url)
