"""What all tests share: which of them need a tool or a server, and what is said when it is not there."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from ssap_mirror.core import layout

from tests.support import extras
from tests.support.browser import missing_browser

# The same cases on every run and every machine; a case that failed once is written down as an example in its test.
settings.register_profile("project", derandomize=True, deadline=None, database=None, print_blob=True)
settings.load_profile("project")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Leave the user's cache folder alone."""
    os.environ[layout.CACHE_VARIABLE] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def stilts(tmp_path: Path) -> Callable[..., str]:
    """Runs STILTS and gives what it prints."""

    def run(*words: str) -> str:
        done = subprocess.run(
            ["stilts", *words],
            env={**os.environ, "JAVA_TOOL_OPTIONS": "-Dfile.encoding=UTF-8"},
            stdin=subprocess.DEVNULL,  # votlint waits for it after an error
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            check=False,
        )
        if "Unknown format ecsv" in done.stderr:
            pytest.skip("this STILTS was built without ECSV")
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew; review the difference")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = config.getoption("markexpr")
    for item in items:
        if item.get_closest_marker("slow") and "slow" not in chosen:
            item.add_marker(pytest.mark.skip(reason="slow (run with -m slow)"))
        if item.get_closest_marker("dachs") and not os.environ.get("SSAP_MIRROR_DACHS"):
            item.add_marker(pytest.mark.skip(reason="the DaCHS fixture is not up (SSAP_MIRROR_DACHS)"))
        if item.get_closest_marker("browser") and (reason := missing_browser()) is not None:
            item.add_marker(pytest.mark.skip(reason=reason))
        for marker in item.iter_markers("extra"):
            if (reason := extras.missing(marker.args)) is not None:
                item.add_marker(pytest.mark.skip(reason=reason))
        if item.get_closest_marker("stilts") and shutil.which("stilts") is None:
            item.add_marker(pytest.mark.skip(reason="the stilts command is not installed"))
