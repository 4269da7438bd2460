"""The public names, and what importing and asking costs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import ssap_query


def test_names_are_those_listed() -> None:
    assert sorted(ssap_query.__all__) == dir(ssap_query)
    for name in ssap_query.__all__:
        assert getattr(ssap_query, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        ssap_query.nonsense  # noqa: B018


def test_names_mean_what_they_say() -> None:
    from ssap_mirror.errors import MirrorError, ParameterError
    from ssap_query.mirror.mirror import Mirror, open_mirror
    from ssap_query.mirror.result import ResultSet
    from ssap_query.xmatch import Positions, crossmatch

    assert ssap_query.open is open_mirror
    assert (ssap_query.Mirror, ssap_query.ResultSet) == (Mirror, ResultSet)
    assert (ssap_query.crossmatch, ssap_query.Positions) == (crossmatch, Positions)
    assert (ssap_query.MirrorError, ssap_query.ParameterError) == (MirrorError, ParameterError)


def loaded_by(code: str, *arguments: str) -> set[str]:
    """Modules that a fresh Python has loaded after running some code."""
    code += "\nimport sys\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    return {name.partition(".")[0] for name in run.stdout.split()}


def test_importing_loads_next_to_nothing() -> None:
    loaded = loaded_by("import ssap_query")
    assert not {"astropy", "click", "duckdb", "healpy", "matplotlib", "numpy", "pandas", "pyarrow"} & loaded


@pytest.mark.parametrize("cache_bytes", ["0", "100000000"])
def test_asking_loads_no_more_than_it_needs(cache_bytes: str, awkward) -> None:
    code = (
        "import sys, ssap_query\n"
        "mirror = ssap_query.open('tiny', sys.argv[1], cache_bytes=int(sys.argv[2]))\n"
        "found = mirror.search(pos=(0.0, 90.0), size=1)\n"
        "assert len(found) > 5 and found.to_arrow().num_rows == len(found)"
    )
    loaded = loaded_by(code, str(awkward.home), cache_bytes)
    assert not {"astropy", "click", "duckdb", "healpy", "matplotlib", "pandas", "polars"} & loaded


def test_conditions_asked_once_are_left_to_duckdb(awkward) -> None:
    code = (
        "import sys, ssap_query\n"
        "mirror = ssap_query.open('tiny', sys.argv[1], cache_bytes=0)\n"
        "assert len(mirror.search(pos=(0.0, 90.0), size=1, snr=(-1e9, None)).to_arrow())\n"
        "assert 'pyarrow.parquet' not in sys.modules"
    )
    assert "duckdb" in loaded_by(code, str(awkward.home))
