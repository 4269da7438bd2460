"""Make SSAP requests at random, with values from a table's own rows: valid ones, borderline ones and wrong ones.

Run as ``.venv/bin/python scripts/corpus/generate.py TABLE.parquet REQUESTS.jsonl --count 3000 --seed 2``. The same
table, count and seed give the same requests. ``scripts/dachs/rows.py`` writes the table, `record.py` asks the requests.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.corpus import draw, vocabulary

_COLUMNS = (
    *("ssa_location", "ssa_dateObs", "ssa_snr", "ssa_redshift", "ssa_aperture", "ssa_spaceRes", "ssa_specstart"),
    *("ssa_specend", "ssa_specres", "ssa_targname", "ssa_targclass", "ssa_fluxcalib", "ssa_speccalib", "ssa_pdate"),
    *("ssa_collection", "ssa_pubDID", "ssa_creatorDID", "mime", "ssa_bandpass"),
)
Pairs = list[tuple[str, str]]


def requests(table: pa.Table, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Make requests.

    Parameters
    ----------
    table
        Rows of the service that will be asked, in its columns.
    count
        How many.
    seed
        The same seed gives the same requests.

    Yields
    ------
    dict
        ``id``; ``params``, a list of name and value, or ``raw``, a query string for what pairs cannot express;
        ``method`` where it is POST, and ``multipart`` where that is not urlencoded.
    """
    rows = table.select(_COLUMNS)
    for number in range(count):
        rng = Random(f"{seed}/{number}")
        pairs = _pairs(rng, rows)
        request: dict[str, Any] = {"id": f"q{number:05d}"}
        kind = rng.random()
        if kind < 0.035:
            request["raw"] = _raw(rng, pairs)
        else:
            request["params"] = pairs
        if kind > 0.965:
            request["method"] = "POST"
        if kind > 0.985:
            request["multipart"] = True
        yield request


def _pairs(rng: Random, rows: pa.Table) -> Pairs:
    row, other = (rows.slice(rng.randrange(len(rows)), 1).to_pylist()[0] for _ in range(2))
    count = rng.choices((0, 1, 2, 3, 4, 6), weights=(0.5, 10, 6, 3, 1.5, 0.4))[0]
    names = _choose(rng, draw.SEARCH, count)
    # Most requests are about one row, so that several conditions together still find it.
    pairs = [(name, draw.SEARCH[name][1](rng, row, other)) for name in names]
    if "POS" in names and "SIZE" not in names and rng.random() < 0.95:
        pairs.append(("SIZE", draw.size(rng, row, other)))
    if rng.random() < 0.12:
        pairs += [(name, draw.OTHER[name][1](rng, row, other)) for name in _choose(rng, draw.OTHER, rng.randint(1, 2))]
    if pairs and rng.random() < 0.06:
        pairs.append(_repeat(rng, pairs, row, other))
    if rng.random() > 0.01:
        kind = "queryData" if rng.random() < 0.97 else rng.choice(vocabulary.REQUESTS)
        pairs.insert(0, ("REQUEST", kind))
    given = {name.upper() for name, _ in pairs}
    if "VERB" not in given and rng.random() < 0.97:
        pairs.append(("VERB", "1"))
    if "MAXREC" not in given and rng.random() < 0.97:
        pairs.append(("MAXREC", str(len(rows) + 5000)))
    if rng.random() < 0.15:
        rng.shuffle(pairs)
    if rng.random() < 0.06:
        pairs = [(rng.choice((name.lower(), name.capitalize())), value) for name, value in pairs]
    return pairs


def _choose(rng: Random, parameters: dict[str, tuple[float, draw.Draw]], count: int) -> list[str]:
    """Choose different names, by weight."""
    weights = [weight for weight, _ in parameters.values()]
    chosen: dict[str, None] = {}
    while len(chosen) < count:
        chosen[rng.choices(list(parameters), weights=weights)[0]] = None
    return list(chosen)


def _repeat(rng: Random, pairs: Pairs, row: draw.Row, other: draw.Row) -> tuple[str, str]:
    """Give one of the parameters again: empty, with another value, or in another case."""
    name = rng.choice(pairs)[0]
    source = {**draw.OTHER, **draw.SEARCH}[name][1]
    again = rng.choice((name, name, name.lower(), name.capitalize()))
    return again, "" if rng.random() < 0.3 else source(rng, other, row)


def _raw(rng: Random, pairs: Pairs) -> str:
    """Spell a query string as careless clients do."""
    safe = rng.choice(("", "/", "/,:;", "/,:;*'()!", ":/?,;+"))
    blank = rng.choice(("%20", "+"))
    joiner = rng.choices(("&", ";", "&&"), weights=(10, 1, 1))[0]
    parts = [f"{name}={quote(value, safe=safe).replace('%20', blank)}" for name, value in pairs]
    if rng.random() < 0.15:
        parts.insert(rng.randrange(len(parts) + 1), rng.choice(("SNR", "=5", "foo", "SNR==5", "TARGETNAME=%FF%FE")))
    if rng.random() < 0.05:
        parts.append(
            rng.choice(("TARGETNAME=a%00b", "COLLECTION=%C3%28", "POS=0%2C20%3BGALACTIC", "POS=0,20;GALACTIC"))
        )
    text = joiner.join(parts)
    return text.lower() if rng.random() < 0.03 else text


def main() -> None:
    """Write the requests, one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("path", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    table = pq.read_table(options.table)
    with options.path.open("w", encoding="utf-8") as stream:
        for request in requests(table, options.count, options.seed):
            stream.write(json.dumps(request, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
