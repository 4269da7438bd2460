"""Mirrors to ask: the recorded corpus, and a smaller table with every awkward position, cut in two ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import ssap_query as ssap
from ssap_mirror import build_mirror
from ssap_mirror.core.schema import Schema
from ssap_mirror.pipeline.known_services import lamost6_mrs

from tests.support.paths import CORPUS

ARCSEC = 1 / 3600


def corpus_table(schema: Schema) -> pa.Table:
    """The recorded table in the service's types; the columns that only answers have are made as the service does."""
    recorded = pq.read_table(CORPUS / "table.parquet")
    columns = []
    for column in schema:
        kind = column.arrow_type()
        if column.name == "ssa_score":
            columns.append(pa.array(np.zeros(len(recorded), np.float32)))
        elif column.name == "preview":
            columns.append(pc.binary_join_element_wise(recorded["accref"], "?preview=True", "").combine_chunks())
        elif pa.types.is_timestamp(recorded.schema.field(column.name).type):
            columns.append(pc.strftime(recorded[column.name].combine_chunks(), "%Y-%m-%dT%H:%M:%S"))
        elif pa.types.is_date(recorded.schema.field(column.name).type):
            columns.append(pa.nulls(len(recorded), kind))
        else:
            columns.append(recorded[column.name].combine_chunks().cast(kind, safe=False))
    return pa.table(columns, schema=schema.arrow_schema())


def awkward_table(schema: Schema) -> pa.Table:
    """Every seventh recorded row, and positions where a coarse step goes wrong if it can."""
    table = corpus_table(schema).take(pa.array(np.arange(0, 20_000, 7)))
    rng = np.random.default_rng(5)
    ra, dec = (table[name].to_numpy().copy() for name in ("ra", "dec"))
    seams = [0.0, 1e-9, 359.999999999, 45.0, 90.0, 180.0, 270.0, 315.0]
    belts = [90.0, 89.9999999, 41.8103148957786, 0.0, -41.8103148957786, -89.9999999, -90.0]
    special = [(a, d) for a in seams for d in belts]
    chosen = rng.choice(len(table), 8 * len(special), replace=False)
    for number, row in enumerate(chosen):
        ra[row], dec[row] = special[number % len(special)]
    location = np.stack([ra, dec], axis=1)
    off = rng.random(len(table)) < 0.3  # a bright star's fibre stands beside it
    location[off, 1] = np.clip(location[off, 1] + 50 * ARCSEC, -90, 90)
    far = rng.random(len(table)) < 0.01  # too far off: unplaced
    location[far, 1] = np.clip(location[far, 1] - 0.5, -90, 90)
    nowhere = rng.random(len(table)) < 0.03
    no_location = rng.random(len(table)) < 0.03
    kind = schema["ssa_location"].arrow_type()
    pairs = [None if lost else pair for lost, pair in zip(no_location, location.tolist(), strict=True)]
    return _replaced(
        table,
        ra=pa.array(ra, mask=nowhere),
        dec=pa.array(dec, mask=nowhere),
        ssa_location=pa.array(pairs, kind),
    )


def _replaced(table: pa.Table, **columns: pa.Array) -> pa.Table:
    for name, values in columns.items():
        index = table.schema.get_field_index(name)
        table = table.set_column(index, table.schema.field(index), values)
    return table


def make_mirror(table: pa.Table, schema: Schema, home: Path, name: str, tile_rows: int) -> Path:
    """Make a mirror of a table; its folder."""
    folder = home / name
    build_mirror(
        table.to_batches(max_chunksize=4096),
        schema,
        folder,
        title=f"Test rows ({name})",
        synthetic=True,
        source={"kind": "file", "url": "tests"},
        tile_rows=tile_rows,
    )
    return folder


@dataclass(frozen=True)
class Awkward:
    """The awkward table as Python values, and the mirrors of it."""

    home: Path
    """Folder of the mirrors ``one`` (few files) and ``tiny`` (many)."""
    schema: Schema
    table: pa.Table
    rows: Sequence[dict[str, Any]]
    """Role -> value, of each row."""
    ids: Sequence[str]
    """Identity of each row."""

    def open(self, name: str, **options: Any) -> ssap.Mirror:
        return ssap.open(name, self.home, **options)


@pytest.fixture(scope="session")
def schema() -> Schema:
    return lamost6_mrs()


@pytest.fixture(scope="session")
def awkward(tmp_path_factory: pytest.TempPathFactory, schema: Schema) -> Awkward:
    home = tmp_path_factory.mktemp("awkward")
    table = awkward_table(schema)
    make_mirror(table, schema, home, "one", 100_000)
    make_mirror(table, schema, home, "tiny", 60)
    columns = {role: table[name].to_pylist() for role, name in schema.roles.items()}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return Awkward(home, schema, table, rows, table["mobsid"].to_pylist())


#: How a mirror is opened: row groups decoded and kept, or one statement for everything.
WAYS = {"kept": 64 << 20, "statements": 0}


@pytest.fixture(scope="session", params=[(layout, way) for layout in ("one", "tiny") for way in WAYS], ids="-".join)
def any_mirror(request: pytest.FixtureRequest, awkward: Awkward) -> ssap.Mirror:
    """The awkward table in each layout, asked in each way."""
    layout, way = request.param
    return awkward.open(layout, cache_bytes=WAYS[way])


@pytest.fixture(scope="session")
def mirror(awkward: Awkward) -> ssap.Mirror:
    """The awkward table in many files."""
    return awkward.open("tiny")


@pytest.fixture(scope="session")
def corpus_home(tmp_path_factory: pytest.TempPathFactory, schema: Schema) -> Path:
    """Home of the mirror ``corpus``: all recorded rows."""
    home = tmp_path_factory.mktemp("corpus")
    make_mirror(corpus_table(schema), schema, home, "corpus", 5_000)
    return home


@pytest.fixture(scope="session")
def corpus_mirror(corpus_home: Path) -> ssap.Mirror:
    """The recorded rows, as dialect ``dachs`` is asked of them."""
    return ssap.open("corpus", corpus_home)


@pytest.fixture(scope="session")
def mirror_of() -> Callable[[pa.Table, Schema, Path, str, int], Path]:
    """Builds a mirror of a table and makes it live: ``mirror_of(table, schema, home, name, tile_rows)``."""
    return make_mirror


@pytest.fixture(scope="session")
def ids_of() -> Callable[[ssap.ResultSet], list[str]]:
    """Sorted identities of an answer's rows."""
    return lambda found: sorted(found.to_arrow()["mobsid"].to_pylist())
