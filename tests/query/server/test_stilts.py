"""STILTS as TOPCAT's users have it: its checks of a service, and each of its commands that asks one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import astropy.units as u
import httpx
import numpy as np
import pytest
import ssap_query as ssap
from astropy.coordinates import SkyCoord
from astropy.table import Table
from ssap_mirror import sync
from ssap_query.server.application import application

from tests.support.serving import serving

pytestmark = pytest.mark.stilts

_SAMPLE, _REAL, _ODD = "lamost6-mrs-sample", "lamost-mrs-real", "odd"
# All but LOC: the data model of observation plans, which no spectra service has.
_STAGES = "TMV TME TMS TMC CPV CAP AVV QGE QPO QAS UWS MDQ OBS UPL EXA"
_TEXT = """name,ra,dec,mag,größe,note
Étoile,10.5,41.2,12.5,1.5,"ünïcode ✓"
β Lyr,282.52,33.36,3.5,,naïve
plain,56,21,9,2,
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("stilts")
    (home / "odd.csv").write_text(_TEXT, "utf-8")
    sync(_ODD, source=home / "odd.csv", home=home / "mirrors")
    mirrors = {_SAMPLE: ssap.open(_SAMPLE), _REAL: ssap.open(_REAL), _ODD: ssap.open(_ODD, home / "mirrors")}
    with serving(application(mirrors)) as found:
        yield found


@pytest.fixture(scope="module")
def sample() -> Table:
    """Where the rows are: targets, and fibres."""
    rows = ssap.open(_SAMPLE).search(columns=["ra", "dec", "ssa_location"])
    return rows.to_astropy().filled(np.nan)


@pytest.fixture
def asked(tmp_path: Path) -> Callable[..., Table]:
    """A command of STILTS that writes a table; no word of warning is allowed."""

    def run(*words: str) -> Table:
        out = tmp_path / "out.fits"
        command = ["stilts", *words, f"out={out}", "ofmt=fits"]
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=200, check=False
        )
        assert done.returncode == 0, done.stderr
        said = [line for line in done.stderr.splitlines() if "Multi-Cone" not in line and "faster way" not in line]
        assert "WARN" not in "".join(said).upper()
        return Table.read(out)

    return run


@pytest.fixture
def stars(sample: Table, tmp_path: Path) -> tuple[Path, SkyCoord]:
    """Forty places near rows of the sample."""
    placed = sample[np.isfinite(sample["ra"])]
    some = placed[np.linspace(0, len(placed) - 1, 40).astype(int)]
    places = SkyCoord(some["ra"], some["dec"], unit="deg").directional_offset_by(30 * u.deg, 2 * u.arcsec)
    path = tmp_path / "stars.csv"
    Table({"n": np.arange(40), "lon": places.ra.deg, "lat": places.dec.deg}).write(path)
    return path, places


def _pairs(places: SkyCoord, sample: Table, radius: u.Quantity, kind: str = "cone") -> int:
    """Count pairs by astropy: SSA is about where the fibre was, all else about the target."""
    where = sample["ssa_location"] if kind == "ssa" else np.column_stack([sample["ra"], sample["dec"]])
    rows = SkyCoord(where[np.isfinite(where).all(axis=1)], unit="deg")
    return len(rows.search_around_sky(places, radius)[0])


def test_taplint(address: str) -> None:
    command = ["stilts", "taplint", f"tapurl={address}/tap", f"stages={_STAGES}", "maxtable=4"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    errors = [line for line in done.stdout.splitlines() if line.startswith(("E-", "F-"))]
    assert errors == []
    assert "Totals: Errors: 0" in done.stdout


@pytest.mark.parametrize("flavour", ["votable/td", "votable/b", "votable/b2"])
@pytest.mark.parametrize(
    "request_",
    [f"{name}/ssap?REQUEST=queryData&VERB={verb}" for name in (_REAL, _ODD) for verb in (1, 3)]
    + [f"{_REAL}/scs?RA=0&DEC=0&SR=180&VERB=3", f"{_ODD}/scs?RA=10&DEC=41&SR=1"]
    + [f"tap/sync?LANG=ADQL&QUERY=SELECT+*+FROM+{name}.spectra" for name in (_ODD, "lamost_mrs_real")],
)
def test_votlint(request_: str, flavour: str, address: str, tmp_path: Path) -> None:
    answer = httpx.get(f"{address}/{request_}&RESPONSEFORMAT={flavour}", timeout=60)
    assert answer.status_code == 200
    (tmp_path / "x.vot").write_bytes(answer.content)
    command = ["stilts", "votlint", str(tmp_path / "x.vot")]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, check=False)
    assert done.returncode == 0
    assert "ERROR" not in done.stdout
    assert "</VOTABLE>" in answer.text


def test_tapquery(address: str, asked: Callable[..., Table], stars: tuple[Path, SkyCoord], sample: Table) -> None:
    path, places = stars
    query = (
        "SELECT s.mobsid, t.n FROM TAP_UPLOAD.t AS t JOIN lamost6_mrs_sample.spectra AS s"
        " ON DISTANCE(POINT(s.ra, s.dec), POINT(t.lon, t.lat)) < 3/3600."
    )
    for sync_ in ("true", "false"):
        words = ["nupload=1", f"upload1={path}", "upname1=t", f"adql={query}", f"sync={sync_}"]
        found = asked("tapquery", f"tapurl={address}/tap", *words)
        assert len(found) == _pairs(places, sample, 3 * u.arcsec) >= 40


def test_tapskymatch(address: str, asked: Callable[..., Table], stars: tuple[Path, SkyCoord], sample: Table) -> None:
    path, places = stars
    words = [f"in={path}", "inlon=lon", "inlat=lat", "taptable=spectra", "taplon=ra", "taplat=dec", "find=all"]
    found = asked("tapskymatch", f"tapurl={address}/{_SAMPLE}/tap", *words, f"sr={3 / 3600}")
    assert len(found) == _pairs(places, sample, 3 * u.arcsec) >= 40


@pytest.mark.parametrize(("kind", "path"), [("cone", "scs"), ("ssa", "ssap")])
def test_cone(
    kind: str, path: str, address: str, asked: Callable[..., Table], stars: tuple[Path, SkyCoord], sample: Table
) -> None:
    place = stars[1][20]
    where = [f"lon={place.ra.deg}", f"lat={place.dec.deg}", "radius=0.5", f"servicetype={kind}"]
    found = asked("cone", f"serviceurl={address}/{_SAMPLE}/{path}", *where)
    assert len(found) == _pairs(SkyCoord([place]), sample, 0.5 * u.deg, kind) > 1


@pytest.mark.parametrize(("kind", "path"), [("cone", "scs"), ("ssa", "ssap")])
def test_coneskymatch(
    kind: str, path: str, address: str, asked: Callable[..., Table], stars: tuple[Path, SkyCoord], sample: Table
) -> None:
    table, places = stars
    words = [f"in={table}", "ra=lon", "dec=lat", f"sr={3 / 3600}", "find=all", f"servicetype={kind}"]
    found = asked("coneskymatch", f"serviceurl={address}/{_SAMPLE}/{path}", *words, "usefoot=false")
    assert len(found) == _pairs(places, sample, 3 * u.arcsec, kind) >= 40
