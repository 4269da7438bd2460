"""What the project says of itself in files for others, held against pyproject.toml, which says it first."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement

from scripts.releasing.artefacts import ROOT

__all__ = ["Project", "changelog_problems", "citation_problems", "recipe_problems"]

_OWN = Path("scripts/releasing")
_HEADING = re.compile(r"^## \[(?P<name>[^\]]+)\](?: - (?P<date>\S+))?$", re.MULTILINE)
# Distribution on PyPI -> package of conda-forge, where that has another name: its "astropy" has all extras.
_CONDA = {"astropy": "astropy-base", "duckdb": "python-duckdb"}


@dataclass(frozen=True)
class Project:
    """A checkout, by what its pyproject.toml says."""

    root: Path
    """The folder."""
    said: dict[str, Any]
    """The table ``project``."""
    build_requires: tuple[str, ...]
    """What it is built with."""

    @classmethod
    def read(cls, root: Path = ROOT) -> Project:
        """Read the pyproject.toml of a folder."""
        table = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
        return cls(root, table["project"], tuple(table["build-system"]["requires"]))

    @property
    def version(self) -> str:
        """The version that the next release has."""
        version: str = self.said["version"]
        return version

    def text(self, path: str | Path) -> str:
        """Text of a file."""
        return (self.root / path).read_text("utf-8")

    def sections(self) -> dict[str, tuple[str | None, str]]:
        """Sections of the changelog: name -> date and text."""
        text = self.text("CHANGELOG.md")
        heads = list(_HEADING.finditer(text))
        ends = [head.start() for head in heads[1:]] + [len(text)]
        return {head["name"]: (head["date"], text[head.end() : end]) for head, end in zip(heads, ends, strict=True)}


def changelog_problems(project: Project, *, draft: bool = False) -> Iterator[str]:
    """Say what is wrong with the changelog.

    Parameters
    ----------
    project : Project
        The checkout.
    draft : bool
        Whether changes may stand under "Unreleased", as they do until the day of a release.
    """
    sections = project.sections()
    if project.version not in sections:
        yield f"CHANGELOG.md has no section of version {project.version}"
        return
    dated = sections[project.version][0]
    try:
        date.fromisoformat(dated or "")
    except ValueError:
        yield f"CHANGELOG.md gives version {project.version} the date {dated!r}; expected one as 2026-11-23"
    if not draft and sections.get("Unreleased", (None, ""))[1].strip():
        yield f"CHANGELOG.md has changes under [Unreleased]: they belong to a version behind {project.version}"


def citation_problems(project: Project) -> Iterator[str]:
    """Say where CITATION.cff, codemeta.json and .zenodo.json say something else than pyproject.toml."""
    said = project.said
    author = said["authors"][0]["name"]
    released = project.sections().get(project.version, (None, ""))[0]
    common = {"version": project.version, "keywords": said["keywords"]}
    folder = _OWN / "root"
    expected = {
        "CITATION.cff": common
        | {"title": said["name"], "abstract": said["description"], "license": said["license"], "type": "software"}
        | {"authors": [{"name": author}], "url": said["urls"]["Homepage"], "date-released": released},
        "codemeta.json": common
        | {"name": said["name"], "description": said["description"], "url": said["urls"]["Homepage"]}
        | {"license": f"https://spdx.org/licenses/{said['license']}", "dateModified": released}
        | {
            "author": [{"@type": "Organization", "name": author}],
            "runtimePlatform": f"Python {said['requires-python']}",
        }
        | {"@context": "https://w3id.org/codemeta/3.0", "@type": "SoftwareSourceCode"},
        ".zenodo.json": common
        | {"title": said["name"], "description": said["description"], "license": said["license"]}
        | {"creators": [{"name": author}], "publication_date": released}
        | {"upload_type": "software", "access_right": "open"},
    }
    for name, wanted in expected.items():
        text = project.text(folder / name)
        # Dates of CFF are text in quotes or none to YAML; both are the same to its readers.
        found = json.loads(text) if name.endswith("json") else yaml.load(text, yaml.BaseLoader)
        for key, value in wanted.items():
            if found.get(key) != value:
                yield f"{folder / name}: {key} is {found.get(key)!r}; expected {value!r}"


def recipe_problems(project: Project) -> Iterator[str]:
    """Say where the conda recipe says something else than pyproject.toml."""
    path = _OWN / "conda" / "recipe.yaml"
    recipe = yaml.safe_load(project.text(path))
    said = project.said
    python = f"python {said['requires-python']}"
    commands = [f"{name} = {target}" for name, target in said["scripts"].items()]
    for what, found, wanted in (
        ("version", recipe["context"]["version"], project.version),
        ("host", set(recipe["requirements"]["host"]), {python, "pip", *map(_conda, project.build_requires)}),
        ("run", set(recipe["requirements"]["run"]), {python, *map(_conda, said["dependencies"])}),
        ("entry_points", recipe["build"]["python"]["entry_points"], commands),
        ("summary", recipe["about"]["summary"], said["description"]),
        ("license", recipe["about"]["license"], said["license"]),
        ("homepage", recipe["about"]["homepage"], said["urls"]["Homepage"]),
    ):
        if found != wanted:
            differing = found ^ wanted if isinstance(found, set) else {repr(found), repr(wanted)}
            yield f"{path}: {what} is not that of pyproject.toml: {', '.join(sorted(differing))}"


def _conda(requirement: str) -> str:
    """Give a requirement as conda writes it."""
    read = Requirement(requirement)
    limits = ",".join(sorted(map(str, read.specifier), reverse=True))
    return f"{_CONDA.get(read.name, read.name)} {limits}".rstrip()
