"""What a shell is told when a person presses Tab, in the way of click (`_SSAP_MIRROR_COMPLETE`)."""

from __future__ import annotations

from pathlib import Path

import pytest
from ssap_query.mirror.shipped import SAMPLE, sample_path

from .conftest import Run

_VARIABLE = "_SSAP_MIRROR_COMPLETE"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        (["query", "-m", "lamost6"], [SAMPLE]),
        (["info", "lamost6"], [SAMPLE]),
        (["serve", "lamost6"], [SAMPLE]),
        (["query", "-m", SAMPLE, "--columns", "mobsid,ssa_sn"], ["mobsid,ssa_snr"]),
        (["query", "-m", SAMPLE, "--best", "SSA_SNR"], ["ssa_snr"]),
        (["query", "-m", "nope", "--columns", "r"], []),
        (["query", "--format", "par"], ["parquet"]),
        (["sql", "--format", "ta"], ["table"]),
        (["cov"], ["covers"]),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_words(shell: str, typed: list[str], completed: list[str], run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_VARIABLE, f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["ssap-mirror", *typed]))
    monkeypatch.setenv("COMP_CWORD", typed[-1] if shell == "fish" else str(len(typed)))
    done = run(home=sample_path().parent)
    if shell == "zsh":  # kind, value and help, a line each
        assert done.stdout.splitlines()[1::3] == completed
    else:
        assert [line.partition(",")[2].partition("\t")[0] for line in done.stdout.splitlines() if line] == completed
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(shell: str, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(_VARIABLE, f"{shell}_source")
    done = run(home=tmp_path)
    assert done.returncode == 0
    assert f"{_VARIABLE}={shell}_complete" in done.stdout
