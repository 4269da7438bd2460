"""A file that is replaced has its old content or the new, whatever happens meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ssap_mirror.core.storage import replacing


def test_the_new_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    for content in (b"first", b"second"):
        with replacing(target) as new:
            assert new.parent == tmp_path
            assert not target.exists() or target.read_bytes() == b"first"
            new.write_bytes(content)
        assert target.read_bytes() == content
    assert list(tmp_path.iterdir()) == [target]
    mask = os.umask(0o022)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "rows.csv"
    target.write_bytes(b"old")

    def write() -> None:
        with replacing(target) as new:
            new.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        write()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    with replacing(target) as one, replacing(target) as other:
        assert one != other
        one.write_bytes(b"one")
        other.write_bytes(b"other")
    assert target.read_bytes() == b"one"


def test_a_device_is_written_as_it_is() -> None:
    with replacing(Path(os.devnull)) as new:
        assert new == Path(os.devnull)
        new.write_bytes(b"gone")
    assert Path(os.devnull).is_char_device()
