"""A verdict is complete unless something speaks against it, and says what it knows in either case."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ssap_mirror.sources.ssap.looks.lost import Gone
from ssap_mirror.sources.ssap.looks.proof import Proof
from ssap_mirror.sources.ssap.verdict import Outcome, judge

WELL = Outcome(
    main="TIME",
    second="POS",
    settled=True,
    restless=0,
    columns=None,
    gone=Gone(()),
    unwatched=0,
    overlooked={},
    proof=Proof(proven=True, words="one request without any constraint has no row but these 100"),
    base=None,
    signs=(),
    rows=100,
    duplicates=4,
    removed=0,
    missing=0,
    undated=3,
    rows_by_sweep={"harvest": 97, "fetch-1": 3},
    fetched=(0, 0),
    uncompared=5,
    divided=0,
)


def test_a_harvest_that_went_well_is_complete() -> None:
    verdict = judge(WELL)
    assert verdict.complete
    assert verdict.reasons == (
        "the sweep by TIME gave 97 rows",
        "surveys of the identities by other parameters found 3 more, which were fetched; 3 rows have no date",
        "one request without any constraint has no row but these 100",
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"settled": False},
            "not settled: the table did not come to rest, and what was fetched is not one state of it",
        ),
        ({"columns": "snr gone"}, "not settled: the columns changed meanwhile (snr gone)"),
        ({"gone": Gone((), out_of_reach=3)}, "3 rows were seen by a survey once, and could not be had"),
        ({"missing": 2}, "2 rows were seen, but could not be fetched in full"),
    ],
)
def test_what_speaks_against_it_is_said(change: dict[str, object], reason: str) -> None:
    verdict = judge(replace(WELL, **change))  # type: ignore[arg-type]
    assert not verdict.complete
    assert reason in verdict.reasons
    assert [finding.words for finding in verdict.findings if finding.doubt] == [reason]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"removed": 7}, "7 rows are no longer in the table, and are left out"),
        ({"removed": 1000}, "1,000 rows are no longer in the table, and are left out"),
        ({"base": "20261130T000000Z", "removed": 100}, "100 rows are no longer in the table, and are left out"),
        ({"main": None, "second": None, "rows_by_sweep": {"harvest": 100}}, "the sweep by no parameter gave 100 rows"),
        ({"signs": ("something was odd",)}, "something was odd"),
        (
            {"divided": 2},
            "2 ranges of TIME that cannot be cut have more rows than the service gives; of those, rows without a "
            "position could only be seen otherwise",
        ),
    ],
)
def test_what_does_not_speak_against_it_is_said_too(change: dict[str, object], reason: str) -> None:
    verdict = judge(replace(WELL, **change))  # type: ignore[arg-type]
    assert verdict.complete
    assert reason in verdict.reasons


def test_what_could_not_be_proven_is_neither_complete_nor_incomplete() -> None:
    verdict = judge(replace(WELL, proof=Proof(proven=False, words="not proven: the service has no third parameter")))
    assert (verdict.status, verdict.complete) == ("not proven", False)
    assert verdict.reasons[-1] == "not proven: the service has no third parameter"
    missing = replace(WELL, missing=1, proof=Proof(proven=False, words="not proven: it failed"))
    assert judge(missing).status == "incomplete"


@pytest.mark.parametrize(("overlooked", "proven"), [({"TIME": 3, "POS": 2}, False), ({"TIME": 0, "POS": 2}, True)])
def test_two_sweeps_that_both_lack_rows_of_the_other_prove_nothing(overlooked: dict[str, int], proven: bool) -> None:  # noqa: FBT001
    verdict = judge(replace(WELL, overlooked=overlooked))
    assert verdict.complete == proven
    said = "not proven: the sweep by TIME lacks 3 rows, the sweep by POS lacks 2 rows that the other has"
    assert any(said in reason for reason in verdict.reasons) != proven


def test_columns_that_rows_are_compared_without_are_a_doubt_that_is_told() -> None:
    verdict = judge(replace(WELL, volatile=("accref", "rv")))
    assert verdict.status == "not proven"
    assert any(words.startswith("accref, rv differed between two answers") for words in verdict.reasons)


def test_a_refresh_says_what_it_did_not_look_at() -> None:
    verdict = judge(replace(WELL, base="20261130T000000Z", fetched=(30, 2)))
    assert verdict.reasons[:2] == (
        "a refresh of snapshot 20261130T000000Z: 30 rows are new, 2 were fetched again",
        "5 columns of rows that look as before were not compared (--full compares all)",
    )
    assert verdict.caveats == verdict.reasons[1:2], "it stands in the first line of a report"
