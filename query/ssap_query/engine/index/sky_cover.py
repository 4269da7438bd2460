"""What part of a snapshot a request can have rows in: cones -> cells -> files and ranges of ``_healpix_29``.

This is the coarse step. It may take in more than the cones, never less. Cells are those of the target position, so a
cone about the fibre position grows by the largest offset of the two.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ssap_mirror.core import healpix
from ssap_mirror.core.catalog import Catalog, Partition

from ssap_query.ssap.values.cones import Cone, Region, SkyPosition

__all__ = ["Ranges", "Reach", "joined", "reach", "reach_deg"]

#: Sorted, separate ranges of ``_healpix_29``, both ends inclusive.
Ranges = tuple[tuple[int, int], ...]

_ARCSEC_PER_DEG = 3600.0


@dataclass(frozen=True)
class Reach:
    """Files that can hold rows of a request."""

    partitions: tuple[Partition, ...]
    """Files of placed rows, in the order of the sky."""
    unplaced: Partition | None
    """File of the unplaced rows: every request reads it."""
    ranges: Ranges | None = None
    """Where in those files; None is everywhere."""

    @property
    def paths(self) -> list[str]:
        """Every file, those of placed rows first."""
        found = [partition.file for partition in self.partitions]
        return found if self.unplaced is None else [*found, self.unplaced.file]


def reach(catalog: Catalog, region: Region | None) -> Reach:
    """Find the files and ranges that a region touches.

    Parameters
    ----------
    catalog : Catalog
        The snapshot.
    region : Region or None
        None is the whole sky.
    """
    if region is None:
        return Reach(catalog.partitions, catalog.unplaced)
    found: list[tuple[int, int]] = []
    for cone in region.cones:
        found += healpix.cone_ranges(cone.ra_deg, cone.dec_deg, reach_deg(catalog, cone, region.position))
    ranges = _union(found)
    return Reach(_touched(catalog, ranges), catalog.unplaced, ranges)


def reach_deg(catalog: Catalog, cone: Cone, position: SkyPosition) -> float:
    """Radius of the coarse step [deg]: the cone's own and the largest offset of the position from its row's cell."""
    return cone.reach_deg + (0.0 if position.indexed else catalog.max_offset_arcsec / _ARCSEC_PER_DEG)


def joined(ranges: Ranges, most: int) -> Ranges:
    """Cover the same cells by at most so many ranges: the smallest gaps are closed.

    Parameters
    ----------
    ranges : Ranges
        Sorted and separate.
    most : int
        Largest number of ranges, at least 1.
    """
    if len(ranges) <= most:
        return ranges
    gaps = sorted(range(1, len(ranges)), key=lambda i: ranges[i][0] - ranges[i - 1][1], reverse=True)
    cuts = [0, *sorted(gaps[: most - 1]), len(ranges)]
    return tuple((ranges[first][0], ranges[after - 1][1]) for first, after in pairwise(cuts))


def _union(ranges: Sequence[tuple[int, int]]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(high, merged[-1][1])
        else:
            merged.append((low, high))
    return tuple(merged)


def _touched(catalog: Catalog, ranges: Ranges) -> tuple[Partition, ...]:
    """Files whose cell holds part of a range; cells are looked up, since there may be tens of thousands."""
    partitions, starts = catalog.partitions, catalog.partition_starts
    found: list[Partition] = []
    after = 0  # behind the last one that was looked at
    for low, high in ranges:
        first = max(bisect_right(starts, low) - 1, after)
        after = max(bisect_right(starts, high), first)
        found += (part for part in partitions[first:after] if part.healpix_29[1] >= low)
    return tuple(found)
