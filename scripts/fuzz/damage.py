"""Damage a mirror, a byte or a file at a time, and see that nothing that reads it gives a wrong answer.

Run as ``.venv/bin/python -m scripts.fuzz.damage 1000 50 --seed 1``: so many single bytes are changed (in pages,
footers, manifest, properties, ...) and so many files exchanged (with each other, with those of an older snapshot, or
with nothing). After each, mirrors that were open before and one that is opened then are asked all kinds of questions.
Each has to give the answer of the whole mirror, or a `CatalogError` that says how to find out more; and `verify` has
to find the damage. The exit code is 1 if any of that fails.
"""

from __future__ import annotations

import argparse
import io
import itertools
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import ssap_query
from ssap_mirror import build_mirror
from ssap_mirror.check.snapshot import verify
from ssap_mirror.core import layout
from ssap_mirror.core.catalog import Catalog, find_snapshot, open_catalog, read_catalog
from ssap_mirror.errors import CatalogError
from ssap_mirror.pipeline.known_services import lamost6_mrs
from ssap_mirror.sources.harvest.refresh_base import base_batches
from ssap_query.mirror.mirror import Mirror

from scripts.fuzz.report import Report
from scripts.rows import synthetic_rows

__all__ = ["QUESTIONS", "Damage", "Report", "campaign", "exchanges", "flips"]

_ROWS, _TILE_ROWS, _SEED = 600, 60, 5
_HEADER = b'<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE><INFO name="made up"/></RESOURCE></VOTABLE>'
# So many bytes at the end of a Parquet file are, most likely, of its footer.
_FOOTER_BYTES = 20_000
# What an error tells people to do; the second where there is no manifest, and so nothing to verify.
_ADVICE = ("ssap-mirror verify", "ssap-mirror snapshots")
# Questions that each reader is asked after each damage.
_ASKED_AT_ONCE = 5
# Questions that a mirror was asked before it was damaged.
_ASKED_BEFORE = ("cone", "sql")

Question = Callable[[Mirror], bytes]


def _text(result: Any) -> bytes:
    target = io.BytesIO()
    result.write(target, "csv")
    return target.getvalue()


def _places(mirror: Mirror, count: int) -> list[tuple[float, float]]:
    """Positions all over the footprint, the same for the same mirror: they come from the manifest, not from rows."""
    (west, east), (south, north) = (mirror.catalog.manifest["coverage"][axis] for axis in ("ra", "dec"))
    rng = np.random.default_rng(_SEED)
    return list(zip(rng.uniform(west, east, count).tolist(), rng.uniform(south, north, count).tolist(), strict=True))


def _match(mirror: Mirror) -> bytes:
    places = np.array(_places(mirror, 500))
    other = pa.table({"star": np.arange(500), "ra": places[:, 0], "dec": places[:, 1]})
    return (
        pa.table(mirror.crossmatch(other, 3600, "all", verb=1).to_arrow()).sort_by("star").to_pandas().to_csv().encode()
    )


def _match_as_file(mirror: Mirror) -> bytes:
    places = np.array(_places(mirror, 50))
    other = pa.table({"star": np.arange(50), "ra": places[:, 0], "dec": places[:, 1]})
    found = ssap_query.crossmatch(other, mirror.catalog.path, 3600, right_columns=["mobsid", "ssa_snr"])
    return pa.table(found.to_arrow()).sort_by("star").to_pandas().to_csv().encode()


def _base(mirror: Mirror) -> bytes:
    """Read what a refresh starts from."""
    catalog = open_catalog(mirror.catalog.path)
    table = pa.Table.from_batches(base_batches(catalog, catalog.schema))
    return str([table[name].to_pylist() for name in table.column_names]).encode()


