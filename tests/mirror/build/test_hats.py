"""What others make of a snapshot: hats, LSDB, DuckDB, astropy, STILTS."""

from __future__ import annotations

import io
import logging
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ssap_mirror import build_mirror
from ssap_mirror.build.parquet_writer import ParquetFileWriter
from ssap_mirror.core import layout
from ssap_mirror.core.catalog import Catalog
from ssap_mirror.core.hats_properties import format_properties, parse_properties
from ssap_mirror.core.schema import HEALPIX_COLUMN, Column, Schema
from ssap_mirror.core.sphere import separation_arcsec
from ssap_mirror.tables.parquet.voparquet import CONTENT_KEY, VERSION_KEY, votable_header

RowMaker = Callable[..., pa.RecordBatch]


@pytest.mark.extra("lsdb")
@pytest.mark.filterwarnings("ignore")  # what LSDB and Dask warn of among themselves
def test_a_snapshot_is_a_strictly_valid_hats_catalogue(
    live_mirror: Catalog, spectra_rows: RowMaker, caplog: pytest.LogCaptureFixture
) -> None:
    import lsdb
    from hats.io.validation import is_valid_catalog

    with caplog.at_level(logging.WARNING):
        assert is_valid_catalog(live_mirror.path, strict=True)
    assert caplog.records == []
    brief = [c.name for c in live_mirror.schema if c.verbosity <= 10 or c.name in ("specid", "ra", "dec")]
    assert list(lsdb.open_catalog(live_mirror.path).columns) == brief
    catalog = lsdb.open_catalog(live_mirror.path, columns="all")
    assert len(catalog) == 498
    assert list(catalog.columns) == list(live_mirror.schema.names)
    properties = catalog.hc_structure.catalog_info
    assert (properties.ra_column, properties.dec_column) == ("ra", "dec")
    assert properties.total_rows == 498
    assert properties.hats_max_rows == max(part.rows for part in live_mirror.partitions)
    frame = catalog.compute()
    batch = spectra_rows(500)
    expected = {row["specid"]: row["obsid"] for row in batch.to_pylist()}
    found = dict(zip(frame["specid"], frame["obsid"], strict=True))
    assert found.items() <= expected.items()
    assert len(found) == 498, "the rows without a position do not disturb"
    cone = catalog.cone_search(float(frame["ra"].iloc[0]), float(frame["dec"].iloc[0]), 1.0).compute()
    assert frame["specid"].iloc[0] in set(cone["specid"])


@pytest.mark.extra("hats")
def test_the_sky_map_counts_the_rows_and_the_thumbnail_shows_some(live_mirror: Catalog) -> None:
    from hats import read_hats
    from hats.io.skymap import read_skymap

    counts = read_skymap(read_hats(live_mirror.path), None)
    cells = [part.npix << 2 * (7 - part.norder) for part in live_mirror.partitions]
    sizes = [1 << 2 * (7 - part.norder) for part in live_mirror.partitions]
    found = [int(counts[cell : cell + size].sum()) for cell, size in zip(cells, sizes, strict=True)]
    assert found == [part.rows for part in live_mirror.partitions]
    shown = pq.read_table(live_mirror.path / layout.THUMBNAIL)
    assert shown.schema.equals(pq.read_schema(live_mirror.files[0]))
    first = [pq.read_table(part.path, partitioning=None).slice(0, 1) for part in live_mirror.partitions]
    assert shown["specid"].to_pylist() == pa.concat_tables(first)["specid"].to_pylist()


def test_the_properties_say_whose_rows_they_are(tmp_path: Path, spectra_schema: Schema, spectra_rows: RowMaker) -> None:
    told = {"ivoid": "ivo://org.example/spectra", "Publisher": "The & Archive", "citation": "2020A&A...1....1X"}
    infos = "".join(f"<INFO name={quoteattr(name)} value={quoteattr(value)}/>" for name, value in told.items())
    header = f"<VOTABLE><RESOURCE>{infos}<TABLE><FIELD name='a' datatype='int'/></TABLE></RESOURCE></VOTABLE>"
    columns = [replace(c, utype="ssa:Curation.Publisher") if c.name == "survey" else c for c in spectra_schema]
    rows = spectra_rows(30)
    for schema, publisher in ((spectra_schema, "The & Archive"), (Schema(tuple(columns)), "LAMOST")):
        batch = pa.RecordBatch.from_arrays(rows.columns, schema=schema.arrow_schema())
        catalog = build_mirror([batch], schema, tmp_path / publisher, service_xml=header.encode())
        found = parse_properties((catalog.path / layout.PROPERTIES).read_text())
        assert found["creator_did"] == "ivo://org.example/spectra"
        assert found["publisher"] == publisher, "what the rows say themselves comes first"
        assert found["acknowledgement"] == found["bib_reference"] == "2020A&A...1....1X"
        assert "copyright" not in found


