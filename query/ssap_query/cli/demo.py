"""The main job from end to end on this machine alone: serve the shipped sample, mirror it over HTTP, ask the mirror.

Each step runs a command that a user would type, shows what it prints, and says what the same step is for the real
service.
"""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

from ssap_mirror.errors import MirrorError, MissingPackageError

from ssap_query.mirror.shipped import SAMPLE, sample_path

__all__ = ["Step", "run"]

_MIRROR = "lamost6-mrs"
# So small that slices overflow and have to be split, as those of the real service do.
_SERVER_LIMIT = 3000
_CONE = ("--pos", "292.06,43.93", "--size", "1", "--band", "6.3e-7/6.8e-7", "--time", "2017-09/2018-06", "--snr", "50/")
_START_S = 20.0
# What draws, and the extra that has it.
_DRAWING = ("matplotlib", "plot")

Command = Sequence[str]


@dataclass(frozen=True)
class Step:
    """One thing the demonstration does."""

    title: str
    """What it shows."""
    command: tuple[str, ...]
    """Arguments of ``ssap-mirror``."""
    real: str
    """The command that does it on the real service; empty if it is the same."""


def run(invoke: Callable[[Command], None], say: Callable[[str], None], folder: Path | None = None) -> Path:
    """Run the demonstration.

    Parameters
    ----------
    invoke : callable
        Runs ``ssap-mirror`` with the given arguments, in this process.
    say : callable
        Shows a line to a person.
    folder : pathlib.Path, optional
        Where the mirror and the files go; a new temporary folder without it. It is kept.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    MirrorError
        If a step fails.
    """
    folder = folder or Path(tempfile.mkdtemp(prefix="ssap-mirror-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    say("The rows of this demonstration are SYNTHETIC: shaped like LAMOST DR6 MRS, but made up.")
    say(f"Everything is kept in {folder}")
    with _service() as url:
        say(f"\n0. A spectra service on this machine: {url}")
        say(f"   (ssap-mirror serve {SAMPLE} --maxrec {_SERVER_LIMIT}; it truncates longer answers)")
        began = time.monotonic()
        for number, step in enumerate(_steps(url, folder), 1):
            say(f"\n{number}. {step.title}")
            say(f"   $ ssap-mirror {' '.join(_shown(step.command))}")
            invoke(step.command)
            if step.real:
                say(f"   The real service: {step.real}")
    picture = f"The picture: {folder / 'sky.png'}" if _can_draw() else f"No picture: {MissingPackageError(*_DRAWING)}"
    say(f"\nDone in {time.monotonic() - began:.0f} s. {picture}")
    return folder


def _steps(url: str, folder: Path) -> Iterator[Step]:
    home = ("--home", str(folder))
    data = Path(str(resources.files("ssap_query").joinpath("data")))
    yield Step(
        "Mirror it: sweep it by TIME in slices, split what overflows, prove that nothing is missing",
        ("sync", _MIRROR, "--from", url, *home),
        f"ssap-mirror sync {_MIRROR}",
    )
    yield Step("What is in the mirror", ("info", _MIRROR, *home), f"ssap-mirror info {_MIRROR}")
    for verb, columns in ((1, "the most important columns"), (2, "the useful columns"), (3, "all columns")):
        target = folder / f"cone-verb{verb}.vot"
        yield Step(
            f"A cone with band, time and signal to noise, VERB={verb}: {columns}",
            ("query", "--mirror", _MIRROR, *_CONE, "--verb", str(verb), *home, "-o", str(target)),
            f"ssap-mirror query {' '.join(_CONE)} --verb {verb} -o {target.name}" if verb == 1 else "",
        )
    yield Step(
        "The same cone to read here",
        (
            *("query", "--mirror", _MIRROR, *_CONE, "--columns", "mobsid,ra,dec,ssa_dateObs,ssa_snr,ssa_targname"),
            *("--maxrec", "5", "--format", "table", *home),
        ),
        "",
    )
    yield Step(
        "Cross-match with a shipped piece of Hipparcos-2 (J1991.25), each star moved to the date of the spectrum",
        (
            *("xmatch", str(data / "hipparcos2_sample.parquet"), "--mirror", _MIRROR, "--radius", "1"),
            *("--epoch", "1991.25", *home, "-o", str(folder / "hipparcos2-matches.parquet")),
        ),
        "ssap-mirror xmatch hipparcos2.parquet --radius 1 --epoch 1991.25 -o matched.parquet",
    )
    yield Step(
        "Cross-match with a shipped piece of Gaia DR3 (bright stars, without motions)",
        (
            *("xmatch", str(data / "gaia_bright_sample.parquet"), "--mirror", _MIRROR, "--radius", "1"),
            *(*home, "-o", str(folder / "gaia-matches.parquet")),
        ),
        "ssap-mirror xmatch gaia.parquet --radius 1 -o matched.parquet",
    )
    if _can_draw():
        yield Step(
            "A map of the sky",
            ("plot", _MIRROR, *home, "-o", str(folder / "sky.png")),
            f"ssap-mirror plot {_MIRROR} -o sky.png",
        )


def _can_draw() -> bool:
    """Whether the extra for pictures is there; all other steps go without any."""
    return find_spec(_DRAWING[0]) is not None


def _shown(command: Command) -> Iterator[str]:
    return (f"'{word}'" if " " in word else word for word in command)


@contextmanager
def _service() -> Iterator[str]:
    """Serve the sample on a free port of the loopback interface."""
    import uvicorn

    from ssap_query.mirror.mirror import open_mirror
    from ssap_query.server.application import application

    app = application({SAMPLE: open_mirror(sample_path())}, default_maxrec=_SERVER_LIMIT)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        until = time.monotonic() + _START_S
        while not server.started and thread.is_alive() and time.monotonic() < until:
            time.sleep(0.02)
        if not server.started:
            message = "the service of the demonstration did not start"
            raise MirrorError(message)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/ssap"
        finally:
            server.should_exit = True
            thread.join(_START_S)
