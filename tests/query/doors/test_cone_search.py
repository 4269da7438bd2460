"""Simple Cone Search goes by the target's position, by the spatial index, and loses no row that has no cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import ssap_query as ssap
from ssap_mirror.core.sphere import separation_arcsec
from ssap_query.engine.cones.cone_join import ConeJoin
from ssap_query.engine.cones.select_rows import RowGroups
from ssap_query.engine.index.sky_cover import reach
from ssap_query.server.planning import plan_cone_search
from ssap_query.ssap import FIBRE, TARGET, Cone, Query, Region, interpret
from ssap_query.ssap.request import parse

CENTRES = [(0.0, 90.0), (123.4, -89.9999), (0.0, 0.0), (359.9999999, 41.81), (45.0, -41.81), (180.0, 0.0)]


def asked(mirror: ssap.Mirror, ra: float, dec: float, radius: float, maxrec: int | None = None) -> ssap.ResultSet:
    given = {"RA": repr(ra), "DEC": repr(dec), "SR": repr(radius)}
    return plan_cone_search(mirror.engine, given, maxrec).result()


def targets(awkward, cones: Sequence[Cone]) -> list[str]:
    """Identities of the rows whose target lies in one of the cones, one row at a time."""
    known = [row for row in awkward.rows if row["ra"] is not None and abs(row["dec"]) <= 90]
    ra, dec = np.array([(row["ra"], row["dec"]) for row in known]).T
    inside = np.zeros(len(known), np.bool_)
    for cone in cones:
        inside |= separation_arcsec(ra, dec, cone.ra_deg, cone.dec_deg) <= cone.reach_deg * 3600
    return sorted(row["identity"] for row, found in zip(known, inside, strict=True) if found)


def of_targets(awkward, cones: Sequence[Cone]) -> Query:
    """A request about the positions of targets, of which the server asks only single cones."""
    query = interpret(parse("REQUEST=queryData"), awkward.schema)
    return replace(query, region=Region(tuple(cones), TARGET))


@pytest.mark.parametrize("radius", [0, 1e-6, 0.01, 0.5, 15, 89.5, 90.5, 179.9, 180])
@pytest.mark.parametrize("centre", CENTRES)
def test_cones_find_every_target(centre, radius, any_mirror, awkward, ids_of) -> None:
    assert ids_of(asked(any_mirror, *centre, radius)) == targets(awkward, [Cone(*centre, radius)])


def test_a_row_off_its_fibre_is_found_at_its_target_alone(any_mirror, awkward, ids_of) -> None:
    off = [row for row in awkward.rows if row["location"] and row["ra"] is not None and abs(row["dec"]) < 89]
    off = [row for row in off if 0.01 < row["location"][1] - row["dec"] < 0.02]
    for row in off[:5]:
        assert row["identity"] in ids_of(asked(any_mirror, row["ra"], row["dec"], 1 / 3600))
        assert row["identity"] not in ids_of(asked(any_mirror, *row["location"], 1 / 3600))
    assert len(off) > 100


def test_unplaced_rows_are_found_at_their_targets(any_mirror, awkward, ids_of) -> None:
    unplaced = any_mirror.sql("SELECT mobsid FROM spectra WHERE _healpix_29 IS NULL").to_arrow()["mobsid"].to_pylist()
    rows = [row for row in awkward.rows if row["identity"] in set(unplaced) and row["ra"] is not None]
    assert len(rows) > 15  # their fibres are further off than a row with a cell may be
    for row in rows:
        assert row["identity"] in ids_of(asked(any_mirror, row["ra"], row["dec"], 1e-6))


def test_only_the_files_about_the_target_are_read(awkward) -> None:
    mirror = awkward.open("tiny")
    cone = Cone(0.0, 0.0, 0.1)
    query = of_targets(awkward, [cone])
    way = mirror.engine.plan(query, mirror.schema)
    assert isinstance(way, RowGroups)
    assert len({group.path for group in way.groups}) < len(mirror.catalog.files) / 2
    # A cell is that of the target, so that a cone about targets need not grow by the offset of the fibres.
    for_targets, for_fibres = (reach(mirror.catalog, Region((cone,), position)) for position in (TARGET, FIBRE))
    assert _cells(for_targets.ranges) < _cells(for_fibres.ranges)


def _cells(ranges) -> int:
    return sum(high - low + 1 for low, high in ranges)


def test_many_cones_about_targets(any_mirror, awkward) -> None:
    known = [row for row in awkward.rows if row["ra"] is not None]
    cones = [Cone(row["ra"], row["dec"], 0.02) for row in known[::9]]
    assert len(cones) > 200
    columns = any_mirror.schema.select(["mobsid"])
    way = any_mirror.engine.plan(of_targets(awkward, cones), columns)
    assert isinstance(way, ConeJoin)
    rows, truncated = way.rows()
    found = sorted(name for batch in rows.batches() for name in batch.column(0).to_pylist())
    assert (found, truncated) == (targets(awkward, cones), False)
    assert any(
        row["ra"] is not None and row["location"] and abs(row["location"][1] - row["dec"]) > 0.1 for row in known
    )


def test_the_limit_and_the_score_of_the_service(any_mirror) -> None:
    every = asked(any_mirror, 0.0, 90.0, 2.0)
    assert (every.status, len(every) > 10) == ("OK", True)
    assert set(every.to_arrow()["ssa_score"].to_pylist()) == {0.0}
    short = asked(any_mirror, 0.0, 90.0, 2.0, maxrec=len(every) - 1)
    assert short.status == "OVERFLOW"
    assert short.to_arrow()["mobsid"].to_pylist() == every.to_arrow()["mobsid"].to_pylist()[:-1]
