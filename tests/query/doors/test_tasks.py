"""Everyday tasks, each done at the first try with one command or at most three lines of Python on the shipped sample.

They are numbered as the list of tasks is. What needs more than the sample, a server of spectra or of a mirror, another
snapshot or TOPCAT, is a test of its own below.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import ssap_query as ssap
from astropy.table import Table
from mocpy import MOC
from ssap_mirror import build_mirror
from ssap_query.cli.choice import MIRROR_VARIABLE
from ssap_query.mirror.shipped import SAMPLE, sample_path

from tests.support.spectra_files import sdm_votable
from tests.support.static_host import static_host

from .conftest import Ended, Run

# Two stars of the sample and a place where it has none, with what catalogues of Gaia have.
STARS = {
    "source_id": [2**62 + 1, 5, 7],
    "ra": [291.6398181, 292.4180888, 10.0],
    "dec": [43.7637936, 44.0563024, -80.0],
    "pmra": [10.0, -5.0, 0.0],
    "pmdec": [-3.0, 2.0, 0.0],
    "ref_epoch": [2016.0, 2016.0, 2016.0],
}
CONE = ("--pos", "292.06,43.93", "--size", "0.7", "--snr", "300/")
FOUND = "found = mirror.search(pos=(292.06, 43.93), size=0.7, snr=(300, None))\n"


@dataclass(frozen=True)
class Task:
    """Something that a person wants to do."""

    number: int
    """In the list."""
    wish: str
    """In one sentence."""
    how: tuple[str, ...] | str
    """Words of a command, or lines of Python that set ``answer``."""
    check: Callable[[Any, Path], object]
    """Given what came out (a command that has ended, or ``answer``) and the folder: true if it is what was wanted."""


def rows(done: Ended) -> list[dict[str, str]]:
    """Rows of CSV on stdout."""
    return list(csv.DictReader(io.StringIO(done.stdout)))


def table_in(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    return list(csv.DictReader(io.StringIO(path.read_text())))


def is_sorted(numbers: list[float]) -> bool:
    return len(numbers) > 1 and numbers == sorted(numbers, reverse=True)


TASKS = [
    Task(1, "The median signal to noise of each kind of object and spectrograph",
         ("sql", "SELECT objtype, spid, median(ssa_snr) AS snr FROM spectra GROUP BY ALL"),
         lambda done, _: len(rows(done)) > 10 and set(rows(done)[0]) == {"objtype", "spid", "snr"}),
    Task(2, "Stars whose velocity scatters by more than 10 km/s over three nights or more, each night counted once",
         ("sql", "SELECT ssa_targname, count(DISTINCT night(ssa_dateObs, 117.6)) AS nights, stddev(rv_br1) AS scatter"
          " FROM spectra WHERE coadd = 0 GROUP BY 1 HAVING nights >= 3 AND scatter > 10"),
         lambda done, _: len(rows(done)) > 2 and all(float(row["scatter"]) > 10 for row in rows(done))),
    Task(2, "The same in pandas", "frame = mirror.search(verb=3).to_pandas()\n"
         "answer = frame[frame.coadd == 0].groupby('ssa_targname').rv_br1.agg(['count', 'std'])",
         lambda answer, _: ((answer["count"] >= 3) & (answer["std"] > 10)).any()),
    Task(3, "The spectra of my stars from Gaia within an arcsecond, moved to the date of each spectrum",
         ("xmatch", "stars.csv", "--find", "all", "--columns", "mobsid,ssa_dateObs"),
         lambda done, _: "motion" in done.stderr and {row["source_id"] for row in rows(done)} == {str(2**62 + 1), "5"}),
    Task(4, "The same with positions in sexagesimal text", ("xmatch", "text.csv", "--columns", "mobsid"),
         lambda done, _: len(rows(done)) > 5),
    Task(4, "The same with galactic coordinates", ("xmatch", "galactic.csv", "--columns", "mobsid"),
         lambda done, _: len(rows(done)) > 5),
    Task(4, "The same with right ascension in hours", ("xmatch", "hours.csv", "--unit", "ra=h", "--columns", "mobsid"),
         lambda done, _: len(rows(done)) > 5),
    Task(5, "My stars that have no spectrum stay in the table", ("xmatch", "stars.csv", "--find", "best-per-target",
         "--join", "right", "--columns", "mobsid"),
         lambda done, _: [bool(row["mobsid"]) for row in rows(done)] == [True, True, False]),
    Task(5, "Spectra without one of my stars", ("xmatch", "stars.csv", "--find", "unmatched", "--request", "SNR=300/",
         "--columns", "mobsid"), lambda done, _: len(rows(done)) > 100),
    Task(6, "The best epoch of each of my targets, and which share of them has one above 50",
         ("xmatch", "stars.csv", "--find", "best-per-target", "--best-by", "ssa_snr", "--request", "SNR=50/",
          "--join", "right", "--columns", "mobsid,ssa_snr"),
         lambda done, _: [float(row["ssa_snr"] or 0) > 50 for row in rows(done)] == [True, True, False]),
    Task(7, "Velocity against time of one star as a table with ISO dates",
         ("query", "--target", "LAMOST J192633.55+434549.6", "--columns", "ssa_dateObs,rv_br1,rv_br1_err", "--iso"),
         lambda done, _: sum("T" in row["ssa_dateObs"] for row in rows(done)) > 5),
    Task(7, "The same as a picture",
         ("plot", "TARGETNAME=LAMOST J192633.55%2B434549.6&VERB=3", "--kind", "velocities", "-o", "rv.png"),
         lambda _, folder: (folder / "rv.png").read_bytes().startswith(b"\x89PNG")),
    Task(7, "The same as a picture, with the name as it is written",
         ("plot", "TARGETNAME=LAMOST J192633.55+434549.6", "--kind", "velocities", "-o", "rv.svg"),
         lambda _, folder: (folder / "rv.svg").read_text().count("<use ") > 50),
    Task(7, "The same in Python", "answer = mirror.search(target='LAMOST J192633.55+434549.6').to_pandas().rv_br1",
         lambda answer, _: answer.std() > 0),
    Task(8, "A list for tonight: some columns, the brightest first, as CSV",
         ("query", *CONE, "--columns", "ssa_targname,ra,dec,ssa_dateObs,ssa_snr,mobsid", "--sort", "-ssa_snr",
          "-o", "a.csv"),
         lambda _, folder: is_sorted([float(row["ssa_snr"]) for row in table_in(folder / "a.csv")])),
    Task(8, "The same in Python", FOUND.replace("snr=", "sort='-ssa_snr', limit=10, snr=") + "answer = found",
         lambda answer, _: len(answer) == 10 and is_sorted(list(answer["ssa_snr"]))),
    Task(8, "The same as VOTable, with units", ("query", *CONE, "--columns", "ra,dec,ssa_snr", "-o", "a.vot"),
         lambda _, folder: str(Table.read(folder / "a.vot")["ra"].unit) == "deg"),
    Task(11, "A result as QTable with units and masks", FOUND + "answer = found.to_qtable()",
         lambda answer, _: answer["ra"].unit == "deg" and answer["rv_lasp1"].mask.any()),
    Task(12, "As pandas, with 64-bit identifiers as they are", "stars = mirror.crossmatch('stars.csv', 1.0)\n"
         "answer = stars.to_pandas()", lambda answer, _: set(answer["source_id"]) == {2**62 + 1, 5}),
    Task(13, "As polars", "import polars\n" + FOUND + "answer = polars.DataFrame(found)",
         lambda answer, _: answer.height > 50 and "ra" in answer.columns),
    Task(13, "A part of it in Arrow and DuckDB", "import duckdb, pyarrow\n" + FOUND
         + "answer = pyarrow.table(found[:5]), duckdb.sql('FROM found').fetchall()",
         lambda answer, _: len(answer[0]) == 5 and len(answer[1]) == 104),
    Task(14, "A mirror and a result in a notebook", FOUND + "answer = mirror._repr_html_() + found._repr_html_()",
         lambda answer, _: answer.count("<table") == 2 and len(answer) < 15_000),
    Task(15, "What the bits of fibermask say", 
         ("sql", "SELECT fiber_problems(fibermask) AS p FROM spectra WHERE fibermask > 0 LIMIT 1"),
         lambda done, _: len(rows(done)) == 1),
    Task(16, "Coverage as a MOC", ("info", "--moc", "moc.fits"),
         lambda _, folder: MOC.from_fits(folder / "moc.fits").max_order == 7),
    Task(16, "Is my field inside", ("covers", "292.06,43.93"), lambda done, _: done.stdout.startswith("inside")),
    Task(18, "The mirror on a stick, for a colleague", "shutil.copytree(folder_of_mirror, stick)\n"
         "answer = ssap.open(stick).search(snr=(600, None))", lambda answer, _: len(answer) > 10),
    Task(20, "The script that asks a service by pyvo, on the mirror", "service = mirror\n"
         "answer = [(r.title, r.dateobs) for r in service.search(pos=(292.06, 43.93), diameter=0.7)]",
         lambda answer, _: len(answer) > 100),
    Task(21, "A list of cones from a file, with the number and the name of each",
         ("query", "--cones", "stars.csv", "--size", "10arcsec", "--columns", "mobsid"),
         lambda done, _: {(r["cone"], r["cone_name"]) for r in rows(done)} == {("0", str(2**62 + 1)), ("1", "5")}),
    Task(22, "Only how many there are", ("query", *CONE, "--count"), lambda done, _: int(done.stdout) == 104),
    Task(23, "One spectrum of each star, the best", ("query", *CONE, "--per", "target", "--best", "ssa_snr"),
         lambda done, _: len({row["ssa_targname"] for row in rows(done)}) == len(rows(done)) > 3),
    Task(23, "The same in Python", FOUND.replace("snr=", "per='target', best='ssa_snr', snr=") + "answer = found",
         lambda answer, _: len(set(answer["ssa_targname"])) == len(answer) > 3),
    Task(24, "Dates in ISO 8601 and by local night",
         ("sql", "SELECT mjd_iso(ssa_dateObs) AS iso, night(ssa_dateObs, 117.6) AS night FROM spectra"
          " WHERE ssa_dateObs IS NOT NULL LIMIT 3"), lambda done, _: all("T" in row["iso"] for row in rows(done))),
    Task(25, "Which columns there are, with units, ranges and meanings", ("columns",),
         lambda done, _: {row["name"]: row["unit"] for row in rows(done)}["ra"] == "deg"),
    Task(26, "At most ten rows", ("query", *CONE, "--limit", "10"),
         lambda done, _: len(rows(done)) == 10 and "OVERFLOW" not in done.stderr),
    Task(27, "Which mirrors I have, how large, how old, and which is meant", ("list",),
         lambda done, _: any(x[:20] == f"* {SAMPLE}" and "20,000 rows" in x for x in done.stdout.splitlines())),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with tables of one's own, in which the commands run."""
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    Table(STARS).write(tmp_path / "stars.csv")
    places = SkyCoord(STARS["ra"], STARS["dec"], unit="deg")
    Table({"RA": places.ra.to_string(u.hour, sep=":", precision=4), "DEC": places.dec.to_string(sep=":", precision=3)}
          ).write(tmp_path / "text.csv")  # fmt: skip
    Table({"l": places.galactic.l.deg, "b": places.galactic.b.deg}).write(tmp_path / "galactic.csv")
    Table({"ra": places.ra.hour, "dec": places.dec.deg}).write(tmp_path / "hours.csv")
    return tmp_path


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.number}: {task.wish}")
def test_tasks(task: Task, run: Run, folder: Path) -> None:
    if isinstance(task.how, tuple):
        outcome: Any = run(*task.how, home=sample_path().parent)
        assert outcome.returncode == 0, outcome.stderr
    else:
        mirror = ssap.open(SAMPLE, sample_path().parent)
        names: dict[str, Any] = {
            "ssap": ssap, "mirror": mirror, "shutil": shutil, "folder_of_mirror": sample_path(), "stick": folder / "m",
        }  # fmt: skip
        exec(task.how, names)
        outcome = names["answer"]
    assert task.check(outcome, folder)


