"""Gather the pages, each from beside what it describes, and build the site: ``python -m scripts.site [folder]``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["build", "gather"]

_ROOT = Path(__file__).resolve().parents[2]
_OWN = Path(__file__).resolve().parent
_PAGES = ("README.md", "CHANGELOG.md", "*/README.md", "query/RULES.md", "*/docs/**/*.md")


def pages() -> list[Path]:
    """Pages of the repository that the site has."""
    found = {path for pattern in _PAGES for path in _ROOT.glob(pattern)}
    # Folders with a dot in front belong to tools.
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(_ROOT).parts))


def gather(folder: Path) -> None:
    """Put all pages into an empty folder, at their places in the repository, so that links between them hold."""
    shutil.copytree(_OWN, folder, ignore=shutil.ignore_patterns("__*"))
    for page in pages():
        place = folder / page.relative_to(_ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, place)


def build(target: Path) -> int:
    """Build the site into a folder; warnings are errors. Gives the exit code of Sphinx."""
    source = target / "source"
    shutil.rmtree(target, ignore_errors=True)
    gather(source)
    words = ["-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(source), str(target / "html")]
    return subprocess.run([sys.executable, *words], check=False).returncode


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else _ROOT / "build" / "site"
    code = build(target)
    print(f"the site: {target / 'html' / 'index.html'}" if code == 0 else "the site has not been built")
    sys.exit(code)