#: What is asked, by name.
QUESTIONS: dict[str, Question] = {
    "search": lambda mirror: _text(mirror.search(snr="20/", columns="all")),
    "limit": lambda mirror: _text(mirror.search(maxrec=20)),
    "cone": lambda mirror: _text(mirror.search(pos=_places(mirror, 1)[0], size=20, columns="all")),
    "cone and more": lambda mirror: _text(mirror.search(pos=_places(mirror, 2)[1], size=20, snr="10/", verb=1)),
    "cones": lambda mirror: _text(mirror.search(pos=_places(mirror, 60), size=8, verb=3)),
    "names": lambda mirror: _text(mirror.ssap("REQUEST=getTargetNames")),
    "parameters": lambda mirror: str(mirror.ssap("REQUEST=queryData&FORMAT=METADATA").inputs).encode(),
    "sql": lambda mirror: _text(
        mirror.sql("SELECT objtype, count(*), sum(ssa_snr) FROM spectra GROUP BY 1 ORDER BY 1")
    ),
    "sql rows": lambda mirror: _text(mirror.sql("SELECT * FROM spectra WHERE ssa_snr > 50 ORDER BY mobsid, ssa_snr")),
    "xmatch": _match,
    "xmatch as a file": _match_as_file,
    "export": lambda mirror: _text(mirror.search(columns="all")),
    "refresh": _base,
}


@dataclass(frozen=True)
class Damage:
    """One thing that goes wrong with a mirror, and can be made good."""

    words: str
    """What it is."""
    done: Callable[[], Any]
    """Context manager: the mirror is damaged within, and as before after it."""


def make_mirrors(home: Path) -> tuple[Path, Catalog]:
    """Make a mirror, and a snapshot of the same sky from before: some rows had other values then."""
    schema = lamost6_mrs()
    rows = pa.Table.from_batches(synthetic_rows.batches(_ROWS, _SEED))
    snr = rows["ssa_snr"].to_numpy() + np.where(np.arange(len(rows)) % 7, np.float32(0), np.float32(0.5))
    before = rows.set_column(rows.column_names.index("ssa_snr"), rows.schema.field("ssa_snr"), [pa.array(snr)])
    older = build_mirror(
        before.to_batches(), schema, home / "older", "damaged", service_xml=_HEADER, tile_rows=_TILE_ROWS
    )
    build_mirror(rows.to_batches(), schema, home / "mirror", "damaged", service_xml=_HEADER, tile_rows=_TILE_ROWS)
    return home / "mirror", older


def flips(snapshot: Path, count: int, seed: int) -> Iterator[Damage]:
    """Yield changes of single bytes, as many in small files as in large ones."""
    chance = random.Random(seed)
    files = sorted(path for path in snapshot.rglob("*") if path.is_file())
    parts = [path for path in files if path.suffix == ".parquet"]
    others = [path for path in files if path not in parts]
    for number in range(count):
        path = chance.choice(others) if number % 3 == 0 else chance.choice(parts)
        size = path.stat().st_size
        first = max(size - _FOOTER_BYTES, 0) if number % 3 == 1 else 0
        offset, change = chance.randrange(first, size), chance.randrange(1, 256)
        words = f"byte {offset:,} of {size:,} of {path.relative_to(snapshot)} ^ {change:#04x}"
        yield Damage(words, lambda path=path, offset=offset, change=change: _flipped(path, offset, change))


@contextmanager
def _flipped(path: Path, offset: int, change: int) -> Iterator[None]:
    def flip() -> None:
        with path.open("r+b") as file:
            file.seek(offset)
            value = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([value ^ change]))

    flip()
    try:
        yield
    finally:
        flip()


def exchanges(snapshot: Path, older: Path, count: int, seed: int) -> Iterator[Damage]:
    """Yield exchanges of files: with one another, with those of an older snapshot, with nothing."""
    chance = random.Random(seed)
    files = sorted(path for path in snapshot.rglob("*") if path.is_file())
    parts = [path for path in files if path.suffix == ".parquet"]
    for kind in itertools.islice(itertools.cycle(["swapped", "older", "gone", "twice", "cut off"]), count):
        path = chance.choice(parts if kind in ("swapped", "twice") else files)
        other = chance.choice([part for part in parts if part != path])
        old = older / path.relative_to(snapshot)
        content = path.read_bytes()
        new: dict[Path, bytes | None] = {path: content[: chance.randrange(len(content))]}
        if kind == "swapped":
            new = {path: other.read_bytes(), other: content}
        elif kind == "older":
            # A manifest and its digest agree.
            both = [layout.MANIFEST, layout.MANIFEST_DIGEST] if path.name.startswith(layout.MANIFEST) else []
            new = {snapshot / name: (older / name).read_bytes() for name in both} or {path: old.read_bytes()}
        elif kind == "gone":
            new = {path: None}
        elif kind == "twice":
            new = {path: other.read_bytes()}
        if any(put != file.read_bytes() for file, put in new.items()):
            words = f"{path.relative_to(snapshot)} {kind}"
            yield Damage(words, lambda new=new: _replaced(new, snapshot.parents[2]))