@pytest.mark.extra("hats")
def test_the_spatial_index_is_that_of_hats(live_mirror: Catalog) -> None:
    from hats.pixel_math.spatial_index import compute_spatial_index

    for part in live_mirror.partitions:
        table = pq.read_table(part.path, partitioning=None)
        expected = compute_spatial_index(table["ra"].to_numpy(), table["dec"].to_numpy())
        np.testing.assert_array_equal(table[HEALPIX_COLUMN].to_numpy(), expected)


def test_duckdb_reads_all_files_as_one_table(live_mirror: Catalog) -> None:
    import duckdb

    relation = duckdb.connect().read_parquet([str(path) for path in live_mirror.files], hive_partitioning=False)
    assert relation.columns == [HEALPIX_COLUMN, *live_mirror.schema.names]
    assert relation.aggregate("count(*), count(DISTINCT specid)").fetchall() == [(500, 500)]


def test_every_file_says_what_its_columns_are(live_mirror: Catalog, spectra_schema: Schema) -> None:
    assert live_mirror.schema.columns == spectra_schema.columns
    for path in [*live_mirror.files, live_mirror.path / layout.COMMON_METADATA]:
        schema = pq.read_schema(path)
        assert Schema.from_arrow(schema).columns == spectra_schema.columns
        assert schema.metadata[VERSION_KEY] == b"1.0"
        assert schema.metadata[CONTENT_KEY] == votable_header(spectra_schema, name="spectra", title="Test spectra")


def test_row_groups_are_compressed_sorted_and_of_bounded_size(live_mirror: Catalog) -> None:
    for path in live_mirror.files:
        footer = pq.read_metadata(path)
        for number in range(footer.num_row_groups):
            group = footer.row_group(number)
            assert group.num_rows <= 16_384
            assert [column.column_index for column in group.sorting_columns] == [0]
            codecs = {group.column(i).path_in_schema: group.column(i).compression for i in range(group.num_columns)}
            assert set(codecs.values()) <= {"ZSTD", "UNCOMPRESSED"}
            assert codecs["specid"] == codecs["ssa_location.list.element"] == "ZSTD"


def test_numbers_that_compression_does_not_make_smaller_are_left_as_they_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    columns = {
        "_healpix_29": np.arange(5000),
        "noise": rng.random(5000),
        "steps": np.repeat(np.arange(500.0), 10),
        "flags": np.ones(5000, np.int16),
        "empty": pa.nulls(5000, pa.float32()),
    }
    table = pa.table(columns)
    with ParquetFileWriter(tmp_path / "x.parquet", table.schema) as writer:
        writer.write(table.to_batches()[0])
    group = pq.read_metadata(tmp_path / "x.parquet").row_group(0)
    codecs = {group.column(i).path_in_schema: group.column(i).compression for i in range(group.num_columns)}
    assert [name for name, codec in codecs.items() if codec == "UNCOMPRESSED"] == ["noise"]
    assert pq.read_table(tmp_path / "x.parquet").equals(table)