def test_what_has_changed_since_a_snapshot(run: Run, awkward, mirror_of, tmp_path: Path) -> None:
    """Task 17: a summary of what has changed since last month's snapshot."""
    for part in (awkward.table, awkward.table.slice(10)):
        mirror_of(part, awkward.schema, tmp_path / "home", "mine", 5_000)
    done = run("diff", "mine", "--summary", home=tmp_path / "home")
    assert done.returncode == 0
    assert "rows: 0 added, 10 removed, 0 changed" in done.stdout


def test_a_result_to_topcat_needs_a_hub(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Task 10, without TOPCAT: the sentence that says what to start; with one it is in test_everyday."""
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(folder / 'none').as_uri()}")
    done = run("query", *CONE, "--samp", home=sample_path().parent)
    assert "no SAMP hub is running; start TOPCAT" in done.stderr


@pytest.mark.extra("specutils")
def test_the_spectra_of_matched_rows(run: Run, folder: Path) -> None:
    """Task 9: download the spectra of ten matched rows, and read them with specutils."""
    ten = ssap.open(SAMPLE, sample_path().parent).search((292.06, 43.93), 0.7, snr=(300, None), columns="all", limit=10)
    rows, names = ten.to_arrow(), ten.to_arrow()["mobsid"].to_pylist()
    (folder / "www").mkdir()
    with static_host(folder / "www") as host:
        for number, name in enumerate(names):
            content = sdm_votable(values=(5000.0 + number, 5010.0, 5020.0))
            (folder / "www" / f"{name}.vot").write_bytes(content)
        place = rows.schema.get_field_index("accref")
        addresses = pa.array([f"{host.url}/{name}.vot" for name in names])
        served = rows.set_column(place, rows.schema.field(place), addresses)
        build_mirror(served.to_batches(), ten.schema, folder / "home" / "mine")
        Table({name: rows[name].to_numpy() for name in ("ra", "dec")}).write(folder / "mine.csv")
        for words in (("xmatch", "mine.csv", "-o", "matched.vot"), ("fetch", "matched.vot", "-o", "s")):
            done = run(*words, home=folder / "home")
            assert done.returncode == 0, done.stderr
    assert "10 files of 10 rows: 10 fetched" in done.stderr
    # The host is gone: what follows is read from the folder.
    match = ssap.open("mine", folder / "home").crossmatch(folder / "mine.csv", 1.0)
    spectra = match.to_specutils(folder / "s")
    assert {one.meta["row"]["mobsid"]: one.spectral_axis.to_value("Angstrom")[0] for one in spectra} == {
        name: 5000.0 + number for number, name in enumerate(names)
    }


def test_a_mirror_for_a_group(run: Run, awkward, mirror_of, tmp_path: Path) -> None:
    """Task 19: give it to a group over HTTP, fetch it from there, and fetch what has changed since."""
    own, theirs, www = (tmp_path / name for name in ("own", "theirs", "www"))
    www.mkdir()

    def pulled(*words: str) -> int:
        assert run("publish", str(www), home=own).returncode == 0
        done = run("sync", "ours", *words, home=theirs)
        assert done.returncode == 0, done.stderr
        return ssap.open("ours", theirs).catalog.rows

    with static_host(www) as host:
        mirror_of(awkward.table.slice(10), awkward.schema, own, "mine", 5_000)
        assert pulled("--from", f"{host.url}/mine/") == awkward.table.num_rows - 10
        mirror_of(awkward.table, awkward.schema, own, "mine", 5_000)
        assert pulled() == awkward.table.num_rows
    assert "rows: 10 added, 0 removed, 0 changed" in run("diff", "ours", "--summary", home=theirs).stdout
