"""What was live when: going back and forth, what may go and what never does, and damage beside the snapshots."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from ssap_mirror.build.snapshot import BuildInfo, build_snapshot
from ssap_mirror.core import catalog, layout
from ssap_mirror.core.catalog import live_name, open_catalog, open_leased
from ssap_mirror.core.schema import Schema
from ssap_mirror.core.snapshots import list_snapshots, list_strays, make_live, prune, rollback
from ssap_mirror.core.snapshots.history import read_history
from ssap_mirror.errors import CatalogError

RowMaker = Callable[..., pa.RecordBatch]


class Made:
    """A mirror whose snapshots have letters: `a` has one row, `b` two, and so on."""

    def __init__(self, path: Path, schema: Schema, rows: RowMaker) -> None:
        self.path = path
        self._schema = schema
        self._rows = rows
        self._letters: dict[str, str] = {}

    def add(self, letter: str, *, live: bool = True) -> None:
        """Build a snapshot, and make it live."""
        batch = self._rows(30).slice(0, ord(letter) - ord("a") + 1)
        catalog = build_snapshot([batch], self._schema, self.path, BuildInfo("m", "T"))
        self._letters[catalog.path.name] = letter
        if live:
            make_live(self.path, catalog)

    def name(self, letter: str) -> str:
        return next(name for name, known in self._letters.items() if known == letter)

    def back(self, letter: str | None = None) -> str:
        """Roll back; the letter of what is live then."""
        return self._letters[rollback(self.path, letter and self.name(letter)).path.name]

    @property
    def live(self) -> str:
        return self._letters[str(live_name(self.path))]

    @property
    def listed(self) -> str:
        """Letters in the order of the list, the live one in capitals."""
        return "".join(
            self._letters[s.name].upper() if s.live else self._letters[s.name] for s in list_snapshots(self.path)
        )

    def prune(self, keep: int) -> str:
        return "".join(self._letters[name] for name in prune(self.path, keep))


@pytest.fixture
def made(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> Made:
    return Made(tmp_path / "m", spectra_schema, spectra_rows)


@pytest.fixture
def abc(made: Made) -> Made:
    for letter in "abc":
        made.add(letter)
    return made


def test_back_and_forth_by_name(abc: Made) -> None:
    assert [abc.back("a"), abc.back("c"), abc.back("b"), abc.back("b")] == ["a", "c", "b", "b"]
    assert abc.listed == "acB"


def test_without_a_name_it_goes_to_what_the_live_one_replaced(abc: Made) -> None:
    assert abc.back() == "b"
    abc.add("d")
    assert abc.back() == "b", "not c, which d never replaced"
    assert abc.back() == "a"
    assert abc.back("d") == "d"
    assert abc.back() == "b"


def test_a_name_that_is_not_there(abc: Made) -> None:
    with pytest.raises(CatalogError, match=rf"has no snapshot 'x'; there are: {abc.name('a')}, "):
        rollback(abc.path, "x")
    assert abc.live == "c"


def test_after_a_rollback_the_good_one_stays_and_the_bad_one_goes(made: Made) -> None:
    for letter in "ab":
        made.add(letter)
    assert made.back() == "a"
    made.add("c")
    assert made.prune(1) == "b"
    assert made.listed == "aC"


def test_a_clock_that_was_wrong_once_changes_nothing(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    for letter, year in (("a", 2026), ("b", 2030), ("c", 2026), ("d", 2026)):
        moment = datetime(year, 11, ord(letter) - ord("a") + 1, tzinfo=UTC)
        monkeypatch.setattr(
            "ssap_mirror.build.snapshot.layout.new_snapshot_name", lambda moment=moment: f"{moment:%Y%m%dT%H%M%SZ}"
        )
        made.add(letter)
    assert made.listed == "abcD"
    assert made.prune(1) == "ab"
    assert made.back() == "c"


def test_the_history_of_a_mirror_that_has_none_goes_by_names(abc: Made) -> None:
    layout.history_file(abc.path).unlink()
    layout.current_file(abc.path).write_text(f"{abc.name('b')}\n")
    assert abc.back() == "a"
    assert read_history(abc.path).recorded
    assert abc.back("c") == "c"
    assert abc.listed == "baC"


@pytest.mark.parametrize("junk", [b"", b"\x00\xff\xfe junk\n", b"no\n\n \n" * 50, b"2026-11-22T10:20:31Z ../../etc\n"])
def test_garbage_in_the_history_is_passed_over(abc: Made, junk: bytes) -> None:
    file = layout.history_file(abc.path)
    file.write_bytes(junk + file.read_bytes() + junk)
    assert abc.back() == "b"
    abc.add("d")
    assert abc.prune(1) == "ac"
    lines = file.read_text().splitlines()
    assert [line.partition(" ")[2] for line in lines] == [abc.name("b"), abc.name("d")]


def test_a_history_that_is_all_garbage_or_a_folder(abc: Made) -> None:
    layout.history_file(abc.path).write_bytes(bytes(range(256)))
    assert abc.back() == "b"
    layout.history_file(abc.path).unlink()
    layout.history_file(abc.path).mkdir()
    assert abc.listed == "acB"


def test_interrupted_between_the_two_files(abc: Made) -> None:
    """The history has it, CURRENT not yet: it was never live, whatever comes next."""
    abc.add("d", live=False)
    with layout.history_file(abc.path).open("a") as file:
        file.write(f"2026-11-22T10:20:31Z {abc.name('d')}\n")
    assert abc.listed == "abdC"
    assert abc.back() == "b"


BROKEN = [b"", b"\n", b"\xff\xfe\x00\n", b"../..\n", b"20200101T000000Z\n", b"two\nlines\n", None]


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_current_can_be_listed_and_mended(abc: Made, content: bytes | None) -> None:
    current = layout.current_file(abc.path)
    current.unlink()
    if content is not None:
        current.write_bytes(content)
    with pytest.raises(
        CatalogError, match=r"has no live snapshot: CURRENT .* \(ssap-mirror snapshots lists .* rollback"
    ):
        open_catalog(abc.path)
    assert abc.listed == "abc"
    with pytest.raises(CatalogError, match="has no live snapshot"):
        prune(abc.path, 0)
    assert abc.back() == "c", "it was live last"
    assert abc.listed == "abC"
    current.write_bytes(content or b"")
    assert abc.back("a") == "a"


def test_a_broken_current_without_a_history(abc: Made) -> None:
    layout.history_file(abc.path).unlink()
    layout.current_file(abc.path).write_bytes(b"")
    with pytest.raises(CatalogError, match=rf"no record of what was live last; one .* named: {abc.name('a')}, "):
        rollback(abc.path)
    assert abc.back("b") == "b"


def test_a_live_snapshot_that_somebody_removed(abc: Made) -> None:
    (layout.snapshots_dir(abc.path) / abc.name("c")).rename(abc.path / "elsewhere")
    assert abc.back() == "b"


def test_strange_things_among_the_snapshots_are_named_and_left_alone(abc: Made) -> None:
    folder = layout.snapshots_dir(abc.path)
    (folder / "notes.txt").write_text("mine")
    (folder / "20200101T000000Z").mkdir()
    (folder / "20200101T000000Z" / "dataset").mkdir()
    (folder / "link").symlink_to(abc.path / "nowhere")
    shutil.copytree(folder / abc.name("a"), folder / "good-one")
    abc.add("d", live=False)
    assert [path.name for path in list_strays(abc.path)] == ["20200101T000000Z", "link", "notes.txt"]
    assert {s.name: s.last_live is None for s in list_snapshots(abc.path)} == {
        "good-one": True, abc.name("a"): False, abc.name("b"): False, abc.name("c"): False, abc.name("d"): True,
    }  # fmt: skip
    rollback(abc.path, "good-one")
    assert abc.back("c") == "c"
    assert abc.prune(0) == "ab", "nothing that was never live or has a name of its own"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["20200101T000000Z", "good-one", "link", "notes.txt", abc.name("c"), abc.name("d")]
    )


class TestLease:
    """A snapshot that is being read stays."""

    def test_it_is_pruned_when_the_reader_is_done(self, abc: Made) -> None:
        first = open_leased(abc.path)
        second = open_leased(first.path)
        abc.add("d")
        assert abc.prune(0) == "ab"
        del second
        assert abc.prune(0) == "", "the first still reads it"
        assert first.rows == 3
        del first
        assert abc.prune(0) == "c"

    def test_a_reader_in_another_process(self, abc: Made) -> None:
        code = """
        import sys
        from pathlib import Path
        from ssap_mirror.core.catalog import open_leased
        catalog = open_leased(Path(sys.argv[1]))
        print(catalog.rows, flush=True)
        sys.stdin.read()
        """
        command = [sys.executable, "-c", textwrap.dedent(code), str(abc.path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "3\n"
            abc.add("d")
            assert abc.prune(0) == "ab"
            reader.kill()
        assert abc.prune(0) == "c", "a lease ends with its process"

    def test_where_there_are_no_locks_reading_and_pruning_work(
        self, abc: Made, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        taken = fcntl.flock

        def flock(descriptor: int, operation: int) -> None:
            if operation in (fcntl.LOCK_SH | fcntl.LOCK_NB, fcntl.LOCK_EX | fcntl.LOCK_NB):
                name = Path(f"/proc/self/fd/{descriptor}").readlink().name
                if name == layout.MANIFEST:
                    raise OSError(37, "No locks available")
            taken(descriptor, operation)

        monkeypatch.setattr(fcntl, "flock", flock)
        reader = open_leased(abc.path)
        assert reader.rows == 3
        abc.add("d")
        assert abc.prune(0) == "abc"

    def test_a_snapshot_removed_while_it_is_opened(self, abc: Made, monkeypatch: pytest.MonkeyPatch) -> None:
        """Between finding it and locking it another process syncs and prunes: the reader gets the new one."""
        found = catalog.find_snapshot
        synced: list[str] = []

        def find(name: str | Path, home: Path | None) -> Path:
            snapshot = found(name, home)
            monkeypatch.setattr(catalog, "find_snapshot", found)
            abc.add("d")
            synced.append(abc.prune(0))
            return snapshot

        monkeypatch.setattr(catalog, "find_snapshot", find)
        assert open_leased(abc.path).rows == 4
        assert synced == ["abc"]