@contextmanager
def _replaced(new: dict[Path, bytes | None], folder: Path) -> Iterator[None]:
    """Put other content in place of files, with the same times, and keep the files in a folder meanwhile."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        kept = {path: Path(scratch) / str(number) for number, path in enumerate(new)}
        for path, content in new.items():
            path.rename(kept[path])
            if content is not None:
                path.write_bytes(content)
                shutil.copystat(kept[path], path)
        try:
            yield
        finally:
            for path, original in kept.items():
                original.replace(path)


def campaign(mirror: Path, damages: Iterator[Damage], seed: int) -> Report:
    """Damage a mirror in one way after the other, and ask.

    Parameters
    ----------
    mirror : pathlib.Path
        Its folder; as before when this is done.
    damages : iterator of Damage
        What to do to it.
    seed : int
        Chooses the questions.
    """
    report, chance = Report(), random.Random(seed)
    snapshot = find_snapshot(mirror)
    right = {name: ask(ssap_query.open(mirror)) for name, ask in QUESTIONS.items()}
    # One keeps what it has decoded, of the whole mirror; the other reads it again each time.
    before = {"keeping": ssap_query.open(mirror), "open": ssap_query.open(mirror, cache_bytes=0)}
    for opened in before.values():
        for name in _ASKED_BEFORE:
            QUESTIONS[name](opened)
    for damage in damages:
        with damage.done():
            try:
                readers = {**before, "new": ssap_query.open(mirror)}
            except CatalogError as error:
                readers = before
                report.outcomes["opening: refused"] += 1
                if not any(words in str(error) for words in _ADVICE):
                    report.problems.append(f"{damage.words}: opening is refused without advice: {error}")
            for which, reader in readers.items():
                for name in chance.sample(list(QUESTIONS), _ASKED_AT_ONCE):
                    outcome = _outcome(QUESTIONS[name], reader, right[name])
                    report.outcomes[f"{which}, {name}: {outcome.partition(' ')[0]}"] += 1
                    if outcome not in ("right", "refused"):
                        report.problems.append(f"{damage.words}: {which}, {name}: {outcome}")
            if not _verified(snapshot):
                report.problems.append(f"{damage.words}: verify finds nothing")
    return report


def _verified(snapshot: Path) -> bool:
    """Whether `verify` finds the damage."""
    try:
        return bool(verify(read_catalog(snapshot)))
    except CatalogError:
        return True


def _outcome(ask: Question, mirror: Mirror, right: bytes) -> str:
    try:
        found = ask(mirror)
    except CatalogError as error:
        return "refused" if any(words in str(error) for words in _ADVICE) else f"unhelpful {error}"
    except Exception as error:
        return f"failed {type(error).__name__}: {error}"
    return "right" if found == right else "wrong"


def main() -> None:
    """Damage and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("flips", type=int)
    parser.add_argument("exchanges", type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        mirror, older = make_mirrors(Path(scratch))
        snapshot = find_snapshot(mirror)
        report = campaign(
            mirror,
            itertools.chain(
                flips(snapshot, options.flips, options.seed),
                exchanges(snapshot, older.path, options.exchanges, options.seed),
            ),
            options.seed,
        )
    for outcome, count in sorted(report.outcomes.items()):
        print(f"{count:6,}  {outcome}")
    report.end()


if __name__ == "__main__":
    main()
