"""Each option of ``sync`` and each kind of source: it counts, it holds in any case, or it is refused by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ssap_mirror.errors import MirrorError
from ssap_mirror.pipeline import sync as pipeline
from ssap_query.cli.commands.keep.sync import sync
from ssap_query.cli.diagnostics import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Run

KINDS = ("ssap", "tap", "file")
SOURCES = {"ssap": "http://example.org/ssap", "tap": "http://example.org/tap#a.b", "file": "absent.csv"}
#: Option -> its words, and the kinds of sources for which it has no meaning.
ABOUT_SOURCES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # The address of a table names it already; any other address with a table is that of a service on TAP.
    "table": (("c.d",), ("tap", "file")),
    "where": (("z > 0",), ("ssap", "file")),
    "units": (("x=nm",), ()),
    "nulls": (("x=-9999",), ()),
    "parameters": (("K=1",), ("tap", "file")),
    "ra": (("l",), ("ssap", "tap")),
    "dec": (("b",), ("ssap", "tap")),
    "frame": (("galactic",), ("ssap", "tap")),
    "columns_of": (("lamost6-mrs",), ("tap",)),
    "limit_requests_at_a_time": (("1",), ("file",)),
    "limit_pause_s": (("1",), ("file",)),
    "limit_attempts": (("1",), ("file",)),
    "limit_connect_timeout_s": (("1",), ("file",)),
    "limit_read_timeout_s": (("1",), ("file",)),
    "limit_longest_answer_s": (("1",), ("file",)),
    "limit_slowest_rate_bytes_s": (("1",), ("file",)),
    "limit_longest_retry_after_s": (("1",), ("file",)),
    "limit_longest_outage_s": (("1",), ("file",)),
    "limit_most_cones": (("1",), ("tap", "file")),
    "limit_longest_job_s": (("1",), ("ssap", "file")),
}
#: Options that are about the mirror, the run, or what is said of it; those of the last line hold for a file in any
#: case, all of whose rows and cells are read each time.
ABOUT_RUNS = {
    *("service", "source", "name", "home", "keep", "dry_run", "save", "only_status", "accept_incomplete"),
    *("allow_shrink", "margin", "quiet", "as_json"),
    *("full", "restart", "strict", "full_sample"),
}


def test_every_option_is_here() -> None:
    assert {parameter.name for parameter in sync.params} == ABOUT_SOURCES.keys() | ABOUT_RUNS


def spelled(name: str) -> str:
    return next(parameter.opts[0] for parameter in sync.params if parameter.name == name)


class ToldError(MirrorError):
    """Ends a command when it has said what it is about to do."""


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the command has told the pipeline so far."""
    found: list[object] = []

    def take(service: str, **given: object) -> None:
        found.append((given["source"], given["policy"]))
        message = "told"
        raise ToldError(message)

    monkeypatch.setattr(pipeline, "sync", take)
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ABOUT_SOURCES)
def test_it_counts_or_is_refused(name: str, kind: str, run: Run, told: list[object], tmp_path: Path) -> None:
    words, without_meaning = ABOUT_SOURCES[name]
    others = {"ra": ("--dec", "b"), "dec": ("--ra", "l")}.get(name, ()) if kind == "file" else ()
    run("sync", "mine", "--from", SOURCES[kind], home=tmp_path / "home")
    done = run("sync", "mine", "--from", SOURCES[kind], spelled(name), *words, *others, home=tmp_path / "home")
    if kind in without_meaning:
        assert done.returncode == ExitCode.BAD_INPUT, done.stderr
        said = " ".join(done.stderr.split())
        assert words[0] in said or spelled(name) in said
        assert len(told) == 1
    else:
        assert done.returncode == ExitCode.FAILURE, done.stderr
        assert told[0] != told[1], "it has no effect"