def test_astropy_reads_units_and_ucds(live_mirror: Catalog) -> None:
    from astropy.io.votable import parse
    from astropy.table import Table

    path = live_mirror.partitions[0].path
    header = pq.read_schema(path).metadata[CONTENT_KEY]
    votable = parse(io.BytesIO(header), verify="exception").get_first_table()
    assert [field.name for field in votable.fields] == pq.read_schema(path).names
    flag = next(field for field in votable.fields if field.name == "flag")
    assert flag.description == "a < b & 'c' \u2013 \u03b1"
    told = {field.name: (str(field.unit) if field.unit else None, field.ucd) for field in votable.fields}
    for name in ("ra", "dec", "ssa_specend", "specid"):
        assert told[name] == (live_mirror.schema[name].unit, live_mirror.schema[name].ucd)
    numbers = ["ra", "ssa_specend", "specid"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy's word on strings without a length of its own
        table = Table.read(path, format="parquet", include_names=numbers)
    assert len(table) == live_mirror.partitions[0].rows


@pytest.mark.stilts
def test_stilts_reads_units_and_ucds(live_mirror: Catalog) -> None:
    path = live_mirror.partitions[0].path
    words = ("ifmt=parquet", "cmd=keepcols 'ra dec ssa_specend'", "cmd=meta name units ucd", "ofmt=csv")
    run = subprocess.run(["stilts", "tpipe", f"in={path}", *words], capture_output=True, text=True, check=False)
    if "No table handler available for parquet" in run.stderr:
        pytest.skip("this STILTS was built without Parquet")
    assert run.returncode == 0, run.stderr
    expected = [f"{name},{live_mirror.schema[name].unit},{live_mirror.schema[name].ucd}" for name in ("ra", "dec")]
    assert [line.replace('"', "") for line in run.stdout.splitlines()][1:3] == expected


@pytest.mark.stilts
def test_stilts_finds_no_fault_in_the_header(live_mirror: Catalog, tmp_path: Path) -> None:
    header = tmp_path / "header.vot"
    header.write_bytes(pq.read_schema(live_mirror.files[0]).metadata[CONTENT_KEY])
    run = subprocess.run(["stilts", "votlint", f"votable={header}"], capture_output=True, text=True, check=True)
    # The xtype is the service's own word, not ours to mend.
    told = [line for line in (run.stdout + run.stderr).splitlines() if "Non-DALI xtype" not in line]
    assert told == []


def test_a_column_of_any_shape_has_its_field() -> None:
    from astropy.io.votable import parse

    columns = (
        Column("m", "float", "2x3"),
        Column("c", "unicodeChar", "4"),
        Column("b", "boolean"),
        Column("s", "char", "1"),
    )
    header = votable_header(Schema(columns), name="n", title="<&>")
    fields = parse(io.BytesIO(header), verify="exception").get_first_table().fields
    assert [(f.name, f.datatype, f.arraysize) for f in fields[1:]] == [
        ("m", "float", "2x3"),
        ("c", "unicodeChar", "4"),
        ("b", "boolean", None),
        ("s", "char", "1"),
    ]


@pytest.mark.extra("hats")
def test_properties_survive_what_titles_may_hold(tmp_path: Path) -> None:
    from hats.catalog.dataset.table_properties import TableProperties

    entries = {
        "obs_collection": "a=b:c",
        "obs_title": "Größe \\ 5\u2033 # \u26a0  two\nlines",
        "dataproduct_type": "object",
        "hats_col_ra": "ra",
        "hats_col_dec": "dec",
        "left_out": None,
    }
    text = format_properties(entries)
    found = parse_properties(text)
    assert found == {**{k: v for k, v in entries.items() if v}, "obs_title": "Größe \\ 5\u2033 # \u26a0 two lines"}
    (tmp_path / "hats.properties").write_text(text, "utf-8")
    theirs = TableProperties.read_from_dir(tmp_path)
    assert theirs.catalog_name == "a=b:c"
    assert theirs.obs_title == found["obs_title"]


@pytest.mark.extra("lsdb")
@pytest.mark.filterwarnings("ignore")  # what LSDB and Dask warn of among themselves
def test_lsdb_matches_two_mirrors_pair_for_pair(tmp_path: Path) -> None:
    import lsdb

    rng = np.random.default_rng(11)
    ra, dec = rng.uniform(0, 360, 3000), np.degrees(np.arcsin(rng.uniform(-1, 1, 3000)))
    ra[::2] = 45 * rng.integers(0, 8, 1500) + rng.normal(0, 2e-3, 1500)  # along edges of base cells
    columns = (
        Column("id", "long", ucd="meta.id;meta.main"),
        Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
    )
    schema = Schema((*columns, Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main")), {"identity": "id"})
    jitter = rng.normal(0, 2 / 3600, 3000)
    for name, position in (("left", ra), ("right", ra + jitter)):
        arrays = [pa.array(np.arange(3000)), pa.array(position), pa.array(dec)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema.arrow_schema())
        build_mirror([batch], schema, tmp_path / name, tile_rows=200)
    left, right = (lsdb.open_catalog(tmp_path / name, columns="all") for name in ("left", "right"))
    found = left.crossmatch(
        right, radius_arcsec=5.0, n_neighbors=50, suffixes=("_l", "_r"), suffix_method="all_columns"
    )
    frame = found.compute()
    pairs = set(zip(frame["id_l"].tolist(), frame["id_r"].tolist(), strict=True))
    expected = set()
    for number in range(3000):
        apart = separation_arcsec(ra[number], dec[number], ra + jitter, dec)
        expected |= {(number, int(other)) for other in np.flatnonzero(apart <= 5.0)}
    assert pairs == expected
    assert len(pairs) > 2000
