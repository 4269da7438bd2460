"""The wheel in all environments it has to work in: ``python -m scripts.releasing.matrix [--list] [--jobs N] [CELL]``.

A cell is an environment that has the wheel, what it needs in the newest or the oldest versions that it allows, extras,
and the tests of the sdist, which see no source tree. Which tests: those that a version of Python or of a library can
break. What only our own code can break is tested once, by scripts/test.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from scripts.releasing.artefacts import ROOT, Artefact, build
from scripts.releasing.pythons import interpreter

__all__ = ["Cell", "Outcome", "cells", "main", "run"]

_PYTHONS = ("3.11", "3.12", "3.13", "3.14")
_NEWEST, _LOWEST = "highest", "lowest-direct"
# What the oldest libraries are warned of by newer ones, or by Python; it is nothing that we could do better.
_OLD_AGE = ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning")
_TOOLS = ("healpy", "hypothesis", "pytest", "pytest-timeout")

_CORE = ("tests/query/doors/test_extras.py", "tests/query/doors/test_public.py", "tests/mirror/test_public.py")
# A few of each library that we build on: DuckDB, Arrow, astropy, numpy, click, Starlette, httpx, sqlglot, Pillow.
_BROAD = (
    *_CORE,
    "tests/conformance",
    "tests/mirror/build/test_build.py",
    "tests/mirror/build/test_hats.py",
    "tests/mirror/core/test_healpix.py",
    "tests/mirror/tables/test_matrix.py",
    "tests/mirror/tables/test_open_table.py",
    "tests/mirror/tables/test_votable.py",
    "tests/query/adql/test_language.py",
    "tests/query/doors/test_both_doors.py",
    "tests/query/doors/test_cli.py",
    "tests/query/doors/test_cones.py",
    "tests/query/doors/test_mirror.py",
    "tests/query/doors/test_one_script.py",
    "tests/query/doors/test_server.py",
    "tests/query/engine/test_compile.py",
    "tests/query/fetch/test_content.py",
    "tests/query/fetch/test_spectra.py",
    "tests/query/plots",
    "tests/query/render/test_every_type.py",
    "tests/query/render/test_faces.py",
    "tests/query/render/test_formats.py",
    "tests/query/render/test_read_back.py",
    "tests/query/render/test_votable.py",
    "tests/query/server/test_tap.py",
    "tests/query/sql/test_foreign.py",
    "tests/query/sql/test_results.py",
    "tests/query/sql/test_views.py",
    "tests/query/ssap/test_dates.py",
    "tests/query/ssap/test_interpret.py",
    "tests/query/ssap/test_python_values.py",
    "tests/query/xmatch/test_inputs.py",
    "tests/query/xmatch/test_motion.py",
    "tests/query/xmatch/test_output.py",
)
# Extra -> what shows that it is enough by itself.
_OF_EXTRA = {
    "cluster": ("tests/query/cluster/test_search.py",),
    "lsdb": ("tests/mirror/build/test_hats.py",),
    "pandas": ("tests/query/doors/test_cones.py",),
    "plot": ("tests/query/plots",),
    "polars": ("tests/query/doors/test_everyday.py",),
    "pyvo": ("tests/query/doors/test_one_script.py", "tests/query/server/test_tap.py"),
    "remote": ("tests/mirror/remote", "tests/query/remote/test_same_rows.py"),
    "spectra": ("tests/query/fetch/test_spectra.py",),
}
# Extra -> what its own tests need: a local S3.
_TOOLS_OF_EXTRA = {"remote": ("flask", "flask-cors", "moto[s3]")}


@dataclass(frozen=True)
class Cell:
    """One environment, and what is run in it."""

    python: str
    """Version of Python."""
    resolution: str
    """Which versions of the dependencies: ``highest`` or ``lowest-direct``."""
    extras: tuple[str, ...]
    """Extras that are installed."""
    tests: tuple[str, ...]
    """Paths of tests."""
    complete: bool
    """Whether all extras are there, so that no test may be skipped for want of one."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        extras = "all" if self.complete else "+".join(self.extras) or "none"
        return f"{self.python}-{'newest' if self.resolution == _NEWEST else 'lowest'}-{extras}"


@dataclass(frozen=True)
class Outcome:
    """How a cell went."""

    cell: Cell
    """Which one."""
    summary: str
    """What pytest said last, or what failed before."""
    seconds: float
    """How long it took [s]."""
    green: bool
    """Whether all of it went well."""


def cells(extras: tuple[str, ...]) -> list[Cell]:
    """Give all cells of a project with these extras, the ones that take long first.

    Raises
    ------
    SystemExit
        If no tests are known of an extra.
    """
    if unknown := set(extras) - set(_OF_EXTRA):
        sys.exit(f"scripts/releasing/matrix.py names no tests of the extra {', '.join(sorted(unknown))}")
    oldest, newest = _PYTHONS[0], _PYTHONS[-1]
    return [
        Cell(oldest, _LOWEST, extras, _BROAD, complete=True),
        *(Cell(python, _NEWEST, extras, _BROAD, complete=True) for python in reversed(_PYTHONS)),
        Cell(oldest, _LOWEST, (), _BROAD, complete=False),
        Cell(newest, _NEWEST, (), _BROAD, complete=False),
        *(Cell("3.12", _NEWEST, (extra,), (*_CORE, *_OF_EXTRA[extra]), complete=False) for extra in extras),
    ]


