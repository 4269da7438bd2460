"""A request gives the same rows on a cluster as in the engine: whole requests, limits, lists, damage, other places."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import ssap_query as ssap
from ssap_mirror.core import layout
from ssap_mirror.errors import CatalogError, ParameterError, SourceError
from ssap_query.ssap.request import DIALECTS

from tests.support.random_requests import Requests
from tests.support.serving import serving_files

# What LSDB and Dask warn of among themselves.
pytestmark = pytest.mark.filterwarnings("ignore")

SEED = 20_261_130
_SCORE = "ssa_score"


def assert_same(found: ssap.ResultSet, expected: ssap.ResultSet, about: object) -> None:
    """Compare two results: the same rows in the same order, and all that is said of them."""
    assert found.status == expected.status, about
    assert found.notes == expected.notes, about
    assert found.infos == expected.infos, about
    assert found.schema.columns == expected.schema.columns, about
    rows, wanted = found.to_arrow(), expected.to_arrow()
    if _SCORE in wanted.column_names:  # worked out by SQL or by numpy: the last digit may differ
        scores = [table[_SCORE].to_numpy(zero_copy_only=False) for table in (rows, wanted)]
        np.testing.assert_allclose(*scores, rtol=1e-5, atol=1e-5, err_msg=str(about))
        rows, wanted = rows.drop_columns(_SCORE), wanted.drop_columns(_SCORE)
    assert rows.schema.equals(wanted.schema, check_metadata=True), about
    assert _comparable(rows) == _comparable(wanted), about


def _comparable(table: pa.Table) -> list[tuple[str, ...]]:
    """Rows as text: NaN is NaN, and not NULL."""
    return [tuple(map(repr, row.values())) for row in table.to_pylist()]


def _compare_random(client: Any, folder: Path, awkward: Any, count: int, seed: int) -> int:
    mirror = ssap.open(folder)
    cluster = mirror.cluster(client)
    requests = Requests(awkward.rows, seed)
    some = asked = 0
    while asked < count:
        dialect = DIALECTS[asked % len(DIALECTS)]
        pairs = [*requests.make(dialect), ("MAXREC", "100000")]
        columns = None if asked % 4 == 0 else ["mobsid", "ssa_location"]
        try:
            expected = mirror.ssap(pairs, dialect, columns)
        except ParameterError:
            continue  # a value of one dialect that the other refuses
        asked += 1
        some += 0 < len(expected) < len(awkward.ids)
        assert_same(cluster.ssap(pairs, dialect, columns), expected, (dialect, pairs))
    return some


def test_random_requests_select_the_same_rows(client: Any, folder: Path, awkward: Any) -> None:
    assert _compare_random(client, folder, awkward, 8, SEED) >= 4


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_random_requests_select_the_same_rows(client: Any, folder: Path, awkward: Any) -> None:
    assert _compare_random(client, folder, awkward, 300, SEED + 1) > 150


LIMITED: dict[str, dict[str, Any]] = {
    "first rows": {"snr": 20, "maxrec": 7},
    "as many as there are": {"snr": 20, "maxrec": 100_000},
    "rows without coordinates": {"maxrec": 2_858},
    "one fewer": {"maxrec": 2_857},
    "best": {"pos": (56.1, 21.6), "size": 20, "top": 5, "columns": ["mobsid", _SCORE]},
    "best, scores not shown": {"pos": (56.1, 21.6), "size": 20, "top": 5, "columns": ["mobsid"]},
    "best of a few": {"pos": (56.1, 21.6), "size": 20, "top": 100_000},
    "top": {"snr": 20, "top": 3},
    "nothing": {"snr": 1e30},
    "no such name": {"targetname": "nobody"},
    "no partition": {"pos": (200.0, -70.0), "size": 0.001},
    "description": {"format": "metadata"},
    "every column": {"pos": (56.1, 21.6), "size": 3, "columns": "all"},
    "list": {"pos": [(56.1, 21.6), (56.2, 21.7), (10.0, -60.0)], "size": 1, "columns": ["mobsid"]},
    "list with a limit": {"pos": [(56.1, 21.6), (56.2, 21.7)], "size": 1, "columns": ["mobsid"], "maxrec": 3},
    "long list": {"pos": [(56.1 + n / 50, 21.6) for n in range(60)], "size": 0.3, "columns": ["mobsid"]},
}


@pytest.mark.parametrize("name", LIMITED)
def test_limits_status_and_words_are_those_of_the_mirror(name: str, client: Any, folder: Path) -> None:
    mirror = ssap.open(folder)
    found = mirror.cluster(client).search(**LIMITED[name]).compute()
    assert_same(found, mirror.search(**LIMITED[name]), name)


def test_a_result_that_does_not_fit_in_memory_goes_to_a_file(client: Any, folder: Path) -> None:
    from ssap_query.engine.plan import EngineLimits
    from ssap_query.engine.rows import MemoryLimit
    from ssap_query.sql.spooled import SpooledRows

    small = ssap.open(folder, limits=EngineLimits(result=MemoryLimit(100, 1 << 30)))
    found = small.cluster(client).search(maxrec=500, columns=["mobsid"]).compute()
    assert isinstance(found.rows, SpooledRows)
    assert_same(found, ssap.open(folder).search(maxrec=500, columns=["mobsid"]), "spooled")


def test_what_is_lazy_is_a_catalogue_of_lsdb(client: Any, folder: Path) -> None:
    mirror = ssap.open(folder)
    search = mirror.cluster(client).search(snr=(20, None), top=3, columns=["mobsid", "ssa_snr"])
    everything = mirror.search(snr=(20, None), columns=["mobsid"]).to_arrow()["mobsid"].to_pylist()
    placed = search.catalog.compute(progress_bar=False)["mobsid"].tolist()
    unplaced = search.unplaced()["mobsid"].to_pylist()
    assert [*placed, *unplaced] == everything, "limits do not hold for it"
    assert unplaced
    counted = search.catalog.map_partitions(lambda frame: frame.assign(rows=len(frame))[["ra", "dec", "rows"]])
    assert len(counted.compute(progress_bar=False)) == len(placed)
    cone = mirror.cluster(client).search(pos=(56.1, 21.6), size=2)
    assert 0 < len(cone.catalog.get_healpix_pixels()) < len(mirror.catalog.partitions)
    assert "workers" in str(mirror.cluster(client).explain([("REQUEST", "queryData"), ("SNR", "20")]))


def test_damage_is_an_error_and_no_answer(client: Any, folder: Path, awkward: Any, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "damaged")
    mirror = ssap.open(tmp_path / "damaged")
    for path in (mirror.catalog.partitions[3].path, mirror.catalog.unplaced.path):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] + b"\0\1\2\3" + content[len(content) // 2 + 4 :])
        with pytest.raises(CatalogError, match=path.name):
            mirror.cluster(client).search(columns=["mobsid"]).compute()
        path.write_bytes(content)
    assert len(mirror.cluster(client).search(columns=["mobsid"]).compute()) == len(awkward.ids)


def test_the_workers_read_what_lies_elsewhere(client: Any, awkward: Any, tmp_path: Path) -> None:
    mirror = awkward.open("one")
    expected = mirror.search(snr=(20, None), columns=["mobsid", "ssa_location"])
    with serving_files(awkward.home) as host:
        far = mirror.cluster(client, address=f"{host}/one")
        assert_same(far.search(snr=(20, None), columns=["mobsid", "ssa_location"]).compute(), expected, "http")
        with pytest.raises(ParameterError, match="cannot be read"):
            mirror.cluster(client, address=f"{host}/none")
    copied = tmp_path / "elsewhere"
    shutil.copytree(awkward.home / "one", copied)
    near = mirror.cluster(client, address=str(copied))
    assert_same(near.search(snr=(20, None), columns=["mobsid", "ssa_location"]).compute(), expected, "another path")


def test_another_snapshot_of_the_name_is_refused(client: Any, awkward: Any, tmp_path: Path) -> None:
    mirror = awkward.open("one")
    name = mirror.catalog.path.name
    shutil.copytree(awkward.home / "tiny", tmp_path / "m")
    (old,) = (tmp_path / "m" / "snapshots").iterdir()
    if old.name != name:
        old.rename(old.with_name(name))
    with serving_files(tmp_path) as host, pytest.raises(ParameterError, match="another snapshot"):
        mirror.cluster(client, address=f"{host}/m")
    with pytest.raises(CatalogError, match="another snapshot"):
        mirror.cluster(client, address=str(tmp_path / "m")).search(maxrec=1).compute()
    assert (layout.snapshots_dir(tmp_path / "m") / name).is_dir()


def test_what_is_no_scheduler_is_said_in_a_sentence(awkward: Any) -> None:
    import dask

    mirror = awkward.open("one")
    with pytest.raises(ParameterError, match="workers"):
        mirror.cluster("tcp://127.0.0.1:1", workers=3)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(SourceError, match="cannot be reached"),
    ):
        mirror.cluster("tcp://127.0.0.1:1")
