"""Spectra matched with another HATS catalogue by LSDB: partition by partition, each with the margin of the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ssap_mirror.core.schema import Column
from ssap_mirror.errors import ParameterError, SourceError

from ssap_query.cluster.gathering import gather, partitions_in_order, translate_errors
from ssap_query.cluster.search import arrow_table
from ssap_query.cluster.way import ClusterScan
from ssap_query.engine.rows import Rows
from ssap_query.xmatch.join.rule import Rule
from ssap_query.xmatch.output.columns import SEPARATION, separation_field

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["JOINS", "CatalogMatch", "match_catalogs", "open_other"]

#: Which rows without a partner LSDB keeps, in every version: none, or spectra.
JOINS = ("inner", "left")
# LSDB's name of the separation.
_DISTANCE = "_dist_arcsec"
_OTHER, _OTHER_COLUMNS, _JOIN, _SUFFIXES, _RADIUS = "other", "other_columns", "join", "suffixes", "radius_arcsec"


@dataclass(frozen=True)
class CatalogMatch:
    """A match as LSDB has it, and what its columns are."""

    catalog: Any = field(repr=False)
    """The pairs (lsdb.Catalog); nothing is computed yet."""
    arrow: pa.Schema
    """Columns of the result: of the spectra, of the other catalogue, the separation [arcsec]."""
    names: tuple[str, ...]
    """Their names in the catalogue."""
    way: ClusterScan = field(repr=False)
    """The spectra."""

    def rows(self) -> Rows:
        """Compute the pairs, and gather them in the order of the sky; more than fits in memory goes to a file."""
        limits = self.way.query.snapshot.limits
        return gather(self._batches(), self.arrow, None, limits.result)[0]

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with translate_errors(self.way.files):
            for frame in partitions_in_order(self.way.client, self.catalog):
                found = arrow_table(frame, self.names).rename_columns(self.arrow.names).cast(self.arrow)
                yield from found.combine_chunks().to_batches()


def match_catalogs(
    way: ClusterScan, other: Any, rule: Rule, suffixes: tuple[str, str], other_columns: Sequence[str] | None
) -> CatalogMatch:
    """Match the spectra that a request selects with another catalogue.

    Parameters
    ----------
    way : ClusterScan
        The spectra.
    other : lsdb.Catalog
        The other catalogue, with a margin that is as wide as the radius.
    rule : Rule
        What is a match: the nearest ones of each spectrum.
    suffixes : tuple of str
        Put behind the names of columns that both have.
    other_columns : sequence of str, optional
        Columns of the other catalogue; all that are loaded without it.

    Raises
    ------
    ParameterError
        If pairs would be missing, or two columns would have one name.
    """
    import pyarrow as pa

    if rule.join not in JOINS:
        raise ParameterError(_JOIN, rule.join, f"is none of {', '.join(JOINS)}, which a cluster can do")
    _check_margin(other, rule.radius_arcsec)
    known = _types(other)
    chosen = _chosen(other, known, other_columns)
    spectra = way.catalog()
    with translate_errors(way.files):
        catalog = spectra.crossmatch(
            other,
            n_neighbors=rule.n_neighbors,
            radius_arcsec=rule.radius_arcsec,
            min_radius_arcsec=rule.min_radius_arcsec,
            how=rule.join,
            suffixes=suffixes,
            suffix_method="overlapping_columns",
            log_changes=False,
        )
    shown = way.query.columns.arrow
    both = {name.lower() for name in shown.names} & {name.lower() for name in chosen}
    fields = [column.with_name(_named(column.name, both, suffixes[0])) for column in shown]
    fields += [known.field(name).with_name(_named(name, both, suffixes[1])) for name in chosen]
    names = [column.name for column in fields]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise ParameterError(_SUFFIXES, suffixes, f"leave two columns with the name {double!r}")
    # LSDB has read more columns than are shown, such as those of the positions.
    read = set(spectra.columns) & set(other.columns)
    own = [name + suffixes[0] if name in read else name for name in shown.names]
    own += [name + suffixes[1] if name in read else name for name in chosen]
    separation = separation_field(SEPARATION if SEPARATION not in names else f"{SEPARATION}_2")
    return CatalogMatch(catalog, pa.schema([*fields, separation]), (*own, _DISTANCE), way)


def open_other(other: Any, columns: Sequence[str] | None, storage_options: Mapping[str, Any] | None) -> Any:
    """Open the other catalogue, if it is given by its address.

    Parameters
    ----------
    other : lsdb.Catalog, path or str
        The catalogue, or the folder or address of a HATS collection or catalogue.
    columns : sequence of str, optional
        Columns to load; all without it.
    storage_options : mapping of str to object, optional
        What fsspec needs to know of the address.

    Raises
    ------
    SourceError
        If it cannot be opened.
    ParameterError
        If it does not have one of the columns.
    """
    if hasattr(other, "crossmatch"):
        return other
    import lsdb
    from upath import UPath

    try:
        return lsdb.open_catalog(
            UPath(other, **(storage_options or {})), columns="all" if columns is None else list(columns)
        )
    except KeyError as error:  # of pandas, where a column is not there
        reason = f"names what is no column of {other}: {error.args[0]}"
        raise ParameterError(_OTHER_COLUMNS, ", ".join(columns or ()), reason) from error
    except Exception as error:  # fsspec, hats and LSDB have many kinds
        message = (
            f"{other} cannot be opened as a HATS catalogue: {(str(error).splitlines() or [type(error).__name__])[0]}"
        )
        raise SourceError(message) from error


def _check_margin(other: Any, radius_arcsec: float) -> None:
    margin = getattr(other, "margin", None)
    if margin is None:
        reason = "has no margin, so pairs across the edges of its partitions would be missing"
        raise ParameterError(_OTHER, other.name, reason)
    width = float(margin.hc_structure.catalog_info.margin_threshold)
    if radius_arcsec > width:
        reason = f"is more than the margin of {other.name}, {width:g} arcsec: pairs would be missing"
        raise ParameterError(_RADIUS, radius_arcsec, reason)


def _chosen(other: Any, known: pa.Schema, names: Sequence[str] | None) -> list[str]:
    loaded = list(other.columns)
    for name in names or ():
        if name not in loaded:
            raise ParameterError(_OTHER_COLUMNS, name, f"is not a column of {other.name} that is loaded")
    if names is not None:
        return list(names)
    return [name for name in loaded if not Column.from_arrow(known.field(name)).is_hidden]  # what a mirror works out


def _types(other: Any) -> pa.Schema:
    """Arrow fields of the other catalogue's columns, with their units where its files say them."""
    import pyarrow as pa

    loaded: pa.Schema = other.hc_structure.schema
    said: pa.Schema = other.hc_structure.original_schema or loaded  # none where it was made of a frame
    same = {column.name: column for column in said if column.name in loaded.names}
    return pa.schema([same.get(column.name, column) for column in loaded])


def _named(name: str, both: set[str], suffix: str) -> str:
    return name + suffix if name.lower() in both else name
