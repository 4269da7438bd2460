"""Damaged files come back as they were, or it is said which did not."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from ssap_mirror import RequestPolicy, build_mirror, sync
from ssap_mirror.check.repair import Repaired, repair
from ssap_mirror.check.snapshot import verify
from ssap_mirror.core import layout
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.core.schema import Schema
from ssap_mirror.pipeline.remembered import pulled_from
from ssap_mirror.publish.files import list_snapshot
from ssap_mirror.publish.folder import publish

from tests.mirror.conftest import RowMaker
from tests.support.static_host import static_host

QUICK = RequestPolicy(attempts=2, first_wait_s=0.01, longest_wait_s=0.02)


def damage(file: Path, chance: random.Random) -> None:
    """Change a byte in place, so that hard links share it, or cut the file off, or remove it."""
    kind = chance.choice(["flip", "cut", "gone"])
    if kind == "gone":
        file.unlink()
        return
    content = bytearray(file.read_bytes())
    place = chance.randrange(len(content))
    content[place] ^= 1 << chance.randrange(8)
    file.write_bytes(content if kind == "flip" else content[:place])


def repaired(mirror: Path, snapshot: str) -> Repaired:
    return repair(mirror, snapshot, pulled_from(layout.snapshots_dir(mirror) / snapshot), QUICK)


@pytest.mark.parametrize("files", [12, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_every_damaged_file_of_a_pulled_mirror_is_restored(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker, files: int
) -> None:
    chance = random.Random(files)
    build_mirror([spectra_rows(600)], spectra_schema, tmp_path / "m", tile_rows=60)
    publish(tmp_path / "m", tmp_path / "www")
    shutil.rmtree(tmp_path / "m")  # it shares its blocks with what is published
    with static_host(tmp_path / "www") as host:
        sync("m", source=f"{host.url}/m/", home=tmp_path / "home", policy=QUICK)
        mirror = tmp_path / "home" / "m"
        whole = list_snapshot(open_catalog(mirror))
        for _ in range(files):
            for victim in chance.sample(whole.files, chance.choice([1, 1, 3])):
                damage(mirror / victim.path, chance)
            done = repaired(mirror, whole.snapshot)
            assert done.left == ()
            assert list_snapshot(open_catalog(mirror)) == whole
        assert verify(open_catalog(mirror)) == []


@pytest.mark.parametrize("files", [12, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_a_harvested_mirror_has_what_can_be_made_anew(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker, files: int
) -> None:
    chance = random.Random(files)
    home = tmp_path / "whole"
    for rows in (590, 600):
        catalog = build_mirror([spectra_rows(600).slice(0, rows)], spectra_schema, home, tile_rows=60)
    whole = list_snapshot(catalog)
    outcomes = {"restored": 0, "left": 0}
    for number in range(files):
        mirror = tmp_path / str(number)
        shutil.copytree(home, mirror, symlinks=True)  # every snapshot has a copy of its own of what is shared
        victim = chance.choice(whole.files)
        damage(mirror / victim.path, chance)
        done = repaired(mirror, whole.snapshot)
        if done.left:
            outcomes["left"] += 1
            name = victim.path.rpartition("/")[2]
            assert any(name in sentence for sentence in done.left) or name == layout.MANIFEST_DIGEST
        else:
            outcomes["restored"] += 1
            assert verify(open_catalog(mirror)) == []
            rows = [file for file in whole.files if file.path.startswith("snapshots/")]
            assert [file for file in list_snapshot(open_catalog(mirror)).files if file in rows] == rows
        shutil.rmtree(mirror)
    assert min(outcomes.values()) > 0, outcomes


def test_a_damage_that_hard_links_share_is_mended_in_all_of_them(
    tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker
) -> None:
    mirror = tmp_path / "m"
    old, new = (build_mirror([spectra_rows(300)], spectra_schema, mirror, tile_rows=60) for _ in range(2))
    publish(mirror, tmp_path / "www")
    shutil.copytree(tmp_path / "www", tmp_path / "served")
    victim = new.partitions[0].path
    assert victim.samefile(old.partitions[0].path)
    content = bytearray(victim.read_bytes())
    content[100] ^= 1
    victim.write_bytes(content)
    with static_host(tmp_path / "served") as host:
        done = repair(mirror, new.path.name, f"{host.url}/m", QUICK)
    assert done.left == ()
    assert verify(open_catalog(new.path)) == verify(open_catalog(old.path)) == []
