"""What is checked before a release is found out where it does not hold; what is released holds it."""

from __future__ import annotations

import shutil
import tomllib
from email.message import Message
from pathlib import Path

import pytest

from scripts.releasing.artefacts import Artefact
from scripts.releasing.matrix import cells
from scripts.releasing.metadata import Project, changelog_problems, citation_problems, recipe_problems
from scripts.releasing.release import artefact_problems, metadata_problems
from tests.support.paths import ROOT

_FILES = ("pyproject.toml", "README.md", "CHANGELOG.md", "scripts/releasing/root", "scripts/releasing/conda")

pytestmark = pytest.mark.skipif(
    not (ROOT / "scripts/releasing/root").is_dir(),
    reason="an sdist has these files at its top; it is made by a checkout",
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What a release says of itself, in a folder where it can be changed."""
    for name in _FILES:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile)(ROOT / name, target)
    return tmp_path


def changed(folder: Path, name: str, old: str, new: str) -> Project:
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return Project.read(folder)


def problems(project: Project) -> list[str]:
    return [*changelog_problems(project, draft=True), *citation_problems(project), *recipe_problems(project)]


def test_the_checkout_says_the_same_everywhere() -> None:
    assert problems(Project.read()) == []


def test_a_new_version_has_to_be_said_everywhere(copy: Path) -> None:
    found = problems(changed(copy, "pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"'))
    assert found[0] == "CHANGELOG.md has no section of version 0.2.0"
    for name in ("CITATION.cff", "codemeta.json", ".zenodo.json"):
        assert f"scripts/releasing/root/{name}: version is '0.1.0'; expected '0.2.0'" in found
    recipe = "scripts/releasing/conda/recipe.yaml"
    assert f"{recipe}: version is not that of pyproject.toml: '0.1.0', '0.2.0'" in found


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("CHANGELOG.md", "## [0.1.0] - 2026-11-23", "## [0.1.0] - soon", "gives version 0.1.0 the date 'soon'"),
        ("CHANGELOG.md", "## [0.1.0] - 2026-11-23", "## [0.1.0]", "gives version 0.1.0 the date None"),
        ("CHANGELOG.md", "2026-11-23", "2026-11-24", "date-released is '2026-11-23'; expected '2026-11-24'"),
        ("pyproject.toml", '"httpx>=0.27"', '"httpx>=0.28"', "run is not that of pyproject.toml: httpx >=0.27, "),
        ("pyproject.toml", "hatchling>=1.25", "hatchling>=1.26", "host is not that of pyproject.toml"),
        ("pyproject.toml", '"HATS", ', "", "codemeta.json: keywords is"),
        ("pyproject.toml", '"BSD-3-Clause"', '"MIT"', ".zenodo.json: license is 'BSD-3-Clause'; expected 'MIT'"),
    ],
)  # fmt: skip
def test_what_differs_is_named(copy: Path, name: str, old: str, new: str, said: str) -> None:
    assert any(said in problem for problem in problems(changed(copy, name, old, new)))


def test_changes_that_no_version_has_hold_a_release_up(copy: Path) -> None:
    text = "## [Unreleased]\n\n- a change\n\n## [0.1.0] - 2026-11-23\n"
    (copy / "CHANGELOG.md").write_text(text, "utf-8")
    assert list(changelog_problems(Project.read(copy))) == [
        "CHANGELOG.md has changes under [Unreleased]: they belong to a version behind 0.1.0"
    ]
    (copy / "CHANGELOG.md").write_text(text.replace("- a change\n", ""), "utf-8")
    assert list(changelog_problems(Project.read(copy))) == []


_TRACKED = [
    *("pyproject.toml", ".ci/run", "query/ssap_query/x.py", "mirror/ssap_mirror/y.py", "tests/test_z.py"),
    *("parquet/lamost6-mrs-sample/CURRENT", "scripts/releasing/root/CITATION.cff"),
]
_SDIST = {*_TRACKED, "PKG-INFO", "CITATION.cff"} - {".ci/run", "scripts/releasing/root/CITATION.cff"}
_INFORMATION = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
_WHEEL = {
    *("ssap_query/x.py", "ssap_mirror/y.py", "ssap_query/data/lamost6-mrs-sample/CURRENT"),
    *(f"ssap_mirror-0.1.0.dist-info/{name}" for name in _INFORMATION),
}


def _artefact(name: str, members: set[str], metadata: Message | None = None) -> Artefact:
    return Artefact(Path(name), frozenset(members), metadata or Message())


@pytest.mark.parametrize(
    ("missing", "stray", "said"),
    [
        ((), (), []),
        (("CITATION.cff",), (), ["the sdist lacks CITATION.cff"]),
        (("ssap_query/x.py",), (), ["the wheel lacks ssap_query/x.py"]),
        (
            (),
            ("x/.env",),
            [f"the {name} has a file that is none of the project's: x/.env" for name in ("sdist", "wheel")],
        ),
    ],
)
def test_files_that_are_missing_or_stray(missing: tuple[str, ...], stray: tuple[str, ...], said: list[str]) -> None:
    sdist = _artefact("ssap_mirror-0.1.0.tar.gz", (_SDIST - {*missing}) | {*stray})
    wheel = _artefact("ssap_mirror-0.1.0-py3-none-any.whl", (_WHEEL - {*missing}) | {*stray})
    assert list(artefact_problems(sdist, wheel, _TRACKED)) == said


def test_metadata_that_are_not_those_of_the_project() -> None:
    found = list(metadata_problems(Project.read(), _artefact("ssap_mirror-0.1.0-py3-none-any.whl", set())))
    assert "ssap_mirror-0.1.0-py3-none-any.whl: Version is []; expected ['0.1.0']" in found
    assert any("Provides-Extra is []" in one and "polars" in one for one in found)
    assert found[-1].endswith("its description is not README.md")


def test_cells_name_tests_that_there_are() -> None:
    extras = tuple(Project.read().said["optional-dependencies"])
    there = cells(extras)
    assert len({cell.name for cell in there}) == len(there) > len(extras)
    assert [path for cell in there for path in cell.tests if not (ROOT / path).exists()] == []
    with pytest.raises(SystemExit, match="names no tests of the extra telescope"):
        cells((*extras, "telescope"))


def test_classifiers_are_the_pythons_of_the_matrix() -> None:
    said = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    tested = {cell.python for cell in cells(())}
    assert tested == {word.rpartition(" ")[2] for word in said["classifiers"] if "Python :: 3" in word}
    assert f">={min(tested, key=lambda version: int(version[2:]))}" == said["requires-python"]
