"""All that has to hold before a release: ``python -m scripts.releasing.release [--draft]``.

The artefacts stay in build/release, with the conda recipe for them.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml
from packaging.requirements import Requirement

from scripts.releasing.artefacts import ROOT, Artefact, build
from scripts.releasing.metadata import Project, changelog_problems, citation_problems, recipe_problems

__all__ = ["artefact_problems", "main", "metadata_problems"]

_PACKAGES = {"mirror/ssap_mirror/": "ssap_mirror/", "query/ssap_query/": "ssap_query/"}
_SAMPLE = "parquet/lamost6-mrs-sample/"
_ROOT_FILES = "scripts/releasing/root/"
_RECIPE = Path("scripts/releasing/conda/recipe.yaml")
_NOT_RELEASED = (".ci/",)


def artefact_problems(sdist: Artefact, wheel: Artefact, tracked: list[str]) -> Iterator[str]:
    """Say which files of the project an artefact lacks, and which it has that are none.

    Parameters
    ----------
    sdist, wheel : Artefact
        What was built.
    tracked : list of str
        Files that git knows.
    """
    ours = {path for path in tracked if not path.startswith(_NOT_RELEASED)}
    moved_to_the_top = {path.removeprefix(_ROOT_FILES) for path in ours}
    yield from _differences("sdist", sdist.members, moved_to_the_top | {"PKG-INFO"})
    information = wheel.path.name.split("-")[0] + "-" + wheel.path.name.split("-")[1] + ".dist-info/"
    said = {f"{information}{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    packed = {
        inside + path.removeprefix(folder)
        for folder, inside in (*_PACKAGES.items(), (_SAMPLE, f"ssap_query/data/{_SAMPLE.split('/')[1]}/"))
        for path in ours
        if path.startswith(folder)
    }
    yield from _differences("wheel", wheel.members, packed | said)


def _differences(name: str, found: frozenset[str], wanted: set[str]) -> Iterator[str]:
    for word, paths in (("lacks", wanted - found), ("has a file that is none of the project's:", found - wanted)):
        yield from (f"the {name} {word} {path}" for path in sorted(paths))


def metadata_problems(project: Project, artefact: Artefact) -> Iterator[str]:
    """Say where the metadata of an artefact are not what pyproject.toml says."""
    said, extras = project.said, project.said["optional-dependencies"]
    wanted = {
        "Name": [said["name"]],
        "Version": [project.version],
        "Summary": [said["description"]],
        "License-Expression": [said["license"]],
        "License-File": said["license-files"],
        "Requires-Python": [said["requires-python"]],
        "Project-URL": [f"{name}, {url}" for name, url in said["urls"].items()],
        "Provides-Extra": sorted(extras),
        "Requires-Dist": sorted(
            [*map(_as_said, said["dependencies"])]
            + [_as_said(f"{one}; extra == '{extra}'") for extra, needed in extras.items() for one in needed]
        ),
        "Classifier": sorted(said["classifiers"]),
    }
    for name, values in wanted.items():
        found = artefact.metadata.get_all(name, [])
        found = sorted(map(_as_said, found) if name == "Requires-Dist" else found)
        if found != values:
            yield f"{artefact.path.name}: {name} is {found}; expected {values}"
    if not str(artefact.metadata.get_payload()).startswith(project.text(said["readme"])[:200]):
        yield f"{artefact.path.name}: its description is not {said['readme']}"


def _as_said(requirement: str) -> str:
    return str(Requirement(requirement))


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def _state_problems() -> Iterator[str]:
    if changed := _git("status", "--porcelain"):
        yield f"{len(changed)} files are not committed, the first is {changed[0][3:]}"


def _run_problems(*words: str | Path, cwd: Path = ROOT, **environment: str) -> Iterator[str]:
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd, env=os.environ | environment)
    if done.returncode:
        yield f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}".rstrip()


def _tool_problems(sdist: Artefact, wheel: Artefact) -> Iterator[str]:
    """Ask the tools that others judge a release by."""
    tool = ("uv", "tool", "run", "--quiet")
    yield from _run_problems(*tool, "--from", "validate-pyproject[all]", "validate-pyproject", "pyproject.toml")
    yield from _run_problems(*tool, "twine", "check", "--strict", sdist.path, wheel.path)
    # Two packages at the top (W009) are what we have; files twice (W002) are what HATS asks of the shipped mirror.
    yield from _run_problems(*tool, "check-wheel-contents", "--ignore", "W002,W009", wheel.path)
    citation = ROOT / _ROOT_FILES / "CITATION.cff"
    yield from _run_problems(*tool, "--from", "cffconvert==2.0.0", "cffconvert", "--validate", "--infile", citation)


def _alone_problems(wheel: Artefact) -> Iterator[str]:
    """Install the wheel alone and run the main job from an empty folder: only this shows what a package lacks."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (empty := place / "empty").mkdir()
        python = place / "env" / "bin" / "python"
        for words in (
            ("uv", "venv", "--quiet", "--python", sys.executable, place / "env"),
            ("uv", "pip", "install", "--quiet", "--python", python, wheel.path),
            ("uv", "pip", "check", "--quiet", "--python", python),
            (python.with_name("ssap-mirror"), "--version"),
            (python.with_name("ssap-mirror"), "demo", "--quiet"),
        ):
            yield from _run_problems(*words, cwd=empty, SSAP_MIRROR_HOME=str(place / "home"))


