"""The README and the pages of the documentation tell the truth: their blocks are run, and print what they show."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from scripts.site.build import pages
from tests.support.extras import optional
from tests.support.pages import LANGUAGES, Reader, blocks_of
from tests.support.paths import ROOT
from tests.support.stand_ins import FarAway, far_away

# The pages show what comes with the extras.
for package in ("matplotlib", "pyvo", "polars", "pandas", "lsdb", "specutils"):
    optional(package)

PAGES = [page for page in pages() if blocks_of(page)]
# Every block that is not run, and nothing else: what is added here has to be looked at.
NOT_RUN = {
    "README.md": [
        "CI runs both (.ci/run), and the second would run itself",
        "made-up rows have no spectra; query/docs/spectra.md does the same, and is run",
        "needs the network; scripts/release installs the wheel in an empty environment",
        "lines of start-up files of three shells; tests/query/doors/test_completion.py asks as they do",
        "needs root on Debian; CI runs it (.ci/run)",
    ],
    "query/docs/cluster.md": [
        "needs the network; tests/query/cluster/test_matching.py does it with a catalogue of its own",
        "needs a cluster; tests/query/doors/test_cluster_command.py runs both commands",
    ],
    "query/docs/remote.md": ["needs an object store; tests/query/remote asks one on this machine"],
    "query/docs/start.md": ["needs the network; scripts/release installs the wheel in an empty environment"],
}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def marks_of(page: Path) -> tuple[pytest.MarkDecorator, ...]:
    """LSDB and Dask warn of things among themselves."""
    text = page.read_text("utf-8")
    warned = "import lsdb" in text or ".cluster(" in text
    return (pytest.mark.filterwarnings("ignore"),) if warned else ()


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarAway]:
    with far_away(tmp_path_factory.mktemp("far")) as there:
        yield there


@pytest.fixture
def desk(centre: FarAway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Sit down where a reader is: in a folder, with a folder of mirrors, and the command at hand."""
    folder = tmp_path / "reader"
    folder.mkdir()
    monkeypatch.chdir(folder)
    centre.furnish(folder, tmp_path / "home")
    monkeypatch.setenv("SSAP_MIRROR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    duckdb.set_default_connection(duckdb.connect())  # what other tests have left in the one of `duckdb.sql`


@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("page", [pytest.param(page, marks=marks_of(page), id=name_of(page)) for page in PAGES])
def test_a_page_does_what_it_says(page: Path, centre: FarAway) -> None:
    with closing(Reader(centre.words(page))) as reader:
        for block in blocks_of(page):
            if block.reason is None:
                reader.run(block)


def test_every_block_is_run_or_says_why_not() -> None:
    assert len(PAGES) >= 10
    found = {name_of(page): blocks_of(page) for page in PAGES}
    unknown = [(name, block.line, block.language) for name in found for block in found[name]
               if block.language not in LANGUAGES]  # fmt: skip
    assert not unknown
    # Each fence that begins is one that ends, and none is overlooked.
    for page in PAGES:
        fences = [line for line in page.read_text("utf-8").splitlines() if line.startswith("```")]
        assert len(fences) == 2 * len(found[name_of(page)]), page
    not_run = {name: [block.reason for block in found[name] if block.reason] for name in found}
    assert {name: reasons for name, reasons in not_run.items() if reasons} == NOT_RUN


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the group docs")
    done = subprocess.run(
        [sys.executable, "-m", "scripts.site", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "html" / "query" / "docs" / "tutorials" / "binaries.html").is_file()
