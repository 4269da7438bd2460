"""Without an extra, what needs it says in one sentence what to install; everything else goes on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import astropy
import pytest
import ssap_query as ssap
from ssap_mirror.errors import MissingPackageError
from ssap_query.fetch.spectra.points import specutils
from ssap_query.mirror.mirror import Mirror
from ssap_query.mirror.shipped import sample_path
from ssap_query.render.faces.samp import library


def _found(mirror: Mirror) -> Any:
    return mirror.search(pos=(292.06, 43.93), size=0.2)


_CALLS: dict[str, tuple[str, Callable[[Mirror], object]]] = {
    "to_pandas": ("pandas", lambda mirror: _found(mirror).to_pandas()),
    "to_polars": ("polars", lambda mirror: _found(mirror).to_polars()),
    "scan": ("polars", lambda mirror: mirror.scan()),
    "cursor": ("pyvo", lambda mirror: _found(mirror).cursor()),
    "specutils": ("specutils", lambda mirror: specutils()),
}
_EXTRA = {"specutils": "spectra"}


@pytest.fixture(scope="module")
def sample() -> Mirror:
    return ssap.open(sample_path())


@pytest.mark.parametrize("call", _CALLS)
def test_one_sentence_says_what_to_install(call: str, sample: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    package, run = _CALLS[call]
    monkeypatch.setitem(sys.modules, package, None)  # an import of it fails, as where it is not installed
    for part in [name for name in sys.modules if name.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, part)  # of an import before this one
    with pytest.raises(MissingPackageError) as caught:
        run(sample)
    assert str(caught.value) == f"this needs {package}: pip install 'ssap-mirror[{_EXTRA.get(package, package)}]'"
    assert isinstance(caught.value, ImportError)
    assert caught.value.name == package


def test_samp_is_that_of_pyvo_or_of_an_older_astropy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvo", None)
    monkeypatch.setitem(sys.modules, "astropy.samp", None)
    monkeypatch.delitem(vars(astropy), "samp", raising=False)  # of an import before this one
    with pytest.raises(MissingPackageError, match=r"^this needs pyvo: pip install 'ssap-mirror\[pyvo\]'$"):
        library()


_BLOCKED = """
import sys

class Missing:
    packages = sys.argv.pop(1).split(",")

    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in self.packages:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from ssap_query.cli.app import main
main()
"""


def _command(without: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command where packages are missing."""
    return subprocess.run(
        [sys.executable, "-c", _BLOCKED, without, *words], capture_output=True, text=True, timeout=120, check=False
    )


def test_a_command_that_needs_an_extra(tmp_path: Path) -> None:
    done = _command("matplotlib", "plot", "lamost6-mrs-sample", "-o", str(tmp_path / "sky.png"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ssap-mirror: this needs matplotlib: pip install 'ssap-mirror[plot]'\n"
    assert list(tmp_path.iterdir()) == []


def test_what_most_do_needs_none(tmp_path: Path) -> None:
    without = "matplotlib,pandas,polars,pyvo,specutils,lsdb,hats,healpy,scipy"
    words = ("query", "-m", "lamost6-mrs-sample", "--pos", "292.06,43.93", "--size", "0.2")
    for name in ("found.vot", "found.fits", "found.ecsv"):
        done = _command(without, *words, "-o", str(tmp_path / name))
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name).stat().st_size > 0
