"""Where rows come from, said once: the address of an SSAP service, a table of a TAP service, or a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote, urlsplit

from ssap_mirror.errors import ParameterError

if TYPE_CHECKING:
    from ssap_mirror.core.quantities.positions import Positions

__all__ = ["Address", "FileAddress", "SsapAddress", "TapAddress", "parse_address"]


@dataclass(frozen=True)
class SsapAddress:
    """An SSAP service."""

    kind: ClassVar[str] = "ssap"

    url: str
    """The endpoint."""

    @property
    def origin(self) -> str:
        """What the manifest calls it."""
        return self.url


@dataclass(frozen=True)
class TapAddress:
    """A table of a TAP service."""

    kind: ClassVar[str] = "tap"

    url: str
    """The service, without ``/sync``."""
    table: str
    """Name of the table, with its schema, as ADQL writes it."""
    where: str = field(default="", repr=False)
    """A condition in ADQL that all rows have to meet; none if empty."""

    @property
    def origin(self) -> str:
        """What the manifest calls it: the fragment tells the tables of one service apart, and parts of them."""
        return f"{self.url.rstrip('/')}#{self.table}" + (f" WHERE {self.where}" if self.where else "")


@dataclass(frozen=True)
class FileAddress:
    """A file of rows, or a folder or a pattern of Parquet files."""

    kind: ClassVar[str] = "file"

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


Address = SsapAddress | TapAddress | FileAddress


def parse_address(
    text: str | Path,
    *,
    table: str | None = None,
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
        Table of a TAP service whose address does not say.
    units : mapping of str to str, optional
        Units of columns of a file.
    positions : Positions, optional
        Which columns of a file are its positions.

    Raises
    ------
    ParameterError
        If it is neither an http address nor a file, or something is said of the columns of a service.

    Examples
    --------
    >>> parse_address("http://dc.g-vo.org/tap#lamost6.ssa_lrs")
    TapAddress(url='http://dc.g-vo.org/tap', table='lamost6.ssa_lrs')
    """
    url = str(text)
    scheme = urlsplit(url).scheme
    if scheme not in ("http", "https"):
        # A single letter is a drive.
        if len(scheme) > 1 and "://" in url:
            raise ParameterError(name="source", value=url, reason="is neither an http address nor a file")
        return FileAddress(Path(url).expanduser(), dict(units or {}), positions)
    if positions is not None:
        raise ParameterError(
            name="positions", value=positions.columns(), reason="are those of a file, not of a service"
        )
    endpoint, _, fragment = url.partition("#")
    table = unquote(fragment) or table
    return SsapAddress(url) if table is None else TapAddress(endpoint, table)