def _write_recipe(sdist: Artefact, folder: Path) -> Iterator[str]:
    """Write the conda recipe for the sdist, and have rattler-build read it.

    Nothing is built: that takes the packages of conda-forge, and its own CI does it.
    """
    text = (ROOT / _RECIPE).read_text("utf-8")
    checksum = hashlib.sha256(sdist.path.read_bytes()).hexdigest()
    filled = text.replace(yaml.safe_load(text)["context"]["sha256"], checksum)
    (folder / "recipe.yaml").write_text("".join(filled.partition("schema_version")[1:]), "utf-8")
    render = (
        "import sys, rattler_build as r\n"
        "recipe = r.Stage0Recipe.from_yaml(open(sys.argv[1], encoding='utf-8').read())\n"
        "(one,) = recipe.render(r.VariantConfig())\n"
    )
    words = ("uv", "run", "--quiet", "--no-project", "--with", "py-rattler-build", "python", "-c", render)
    yield from _run_problems(*words, folder / "recipe.yaml")


def main(arguments: list[str]) -> int:
    """Check everything, say what is wrong, and give the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/release", description=__doc__)
    parser.add_argument("--draft", action="store_true", help="before the day: changes may be unreleased or uncommitted")
    draft = parser.parse_args(arguments).draft
    folder = ROOT / "build" / "release"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    project, tracked = Project.read(), _git("ls-files")
    sdist, wheel = build(folder)
    checks: dict[str, Callable[[], Iterator[str]]] = {
        "changelog and version": lambda: changelog_problems(project, draft=draft),
        "all committed": lambda: iter(()) if draft else _state_problems(),
        "citation, codemeta, Zenodo": lambda: citation_problems(project),
        "conda recipe": lambda: recipe_problems(project),
        "files of sdist and wheel": lambda: artefact_problems(sdist, wheel, tracked),
        "metadata of the sdist": lambda: metadata_problems(project, sdist),
        "metadata of the wheel": lambda: metadata_problems(project, wheel),
        "what PyPI, pip and CFF ask for": lambda: _tool_problems(sdist, wheel),
        "conda recipe as rattler-build reads it": lambda: _write_recipe(sdist, folder),
        "the wheel alone, from an empty folder": lambda: _alone_problems(wheel),
    }
    failed = 0
    for name, check in checks.items():
        problems = list(check())
        failed += bool(problems)
        print(
            f"{'FAILED' if problems else 'ok':7} {name}", *(f"        {one}" for one in problems), sep="\n", flush=True
        )
    print(f"{len(checks) - failed} passed, {failed} failed", f"of {project.version}, in {folder}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
