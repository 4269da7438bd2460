"""What goes to the other programs on a desktop by SAMP: tables to TOPCAT, coverages to Aladin, spectra to SPLAT."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest
import ssap_query as ssap
from astropy.table import Table
from mocpy import MOC
from ssap_query.mirror.shipped import SAMPLE, sample_path
from ssap_query.render.faces.samp import library

from .conftest import Ended, Run

SAMPLES = sample_path().parent
CONE = ("--pos", "292.06,43.93", "--size", "0.7", "--snr", "600/")
pytestmark = pytest.mark.extra("pyvo")

TABLE, COVERAGE, SPECTRUM = "table.load.votable", "coverage.load.moc.fits", "spectrum.load.ssa-generic"


@dataclass
class Program:
    """A program on the hub, and what it was sent."""

    name: str
    """Its name."""
    refuses: str = ""
    """What it says instead of loading a file."""
    heard: list[tuple[str, dict[str, object], bytes]] = field(default_factory=list)
    """Type, parameters and the content of the file of each message."""
    has_heard: threading.Event = field(default_factory=threading.Event)
    """Set when there is one that nobody waits for."""

    def join(self, *files: str, notifications: tuple[str, ...] = ()) -> Callable[[], None]:
        """Connect to the hub, for types of messages; gives what disconnects."""
        client = library().SAMPIntegratedClient(name=self.name, addr="localhost")
        client.connect()

        def load(key: str, sender: str, message: str, kind: str, given: dict[str, str], extra: object) -> None:
            self.heard.append((kind, {**given}, Path(given["url"].removeprefix("file://")).read_bytes()))
            bad = {"samp.status": "samp.error", "samp.result": {}, "samp.error": {"samp.errortxt": self.refuses}}
            client.reply(message, bad if self.refuses else {"samp.status": "samp.ok", "samp.result": {}})

        def hear(key: str, sender: str, kind: str, given: dict[str, object], extra: object) -> None:
            self.heard.append((kind, {**given}, b""))
            self.has_heard.set()

        for kind in files:
            client.bind_receive_call(kind, load)
        for kind in notifications:
            client.bind_receive_notification(kind, hear)
        return client.disconnect  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Desktop:
    """The programs on a hub."""

    topcat: Program
    """Takes tables."""
    aladin: Program
    """Takes coverages."""
    splat: Program
    """Takes spectra."""


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    """A hub of its own, with programs on it."""
    samp = library()
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'samp').as_uri()}")
    monkeypatch.setattr(samp.conf, "use_internet", False)
    hub = samp.SAMPHubServer(web_profile=False, addr="localhost", lockfile=str(tmp_path / "samp"))
    hub.start()
    made = Desktop(Program("topcat"), Program("aladin"), Program("splat"))
    leave = [made.topcat.join(TABLE), made.aladin.join(COVERAGE), made.splat.join(notifications=(SPECTRUM,))]
    yield made
    for disconnect in leave:
        disconnect()
    hub.stop()


@pytest.fixture
def sample() -> ssap.Mirror:
    return ssap.open(SAMPLE, SAMPLES)


@pytest.fixture
def send(run: Run) -> Callable[..., Ended]:
    """Runs a command with ``--samp``, which has to succeed and to write nothing."""

    def call(*words: str) -> Ended:
        done = run(*words, "--samp", home=SAMPLES)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        return done

    return call


def test_commands_send_their_rows_to_topcat(desktop: Desktop, send: Callable[..., Ended], tmp_path: Path) -> None:
    Table({"name": ["a"], "ra": [292.4180888], "dec": [44.0563024]}).write(tmp_path / "stars.csv")
    commands = {
        ("query", *CONE): {"mobsid", "ssa_snr"},
        ("xmatch", "stars.csv", "--find", "best-per-target"): {"name", "mobsid", "separation_arcsec"},
        ("sql", "SELECT objtype, count(*) AS n FROM spectra GROUP BY ALL"): {"objtype", "n"},
        ("adql", "SELECT TOP 5 mobsid, ra FROM spectra"): {"mobsid", "ra"},
        ("columns",): {"name", "unit"},
    }
    for words, names in commands.items():
        done = send(*words)
        kind, given, content = desktop.topcat.heard.pop()
        table = Table.read(BytesIO(content), format="votable")
        assert kind == TABLE
        assert names <= set(table.colnames)
        assert done.stderr.startswith(f"{len(table)} rows to topcat\n".replace("1 rows", "1 row")), words
        assert given["name"]
    assert desktop.topcat.heard == []


def test_results_of_python(desktop: Desktop, sample: ssap.Mirror) -> None:
    found = sample.search((292.06, 43.93), 0.7, snr=(600, None))
    stars = Table({"ra": [292.4180888], "dec": [44.0563024]})
    for result in (found, found[:3], sample.crossmatch(stars, 1.0), sample.sql("SELECT 1 AS one")):
        assert result.broadcast_samp() == ("topcat",)
        _, _, content = desktop.topcat.heard.pop()
        assert len(Table.read(BytesIO(content), format="votable")) == len(result)
    assert found.broadcast_samp(client_name="topcat") == ("topcat",)
    with pytest.raises(ssap.MirrorError, match="no program 'aladin' on the SAMP hub takes table"):
        found.broadcast_samp(client_name="aladin")


def test_the_coverage_to_aladin(desktop: Desktop, send: Callable[..., Ended], sample: ssap.Mirror) -> None:
    assert send("info", "--order", "6").stderr == "coverage to aladin\n"
    assert sample.moc().broadcast_samp() == ("aladin",)
    for (kind, given, content), order in zip(desktop.aladin.heard, (6, 7), strict=True):
        assert (kind, given["name"]) == (COVERAGE, SAMPLE)
        sent = MOC.from_fits(BytesIO(content))
        assert (sent.max_order, round(sent.sky_fraction, 9)) == (order, round(sample.moc(order).sky_fraction, 9))


def test_a_spectrum_to_splat(desktop: Desktop, sample: ssap.Mirror) -> None:
    record = sample.search((292.06, 43.93), 0.7, snr=(600, None))[0]
    record.broadcast_samp()
    assert desktop.splat.has_heard.wait(60)
    (kind, given, _), *others = desktop.splat.heard
    assert (kind, given["url"], given["name"], others) == (SPECTRUM, record.acref, record.title, [])
    assert given["meta"] == {"Access.Reference": record.acref, "Access.Format": record.format}


def test_a_program_that_cannot_load_it(desktop: Desktop, sample: ssap.Mirror) -> None:
    desktop.topcat.refuses = "out of memory"
    with pytest.raises(ssap.MirrorError, match=r"topcat could not load .*: out of memory"):
        sample.sql("SELECT 1 AS one").broadcast_samp()


def test_without_a_hub(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'gone').as_uri()}")
    for words in (("query", *CONE), ("info",)):
        done = run(*words, "--samp", home=SAMPLES)
        assert (done.returncode, done.stdout) == (1, "")
        assert "no SAMP hub is running; start TOPCAT or Aladin" in done.stderr
