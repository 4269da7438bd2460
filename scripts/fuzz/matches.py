"""Match random tables in every form, and hold each result against all pairs worked out one by one.

Run as ``.venv/bin/python -m scripts.fuzz.matches 2000 --seed 1``. The same count and seed give the same matches. The
exit code is 1 if any differs.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import ssap_query
from numpy.typing import NDArray
from ssap_mirror.core.quantities.positions import Positions

__all__ = ["FORMS", "Trial", "check", "make_trial"]

Pair = tuple[int | None, int | None]

#: Forms that a table is given in.
FORMS = ("arrow", "dict", "pandas", "polars", "astropy", "csv", "parquet", "parquet files", "fits", "votable")
FINDS = ("best", "all", "best-per-target", "symmetric", "unmatched")
JOINS = ("inner", "left", "right", "outer")
# Names as catalogues have them: found by themselves, or said.
NAMES = (
    ("ra", "dec"),
    ("_RAJ2000", "_DEJ2000"),
    ("ALPHA_J2000", "DELTA_J2000"),
    ("lon gitude", "R(mag)"),
    ("RA", "de"),
)
_ARCSEC = 3600.0


@dataclass(frozen=True)
class Trial:
    """Two tables and how they are matched."""

    left: Mapping[str, list[Any]]
    """Columns ``i``, ``value`` and the positions."""
    right: Mapping[str, list[Any]]
    """Columns ``j``, ``value`` and the positions."""
    names: tuple[tuple[str, str], tuple[str, str]]
    """Columns of the positions of both."""
    forms: tuple[str, str]
    """Forms of both: of `FORMS`."""
    radius: float
    """Largest separation [arcsec]."""
    options: Mapping[str, Any]
    """Arguments of `ssap_query.crossmatch`."""


def make_trial(number: int, seed: int) -> Trial:
    """Make a trial; the same number and seed give the same one."""
    rng = np.random.default_rng([seed, number])
    radius = float(10 ** rng.uniform(0, 3))
    centre = (float(rng.choice([0.0, 180.0, rng.uniform(0, 360)])), float(rng.choice([0.0, 89.9, -60.0])))
    names = tuple(NAMES[rng.integers(len(NAMES))] for _ in range(2))
    sides = [_table(rng, side, centre, radius, name) for side, name in zip("ij", names, strict=True)]
    find = str(rng.choice(FINDS))
    options: dict[str, Any] = {"find": find, "join": "inner" if find == "unmatched" else str(rng.choice(JOINS))}
    if rng.random() < 0.3:
        options["min_radius_arcsec"] = radius * float(rng.uniform(0.1, 0.9))
    if rng.random() < 0.2:
        options["self_pairs"] = False
    if find in ("best", "best-per-target"):
        if rng.random() < 0.4:
            options["n_neighbors"] = int(rng.integers(2, 5))
        if rng.random() < 0.4:
            options["best_by"] = str(rng.choice(["value", "value ASC"]))
    forms = tuple(str(rng.choice(FORMS)) for _ in range(2))
    return Trial(sides[0], sides[1], names, forms, radius, options)  # type: ignore[arg-type]


def _table(
    rng: np.random.Generator, number: str, centre: tuple[float, float], radius: float, names: tuple[str, str]
) -> dict[str, list[Any]]:
    rows = int(rng.integers(1, 60))
    spread = radius / _ARCSEC * float(rng.uniform(0.5, 4))
    # At the pole itself all rows would be equally near but for the last digits of a sine.
    dec = np.clip(centre[1] + rng.uniform(-spread, spread, rows), -89.999, 89.999)
    ra = (centre[0] + rng.uniform(-spread, spread, rows) / np.cos(np.radians(dec))) % 360
    copies = rng.integers(rows, size=(rows // 4, 2))
    for onto, of in copies:  # some at one place, for rows that are equally near
        ra[onto], dec[onto] = ra[of], dec[of]
    for axis in (ra, dec):
        axis[rng.random(rows) < 0.1] = math.nan
    values = [None if rng.random() < 0.2 else int(value) for value in rng.integers(0, 5, rows)]
    return {number: list(range(rows)), names[0]: ra.tolist(), names[1]: dec.tolist(), "value": values}


def _given(columns: Mapping[str, list[Any]], form: str, folder: Path) -> Any:
    """Put a table into a form; NaN stays NaN in Parquet, and is an empty cell in text."""
    table = pa.table(
        {name: pa.array(cells, pa.float64() if name != "value" else None) for name, cells in columns.items()}
    )
    table = table.set_column(0, table.column_names[0], table.column(0).cast(pa.int64()))
    table = table.set_column(3, "value", table["value"].cast(pa.int64()))
    if form == "arrow":
        return table
    if form == "dict":
        return {name: np.array(cells, float) if name != "value" else table[name] for name, cells in columns.items()}
    if form == "pandas":
        return table.to_pandas()
    if form == "polars":
        import polars as pl

        return pl.from_arrow(table)
    path = folder / f"x{len(list(folder.iterdir()))}"
    if form == "csv":
        pyarrow.csv.write_csv(table, path.with_suffix(".csv"))
        return path.with_suffix(".csv")
    if form == "parquet":
        pq.write_table(table, path.with_suffix(".parquet"), row_group_size=7)
        return path.with_suffix(".parquet")
    if form == "parquet files":
        path.mkdir()
        for start in range(0, len(table), 20):
            pq.write_table(table.slice(start, 20), path / f"{start:03}.parquet")
        return str(path / "*.parquet")
    from astropy.table import MaskedColumn, Table

    made = Table({name: columns[name] for name in list(columns)[:3]})
    values = columns["value"]
    made["value"] = MaskedColumn([value or 0 for value in values], mask=[value is None for value in values])
    if form == "astropy":
        return made
    kind, suffix = ("fits", ".fits") if form == "fits" else ("votable", ".vot")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are no identifiers
        made.write(path.with_suffix(suffix), format=kind)
    return path.with_suffix(suffix)


def _separations(trial: Trial) -> NDArray[np.float64]:
    """All separations [arcsec]; NaN where a row has no position."""
    (ra1, dec1), (ra2, dec2) = (
        (np.radians(np.array(side[names[0]])), np.radians(np.array(side[names[1]])))
        for side, names in zip((trial.left, trial.right), trial.names, strict=True)
    )
    dra, ddec = (ra1[:, None] - ra2) / 2, (dec1[:, None] - dec2) / 2
    square = np.sin(ddec) ** 2 + np.cos(dec1)[:, None] * np.cos(dec2) * np.sin(dra) ** 2
    return np.degrees(2 * np.arcsin(np.sqrt(square))) * _ARCSEC


def expected(trial: Trial) -> list[Pair]:
    """Work out the pairs one by one, and the rows without a partner that the join keeps."""
    apart, options = _separations(trial), trial.options
    with np.errstate(invalid="ignore"):
        good = (apart <= trial.radius) & (apart >= options.get("min_radius_arcsec", 0.0))
    if not options.get("self_pairs", True):
        np.fill_diagonal(good, val=False)
    near: list[tuple[int, int]] = [(int(i), int(j)) for i, j in zip(*np.nonzero(good), strict=True)]
    find = options["find"]
    lefts, rights = range(len(apart)), range(apart.shape[1])
    if find == "unmatched":
        return [(i, None) for i in lefts if not any(pair[0] == i for pair in near)]
    if find in ("best", "best-per-target"):
        near = _best(trial, apart, near, subject=0 if find == "best" else 1)
    elif find == "symmetric":
        chosen: list[tuple[int, int]] = []
        for i, j in sorted(near, key=lambda pair: (round(apart[pair], 9), pair)):
            if all(i != a and j != b for a, b in chosen):
                chosen.append((i, j))
        near = chosen
    found: list[Pair] = list(near)
    if options["join"] in ("left", "outer"):
        found += [(i, None) for i in lefts if not any(pair[0] == i for pair in near)]
    if options["join"] in ("right", "outer"):
        found += [(None, j) for j in rights if not any(pair[1] == j for pair in near)]
    return found


def _best(
    trial: Trial, apart: NDArray[np.float64], near: Sequence[tuple[int, int]], subject: int
) -> list[tuple[int, int]]:
    values = (trial.right if subject == 0 else trial.left)["value"]
    rank = trial.options.get("best_by")

    def key(pair: tuple[int, int]) -> tuple[float, float, int]:
        partner = pair[1 - subject]
        value = values[partner]
        worth = 0.0 if rank is None else math.inf if value is None else value if rank.endswith("ASC") else -value
        return worth, round(float(apart[pair]), 9), partner

    found = []
    for row in dict.fromkeys(pair[subject] for pair in near):
        partners = sorted((pair for pair in near if pair[subject] == row), key=key)
        found += partners[: trial.options.get("n_neighbors", 1)]
    return found


def check(trial: Trial, folder: Path) -> str | None:
    """Run a trial; give what is wrong, None if nothing is."""
    sides = [
        _given(columns, form, folder) for columns, form in zip((trial.left, trial.right), trial.forms, strict=True)
    ]
    said = [Positions(ra=ra, dec=dec) for ra, dec in trial.names]
    match = ssap_query.crossmatch(
        sides[0], sides[1], trial.radius, left_positions=said[0], right_positions=said[1], **trial.options
    )
    rows = match.to_arrow()
    columns = [rows[name].to_pylist() if name in rows.column_names else [None] * len(rows) for name in "ij"]
    found: Counter[Pair] = Counter(
        (None if i is None else int(i), None if j is None else int(j)) for i, j in zip(*columns, strict=True)
    )
    wanted = Counter(expected(trial))
    if found != wanted:
        return f"too many: {sorted(found - wanted, key=str)[:5]}, missing: {sorted(wanted - found, key=str)[:5]}"
    return None if len(match) == len(rows) else f"len() is {len(match)}, and there are {len(rows)} rows"


def main() -> None:
    """Match and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began, wrong, pairs = time.process_time(), 0, 0
    kinds: Counter[str] = Counter()
    for number in range(given.count):
        trial = make_trial(number, given.seed)
        with tempfile.TemporaryDirectory() as folder:
            problem = check(trial, Path(folder))
        pairs += len(expected(trial))
        kinds.update([*trial.forms, trial.options["find"], f"join {trial.options['join']}", *list(trial.options)[2:]])
        if problem is not None:
            wrong += 1
            print(f"WRONG {number}: {problem}; {trial.forms}, {trial.names}, {trial.options}", flush=True)
    print(
        f"{given.count:,} matches, {pairs:,} rows, {wrong} wrong, {time.process_time() - began:.0f} s of processor time"
    )
    print(", ".join(f"{name} {count:,}" for name, count in kinds.most_common()))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
