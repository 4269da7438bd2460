"""What the pages point at is there: other pages, their headings, files of the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.site.build import pages
from tests.support.paths import ROOT

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_LABEL = re.compile(r"^\(([\w-]+)\)=$", re.MULTILINE)
# Paths of the repository as text has them; those below a folder that its README is about begin otherwise.
_PATH = re.compile(r"`((?:mirror|query|scripts|tests|parquet|\.ci)/[\w./-]*\w)`")


def prose_of(page: Path) -> str:
    return _FENCED.sub("", page.read_text("utf-8"))


def anchors_of(page: Path) -> set[str]:
    """Headings as GitHub and MyST name them, and labels."""
    prose = prose_of(page)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose))
    return {*plain, *_LABEL.findall(prose)}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(prose_of(page)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors_of(linked), target


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_are_there(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        return  # tells of what was
    missing = [path for path in _PATH.findall(prose_of(page)) if not any((base / path).exists() for base in
               (ROOT, page.parent))]  # fmt: skip
    assert not missing


def test_there_are_links_and_paths() -> None:
    prose = "".join(map(prose_of, pages()))
    assert len(_LINK.findall(prose)) > 50
    assert len(_PATH.findall(prose)) > 20
