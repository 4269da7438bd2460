"""The command ``sync``: what it makes of its words. What a harvest does is tested in tests/mirror."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ssap_query as ssap
from ssap_query.cli.diagnostics import ExitCode

if TYPE_CHECKING:
    from .conftest import Run

ROWS = "name,ra,dec,flux\na,10.5,-20.25,1\nb,11.5,20.5,2\nc,,,3\n"


@pytest.fixture
def table(tmp_path: Path) -> str:
    """A file with the names of another service, and positions."""
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    return str(path)


class TestNames:
    def test_a_name_alone_is_enough_with_a_source(self, run: Run, table: str, tmp_path: Path) -> None:
        done = run("sync", "--from", table, "--name", "mine", home=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "mine: 3 rows, complete" in done.stderr
        assert "requests" not in done.stderr
        mirror = ssap.open("mine", tmp_path)
        assert mirror.ssap("REQUEST=queryData&POS=10.5,-20.25&SIZE=0.1").to_arrow()["name"].to_pylist() == ["a"]
        assert "1 of them without coordinates" in run("info", "mine", home=tmp_path).stdout

    def test_without_any_name_the_usage_is_told(self, run: Run, table: str, tmp_path: Path) -> None:
        done = run("sync", "--from", table, home=tmp_path)
        assert done.returncode == ExitCode.BAD_INPUT
        assert "Give a SERVICE" in done.stderr
        assert not list(tmp_path.glob("*/snapshots"))

    def test_service_says_whose_columns_they_are(self, run: Run, table: str, tmp_path: Path) -> None:
        done = run("sync", "mine", "--service", "lamost6-mrs", "--from", table, home=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "the file lacks mobsid" in done.stderr
        assert "left out: name, flux" in done.stderr
        assert len(ssap.open("mine", tmp_path).catalog.schema.up_to(30)) == 98

    def test_units_are_taken_or_refused(self, run: Run, table: str, tmp_path: Path) -> None:
        done = run("sync", "--name", "mine", "--from", table, "--unit", "flux=Jy", home=tmp_path)
        assert done.returncode == 0, done.stderr
        assert ssap.open("mine", tmp_path).catalog.schema["flux"].unit == "Jy"
        for unit, said in (("flux", "COLUMN=UNIT"), ("flow=Jy", "is no column of the file")):
            refused = run("sync", "--name", "mine", "--from", table, "--unit", unit, home=tmp_path)
            assert refused.returncode == ExitCode.BAD_INPUT
            assert said in refused.stderr

    def test_values_for_missing_ones_are_taken_or_refused(self, run: Run, table: str, tmp_path: Path) -> None:
        done = run("sync", "--name", "mine", "--from", table, "--null", "flux=2", "--null", "flux=3", home=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "2 cells of flux held what was said to stand for a missing value" in done.stderr
        found = ssap.open("mine", tmp_path).sql("SELECT name, flux FROM spectra ORDER BY name").to_arrow()
        assert found.column("flux").to_pylist() == [1, None, None]
        for null, said in (
            ("flux", "COLUMN=VALUE"),
            ("flow=2", "is said of what is no column"),
            ("flux=x", "cannot be"),
        ):
            refused = run("sync", "--name", "mine", "--from", table, "--null", null, home=tmp_path)
            assert refused.returncode == ExitCode.BAD_INPUT
            assert said in refused.stderr

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--where", "flux > 1"), "where: 'flux > 1' can only be asked of a table of a TAP service"),
            (("--param", "K=1"), "parameters: 'K=1' has no meaning for a source of kind 'file'"),
            (("--param", "K"), "'K' is not of the form NAME=VALUE"),
        ],
    )
    def test_what_a_file_does_not_have_is_refused(
        self, run: Run, table: str, options: tuple[str, ...], said: str, tmp_path: Path
    ) -> None:
        done = run("sync", "--name", "mine", "--from", table, *options, home=tmp_path)
        assert done.returncode == ExitCode.BAD_INPUT
        assert said in " ".join(done.stderr.split())


class TestBeforeTheHarvest:
    def test_a_dry_run_tells_the_cost_and_status_how_far_it_is(
        self, run: Run, base_url: str, corpus_mirror: ssap.Mirror, tmp_path: Path
    ) -> None:
        source = f"{base_url}/corpus/ssap"
        done = run("sync", "--name", "mine", "--from", source, "--dry-run", "--quiet", home=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "mine: about " in done.stderr
        assert "MB of room on disk" in done.stderr
        assert not (tmp_path / "mine" / "CURRENT").exists()
        said = run("sync", "mine", "--status", home=tmp_path)
        assert said.stdout.startswith("mine: no live snapshot\n")
        assert "survey" in said.stdout
        facts = json.loads(run("sync", "mine", "--status", "--json", home=tmp_path).stdout)
        assert (facts["source"], facts["sweeps"][0]["open"]) == (source, 0)

    def test_status_of_what_is_not_there(self, run: Run, tmp_path: Path) -> None:
        done = run("sync", "nope", "--status", home=tmp_path)
        assert done.returncode == ExitCode.FAILURE
        assert "No mirror 'nope' in" in done.stderr

    def test_a_dry_run_as_json(self, run: Run, table: str, tmp_path: Path) -> None:
        done = run("sync", "--name", "mine", "--from", table, "--dry-run", "--json", home=tmp_path)
        facts = json.loads(done.stdout)
        assert (facts["estimate"]["rows"], facts["snapshot"]) == (3, None)


class TestOddFiles:
    """A file that is odd is mirrored, and what is odd about it is told."""

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("nowhere.csv", "so all rows are unplaced"),
            ("twins.csv", "Bmag is called Bmag_1, bmag is called bmag_2"),
            ("two.vot", "not read"),
            ("types.parquet", "left out: column 'thumbnail'"),
        ],
    )
    def test_it_is_told(self, name: str, said: str, run: Run, tmp_path: Path) -> None:
        cells = "".join(f"<TR><TD>{n}</TD></TR>" for n in (1, 2))
        votable = f'<TABLE><FIELD name="n" datatype="int"/><DATA><TABLEDATA>{cells}</TABLEDATA></DATA></TABLE>'
        other = votable.replace('"n"', '"m"')
        texts = {
            "nowhere.csv": "n,width,height\n1,0.5,2\n2,1.5,3\n",
            "twins.csv": "n,ra,dec,Bmag,bmag\n1,10.0,0.0,8.5,9.5\n2,20.0,5.0,10.5,11.5\n",
            "two.vot": f"<VOTABLE><RESOURCE>{votable}{other}</RESOURCE></VOTABLE>",
        }
        if name in texts:
            (tmp_path / name).write_text(texts[name])
        else:
            pq.write_table(pa.table({"n": [1, 2], "thumbnail": [b"\x00\xff", b"z"]}), tmp_path / name)
        done = run("sync", "--name", "mine", "--from", name, home=tmp_path)
        assert done.returncode == 0, done.stderr
        assert said in " ".join(done.stderr.split())
        mirror = ssap.open("mine", tmp_path)
        assert sorted(mirror.sql("SELECT n FROM spectra").to_arrow()["n"].to_pylist()) == [1, 2]
        if name == "twins.csv":
            found = mirror.sql('SELECT "Bmag_1", "bmag_2" FROM spectra ORDER BY n').to_arrow()
            assert [column.to_pylist() for column in found.columns] == [[8.5, 10.5], [9.5, 11.5]]
