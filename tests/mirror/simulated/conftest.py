"""``--drop-mended-faults``: whoever mends faults need not edit ``known_faults.toml`` by hand."""

from __future__ import annotations

import json

import pytest

from tests.mirror.simulated.known_faults import FILE

_PASSED_THOUGH_LISTED = "[XPASS(strict)] "


class _Mended:
    """Collects the lines of the file whose cases passed, and takes them out at the end."""

    def __init__(self) -> None:
        self.lines: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        said = str(report.longrepr or "")
        if said.startswith(_PASSED_THOUGH_LISTED):
            case = report.nodeid.partition("[")[2].removesuffix("]")
            self.lines.add(line(case, said.removeprefix(_PASSED_THOUGH_LISTED)))

    def pytest_sessionfinish(self) -> None:
        kept = [text for text in FILE.read_text(encoding="utf-8").splitlines() if text not in self.lines]
        FILE.write_text("\n".join(kept) + "\n", encoding="utf-8")


def line(case: str, reason: str) -> str:
    """The line of a case."""
    return f"{json.dumps(case, ensure_ascii=False)} = {json.dumps(reason, ensure_ascii=False)}"


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--drop-mended-faults") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Mended())
