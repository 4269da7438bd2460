"""What can be checked of the fixture's scripts without a server; the server itself is tested where it is used."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.csv
import pytest
from ssap_mirror.pipeline.known_services import lamost6_mrs

from scripts.dachs import load, rd
from scripts.dachs.tables import LRS, MRS

SCRIPTS = Path(rd.__file__).parent


@pytest.fixture(scope="module")
def resource():
    return ElementTree.fromstring(rd.descriptor("other").encode())


def test_descriptor_names_its_schema(resource):
    assert (resource.get("schema"), resource.get("resdir")) == ("other", "other")
    assert "@" not in rd.descriptor("other")


def test_only_low_resolution_is_open_to_tap(resource):
    open_to_tap = {table.get("id"): table.get("adql") for table in resource.findall("table")}
    assert open_to_tap == {"raw_mrs": None, "raw_lrs": None, "ssa_mrs": None, "ssa_lrs": "True"}


@pytest.mark.parametrize("table", [MRS, LRS])
def test_raw_tables_hold_every_stored_column_once(resource, table):
    raw = next(found for found in resource.findall("table") if found.get("id") == table.name)
    defined = [column.get("name") for column in raw.findall("column")]
    mixed_in = {"accref", "owner", "embargo", "mime", "accsize", "ssa_location"}
    assert sorted(defined) == sorted({table.raw_name(name) for name in table.columns} - mixed_in)


def test_own_columns_are_described_as_the_service_does(resource):
    raw = next(found for found in resource.findall("table") if found.get("id") == "raw_mrs")
    by_name = {column.get("name"): column for column in raw.findall("column")}
    schema = lamost6_mrs()
    for name in ("ra", "rv_br0_err", "mag_arr", "ssa_snr", "offset_v"):
        assert by_name[name].get("ucd") == schema[name].ucd
        assert by_name[name].get("unit") == schema[name].unit
        assert by_name[name].get("description") == schema[name].description
        assert by_name[name].get("verbLevel") == str(schema[name].verbosity)
    assert by_name["mag_arr"].get("type") == "real[7]"
    assert by_name["v_pdate"].get("type") == "timestamp"


def test_rows_as_postgresql_reads_them(hard_rows):
    """NULL is nothing, an empty text is quoted, NaN a number; positions, arrays and polygons as literals."""
    batch = hard_rows.combine_chunks().to_batches()[0]
    (as_text,) = load.as_csv(MRS, [batch])
    stream = io.BytesIO()
    pa.csv.write_csv(as_text, stream, pa.csv.WriteOptions(include_header=False))
    back = pa.csv.read_csv(
        io.BytesIO(stream.getvalue()),
        read_options=pa.csv.ReadOptions(column_names=list(MRS.columns)),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(MRS.columns, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    assert back.num_rows == batch.num_rows
    for name in MRS.columns:
        assert back[name].null_count == batch[name].null_count, name
    assert back["ssa_targname"].to_pylist() == batch["ssa_targname"].to_pylist()
    assert "nan" in back["ssa_snr"].to_pylist()
    at = batch["ssa_location"].to_pylist().index([0.0, 20.0])
    assert back["ssa_location"][at].as_py() == "(0d,20d)"
    assert back["ssa_region"][at].as_py().count("d),(") == 5
    mags = [text for text in back["mag_arr"].to_pylist() if text is not None]
    assert all(text.startswith("{") and text.count(",") == 6 for text in mags)
    assert any("NULL" in text for text in mags)
    assert any("nan" in text for text in mags)


def test_product_keys_lose_the_servers_part(hard_rows):
    batch = hard_rows.combine_chunks().to_batches()[0]
    (as_text,) = load.as_csv(MRS, [batch])
    keys = as_text.column("accref").to_pylist()
    assert all(key.startswith("lamost6/mrs/") for key in keys)
    assert any(key.endswith(" space&ü") for key in keys)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("arguments", [[], ["many"], ["10", "--schema", "x; drop"], ["10", "--seed", "-1"], ["--hard"]])
def test_up_refuses_bad_arguments(arguments):
    done = subprocess.run([SCRIPTS / "up", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "scripts/dachs/up N" in done.stderr


@pytest.mark.parametrize("script", ["up", "down", "install", "psql", "settings.sh"])
def test_shell_scripts_parse(script):
    subprocess.run(["bash", "-n", SCRIPTS / script], check=True)