def run(cell: Cell, sdist: Artefact, wheel: Artefact, folder: Path) -> Outcome:
    """Make the environment of a cell and run its tests.

    Parameters
    ----------
    cell : Cell
        Which one.
    sdist, wheel : Artefact
        Where the tests come from, and what they test.
    folder : pathlib.Path
        Where it goes; a folder of the cell's name is made anew. The environment is removed afterwards.
    """
    began = time.monotonic()
    place, log = folder / cell.name, folder / f"{cell.name}.log"
    shutil.rmtree(place, ignore_errors=True)
    with log.open("w", encoding="utf-8") as out:

        def do(*words: str | Path, cwd: Path = place) -> None:
            subprocess.run(words, stdout=out, stderr=subprocess.STDOUT, cwd=cwd, check=True)

        try:
            python = interpreter(cell.python, folder)
            source = _tests_alone(sdist, place)
            mine = _environment(cell, python, source, wheel, do)
            # Modules that an extra draws with cannot be imported without it.
            doctests = ["--pyargs", "ssap_mirror", "ssap_query", "--doctest-ignore-import-errors"]
            words = ["-q", "-p", "no:cacheprovider", f"--basetemp={place / 'tmp'}"]
            if cell.resolution == _LOWEST:
                words += [word for warning in _OLD_AGE for word in ("-W", f"ignore::{warning}")]
            do(mine, "-m", "pytest", *words, *cell.tests, *(doctests if cell.tests is _BROAD else ()), cwd=source)
            failed = ""
        except subprocess.CalledProcessError as error:
            failed = " ".join(map(str, error.cmd[:4]))
        except SystemExit as error:
            failed = str(error)
    said = log.read_text("utf-8", errors="replace").splitlines()
    missing = [line for line in said if line.startswith("SKIPPED") and "the extra" in line] if cell.complete else []
    summary = next((line for line in reversed(said) if re.search(r"\d+ (passed|failed|error)", line)), "ran no test")
    green = not failed and not missing and "passed" in summary
    if green:
        shutil.rmtree(place)
    problem = failed or (missing and missing[0]) or ""
    return Outcome(
        cell, " ".join(part for part in (summary.strip("= "), problem) if part), time.monotonic() - began, green
    )


def _tests_alone(sdist: Artefact, place: Path) -> Path:
    """Unpack an sdist, and take away the packages, so that tests can see none but the wheel's."""
    place.mkdir(parents=True)
    with tarfile.open(sdist.path) as archive:
        archive.extractall(place, filter="data")
    source = place / sdist.path.name.removesuffix(".tar.gz")
    for package in ("mirror/ssap_mirror", "query/ssap_query"):
        shutil.rmtree(source / package)
    return source


def _environment(cell: Cell, python: Path, source: Path, wheel: Artefact, do: Callable[..., None]) -> Path:
    """Make an environment that has the wheel; give its Python."""
    place = source.parent
    mine = place / "env" / "bin" / "python"
    do("uv", "venv", "--quiet", "--python", python, place / "env")
    # Only the dependencies of a project count as direct, those of a wheel do not: so the project is resolved.
    extras = [word for extra in cell.extras for word in ("--extra", extra)]
    resolve = ["--quiet", "--no-header", "--resolution", cell.resolution, "--python", mine]
    do("uv", "pip", "compile", *resolve, *extras, "--output-file", "needed.txt", source / "pyproject.toml")
    install = ["uv", "pip", "install", "--quiet", "--python", mine]
    do(*install, "--requirement", "needed.txt", f"{wheel.path}[{','.join(cell.extras)}]")
    own = [tool for extra in cell.extras for tool in _TOOLS_OF_EXTRA.get(extra, ())]
    do(*install, "--constraint", "needed.txt", *_TOOLS, *own)
    do("uv", "pip", "check", "--python", mine)
    do("uv", "pip", "list", "--python", mine)
    where = "import ssap_mirror, ssap_query, sys; sys.exit(not ssap_query.__file__.startswith(sys.prefix))"
    do(mine, "-c", where, cwd=source)
    return mine


def main(arguments: list[str]) -> int:
    """Run the cells that are named, or all; give the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/matrix", description=__doc__)
    parser.add_argument("cells", nargs="*", metavar="CELL", help="names or patterns of cells; all without one")
    parser.add_argument("--list", action="store_true", help="only say which cells there are")
    parser.add_argument("--jobs", type=int, default=2, help="cells at a time (default: 2)")
    chosen = parser.parse_args(arguments)
    folder = ROOT / "build" / "matrix"
    shutil.rmtree(folder / "dist", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    sdist, wheel = build(folder / "dist")
    there = cells(tuple(wheel.metadata.get_all("Provides-Extra", ())))
    wanted = [cell for cell in there if any(fnmatch(cell.name, name) for name in chosen.cells or ("*",))]
    if chosen.list or not wanted:
        print(*(cell.name for cell in there), sep="\n")
        return int(not wanted)
    for version in {cell.python for cell in wanted}:
        interpreter(version, folder)  # before two cells fetch the same one
    with ThreadPoolExecutor(chosen.jobs) as pool:
        outcomes = []
        for outcome in pool.map(lambda cell: run(cell, sdist, wheel, folder), wanted):
            outcomes.append(outcome)
            word = "ok" if outcome.green else "FAILED"
            print(f"{outcome.cell.name:30} {word:7} {outcome.seconds:5.0f} s  {outcome.summary}", flush=True)
    failed = [outcome.cell.name for outcome in outcomes if not outcome.green]
    for name in failed:
        print(f"what {name} printed: {folder / name}.log", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
