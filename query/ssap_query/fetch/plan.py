"""Which files the rows of a result stand for, each once however many rows it has, and what they amount to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.core.units import conversion
from ssap_mirror.errors import ParameterError

from ssap_query.arrow.counted import counted
from ssap_query.fetch.datalink import links_of_rows
from ssap_query.fetch.options import FetchOptions
from ssap_query.fetch.rows import Rows, playing, values_of
from ssap_query.fetch.wanted import Wanted, each_once, is_datalink, name_of

__all__ = ["Cost", "cost_of", "wanted_files"]

_LAMOST = "https://www.lamost.org/openapi"
_SIZES = ("ssa:Access.Size", "obscore:Access.Size")
_PREVIEW_UCDS = {"meta.preview", "datalink.preview"}


@dataclass(frozen=True)
class Cost:
    """What files that are to be fetched amount to."""

    files: int
    """Number of them."""
    bytes: int
    """Their sizes together, of those whose rows have one [byte]."""
    unknown: int
    """Files whose size no row has."""

    def words(self) -> str:
        """Say it to a person."""
        files = counted(self.files, "file")
        if self.unknown == self.files:
            return f"{files} of unknown size" if self.files else files
        rest = f", without the {self.unknown:,} of unknown size" if self.unknown else ""
        return f"{files}, {self.bytes:,} bytes by their rows{rest}"


def cost_of(files: Sequence[Wanted]) -> Cost:
    """Add up what files amount to."""
    sizes = [one.size_bytes for one in files if one.size_bytes is not None]
    return Cost(len(files), sum(sizes), len(files) - len(sizes))


def wanted_files(rows: Rows, options: FetchOptions) -> list[Wanted]:
    """Find the files that rows stand for, in the order of the rows.

    Parameters
    ----------
    rows : Rows
        A result.
    options : FetchOptions
        Where the files come from.

    Returns
    -------
    list of Wanted
        Of DataLink the lists of links.

    Raises
    ------
    ParameterError
        If no column tells where the files are.
    """
    if options.source == "lamost":
        return each_once(_of_lamost(rows, options))
    if options.source == "datalink":
        return each_once(links_of_rows(rows))
    if options.source == "preview":
        return each_once(_by_column(rows, _preview(rows.schema), None, None, "#preview"))
    address, media_type = playing(rows.schema, "access_url"), playing(rows.schema, "access_format")
    if address is None:
        _refuse("accref", "has no address of a spectrum")
    return each_once(_by_column(rows, address, media_type, _size(rows.schema), "#this"))


def _by_column(
    rows: Rows, address: Column, media_type: Column | None, size: Column | None, semantics: str
) -> Iterator[Wanted]:
    factor = _bytes_each(size)
    known = [address.name, *(column.name if column else address.name for column in (media_type, size))]
    for number, (url, mime, length) in enumerate(values_of(rows, *known)):
        if not url:
            continue
        kind = mime if media_type and mime else ""
        of_links = is_datalink(kind)
        guess = None if size is None or factor is None or length is None or of_links else int(length * factor)
        yield Wanted(url, (number,), name_of(url), guess, kind, semantics, of_links)


def _of_lamost(rows: Rows, options: FetchOptions) -> Iterator[Wanted]:
    if "obsid" not in rows.schema:
        _refuse("lamost", "has no obsid, by which LAMOST names its files,")
    kind = "mrs" if "mobsid" in rows.schema else "lrs"
    for number, obsid in enumerate(values_of(rows, "obsid")):
        if obsid is not None:
            address = f"{_LAMOST}/{options.release}/{kind}/spectrum/fits?obsid={obsid}"
            yield Wanted(address, (number,), f"{kind}-{obsid}.fits", None, "application/fits")


def _size(schema: Schema) -> Column | None:
    utypes = [utype.lower() for utype in _SIZES]
    found = next((column for column in schema if (column.utype or "").lower() in utypes), None)
    return found or next((schema[name] for name in ("accsize", "access_estsize") if name in schema), None)


def _bytes_each(size: Column | None) -> float | None:
    """Bytes for each unit of a size; None where its unit is none of a size, and the sizes are not known then."""
    if size is None:
        return None
    if not size.unit:
        # ObsCore 1.1 §3.3.3 has kilobytes, SSA bytes.
        return 1000.0 if size.name == "access_estsize" else 1.0
    with suppress(ValueError):
        return conversion(size.unit, "byte").times
    return None


def _preview(schema: Schema) -> Column:
    for column in schema:
        if _PREVIEW_UCDS & {word.strip() for word in (column.ucd or "").split(";")} or column.name == "preview":
            return column
    _refuse("preview", "has no address of a picture")


def _refuse(source: str, reason: str) -> NoReturn:
    name = "source"
    raise ParameterError(name, source, f"cannot be fetched: the result {reason} among its columns (--columns all)")
