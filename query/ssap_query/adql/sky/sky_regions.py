"""Places that a query asks about, so that only the files and cells about them are read, as for POS."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from ssap_query.adql.scopes import Source
from ssap_query.adql.sky.conditions import Near, conjuncts, near
from ssap_query.adql.sky.numbers import number_of
from ssap_query.adql.sky.shapes import COORDINATE
from ssap_query.ssap.values.cones import FIBRE, TARGET, Cone, Region, SkyPosition

__all__ = ["restrict"]

# More cones than this are no shortcut.
_MAX_CONES = 50


def restrict(sources: Iterable[Source], condition: exp.Expr) -> None:
    """Note for each source where on the sky its rows have to be.

    Parameters
    ----------
    sources : iterable of Source
        Sources whose rows are of no use to the query unless the condition holds.
    condition : sqlglot.expressions.Expr
        A translated condition.
    """
    for part in conjuncts(condition):
        cones = [_cones(alternative, sources) for alternative in conjuncts(part, exp.Or)]
        if len(cones) > _MAX_CONES:
            continue
        for source in sources:
            found = [near_it.get(source.alias) for near_it in cones]
            regions = [region for region in found if region is not None]
            if len(regions) == len(found) and len({region.position for region in regions}) == 1:
                region = Region(tuple(cone for each in regions for cone in each.cones), regions[0].position)
                source.region = _smaller(source.region, region)


def _smaller(one: Region | None, other: Region) -> Region:
    """Either region holds all rows; the smaller one is read faster."""
    if one is None:
        return other
    return min(one, other, key=lambda region: sum(cone.radius_deg**2 for cone in region.cones))


def _cones(condition: exp.Expr, sources: Iterable[Source]) -> dict[str, Region]:
    """Cone that a condition puts rows in, by source."""
    found: dict[str, Region] = {}
    for part in conjuncts(condition):
        said = near(part)
        for pair in () if said is None else (said, said.swapped):
            for source in sources:
                region = _region(pair, source)
                if region is not None:
                    found[source.alias] = _smaller(found.get(source.alias), region)
    return found


def _region(pair: Near, source: Source) -> Region | None:
    """Cone about a constant place that a position of a source has to be in."""
    lon, lat, radius = number_of(pair.lon2), number_of(pair.lat2), pair.radius_deg
    position = _position(pair, source)
    if position is None or lon is None or lat is None or radius is None or not -90 <= lat <= 90:
        return None
    return Region((Cone(lon % 360, lat, radius, tolerance_deg=1e-9),), position)


def _position(pair: Near, source: Source) -> SkyPosition | None:
    """Which of a row's positions is meant, if any."""
    if source.table is None:
        return None
    names = tuple(axis.name for axis in (pair.lon1, pair.lat1) if _is_column(axis, source))
    if names and names == source.table.target:
        return TARGET
    if source.table.catalog is None:
        return None
    parts = [axis for axis in (pair.lon1, pair.lat1) if isinstance(axis, exp.Anonymous) and axis.this == COORDINATE]
    if len(parts) == 2 and all(_is_column(axis.expressions[0], source) for axis in parts):
        one, two = parts
        location = source.table.catalog.schema.roles.get("location")
        named = one.expressions[0].name == two.expressions[0].name == location
        if named and [number_of(axis.expressions[1]) for axis in parts] == [1, 2]:
            return FIBRE
    return None


def _is_column(node: exp.Expr, source: Source) -> bool:
    return isinstance(node, exp.Column) and node.table == source.alias
