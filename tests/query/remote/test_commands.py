"""Commands on a mirror that lies elsewhere: what asks gives what it gives on disk, the others say why they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from ssap_query.cli import main
from ssap_query.mirror.shipped import SAMPLE, sample_path

from tests.support.range_host import RangeHost, range_host

CONE = ("--pos", "292.06,43.93", "--size", "0.7", "--snr", "600/")


@pytest.fixture
def host() -> Iterator[RangeHost]:
    with range_host(sample_path()) as server:
        yield server


#: Words of a command -> exit code, what went to stdout, what to stderr.
Run: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(words)
        out, err = capfdbinary.readouterr()
        return int(ended.value.code or 0), out.decode(), err.decode()

    return call


@pytest.mark.parametrize(
    "words",
    [
        ("query", *CONE, "--verb", "1"),
        ("sql", "SELECT objtype, count(*) AS n FROM spectra GROUP BY ALL ORDER BY n"),
        ("adql", "SELECT TOP 3 mobsid FROM spectra WHERE CONTAINS(POINT(ra, dec), CIRCLE(292.06, 43.93, 0.1)) = 1"),
        ("covers", "292.06,43.93"),
    ],
    ids=lambda words: words[0],
)
def test_what_asks_gives_the_same(words: tuple[str, ...], host: RangeHost, run: Run) -> None:
    near = run(words[0], "-m", SAMPLE, *words[1:])
    assert run(words[0], "-m", host.url, *words[1:]) == near
    assert near[1]


def test_info_says_where_it_is(host: RangeHost, run: Run) -> None:
    code, out, _ = run("info", "-m", host.url)
    assert code == 0
    assert f"snapshot    {host.url}" in out


@pytest.mark.parametrize("command", ["verify", "snapshots", "diff", "rollback", "path", "publish"])
def test_what_needs_a_mirror_of_this_machine_says_why(command: str, host: RangeHost, run: Run, tmp_path: Path) -> None:
    code, out, err = run(command, host.url, *([str(tmp_path)] if command == "publish" else []))
    assert (code, out) == (1, "")
    assert f"{host.url} lies elsewhere" in err
    assert len(err.strip().splitlines()) == 1
    assert host.requests == []


def test_a_mirror_that_cannot_be_reached_is_told_in_a_sentence(run: Run) -> None:
    code, out, err = run("query", "-m", "http://127.0.0.1:9/spectra", *CONE)
    assert (code, out) == (1, "")
    assert "http://127.0.0.1:9/spectra cannot be opened: 127.0.0.1 cannot be reached" in err
    assert len(err.strip().splitlines()) == 1
