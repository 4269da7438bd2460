"""The public names of the mirror package, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import ssap_mirror


def test_names_are_those_listed() -> None:
    assert sorted(ssap_mirror.__all__) == dir(ssap_mirror)
    for name in ssap_mirror.__all__:
        assert getattr(ssap_mirror, name).__name__ == name
    with pytest.raises(AttributeError, match="nonsense"):
        ssap_mirror.nonsense  # noqa: B018


def test_names_mean_what_they_say() -> None:
    from ssap_mirror.core.schema import Column, Schema
    from ssap_mirror.pipeline.recipe import build_mirror
    from ssap_mirror.pipeline.sync import sync

    assert (ssap_mirror.Column, ssap_mirror.Schema) == (Column, Schema)
    assert (ssap_mirror.build_mirror, ssap_mirror.sync) == (build_mirror, sync)


def test_importing_loads_next_to_nothing() -> None:
    code = "import ssap_mirror, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert not {"astropy", "duckdb", "healpy", "httpx", "numpy", "pyarrow", "tenacity"} & loaded
