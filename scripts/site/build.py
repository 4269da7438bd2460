"""The pages of the documentation, gathered from beside what they describe, and the site that is built of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["build", "gather", "pages"]

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
    folder.mkdir(parents=True)
    for name in ("conf.py", "index.md"):
        shutil.copyfile(_OWN / name, folder / name)
    # These have no meaning but on the site.
    shutil.copytree(_OWN / "reference", folder / _OWN.relative_to(_ROOT) / "reference")
    for page in pages():
        place = folder / page.relative_to(_ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, place)


def build(target: Path) -> int:
    """Build the site into a folder; warnings are errors. Gives the exit code of Sphinx."""
    source = target / "source"
    shutil.rmtree(target, ignore_errors=True)
    gather(source)
    words = ["-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html", str(source), str(target / "html")]
    # The notebooks run the command that belongs to this Python, on the mirrors of the checkout.
    environment = {name: value for name, value in os.environ.items() if name != "SSAP_MIRROR_HOME"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run([sys.executable, *words], env=environment, check=False).returncode
