"""The audit knows which rows were seen, which are held, and which of both do not agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from ssap_mirror import build_mirror
from ssap_mirror.core.schema import Column, Schema
from ssap_mirror.errors import CatalogError
from ssap_mirror.sources.harvest.answers import Digests
from ssap_mirror.sources.harvest.audit import Audit, Changes, Sight, translate_index_errors
from ssap_mirror.sources.harvest.ledger import Answer
from ssap_mirror.sources.harvest.slices import WHOLE

SCHEMA = Schema(
    (
        Column("id", "char", "*", ucd="meta.id;meta.main", verbosity=10),
        Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main", verbosity=10),
        Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main", verbosity=10),
        Column("t", "double", unit="d", utype="ssa:Char.TimeAxis.Coverage.Location.Value", verbosity=10),
        Column("score", "float", utype="ssa:Query.Score", verbosity=10),
        Column("flux", "double", verbosity=30),
    )
)
SURVEYED = SCHEMA.up_to(10)


@dataclass(frozen=True)
class Row:
    """A row; its score is another in every answer, as a server's is."""

    id: str | None
    ra: float | None = 10.0
    dec: float | None = 20.0
    t: float | None = 58000.0
    flux: float = 1.0


A, B, C = Row("a"), Row("b"), Row("c", ra=200.0, dec=-30.0)


class Answers:
    """Writes answers in the order of their numbers, and tells an audit of them."""

    def __init__(self, folder: Path, identity: str | None) -> None:
        self._folder = folder
        self._identity = identity
        self._number = 0
        self.audit = self.reopened()

    def reopened(self) -> Audit:
        """Another audit, in the place of the one before."""
        return Audit(self._folder / "audit", SCHEMA, self._identity, SURVEYED)

    def survey(self, *rows: Row) -> int:
        """Add what a survey saw; returns the answer's number."""
        return self._add(rows, SURVEYED, full=False)

    def full(self, *rows: Row) -> int:
        """Add full rows; returns the answer's number."""
        return self._add(rows, SCHEMA, full=True)

    def _add(self, rows: Sequence[Row], columns: Schema, *, full: bool) -> int:
        self._number += 1
        digests = Digests(columns, SURVEYED)
        values = {name: [getattr(row, name, float(self._number)) for row in rows] for name in columns.names}
        batch = pa.RecordBatch.from_pydict(values, schema=columns.arrow_schema())
        path = self._folder / f"{self._number:06}.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, digests.schema) as writer:
            writer.write_batch(digests.add_to(batch))
        self.audit.add([Answer(self._number, "sweep", WHOLE, path, len(rows))], full=full)
        return self._number


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str | None], Answers]]:
    made: list[Answers] = []

    def make_answers(identity: str | None) -> Answers:
        made.append(Answers(tmp_path, identity))
        return made[-1]

    yield make_answers
    for answers in made:
        with answers.audit:
            pass


@pytest.fixture
def answers(make: Callable[[str | None], Answers]) -> Answers:
    """Of a service whose rows have identities."""
    return make("id")


def test_rows_are_counted_once_however_often_they_come(answers: Answers) -> None:
    answers.survey(A, B, C)
    answers.full(A, B)
    answers.full(B)
    assert (answers.audit.seen(), answers.audit.rows(), answers.audit.full_rows()) == (3, 2, 3)
    assert answers.audit.brought_by() == {2: 2}


def test_an_answer_counts_once(answers: Answers, tmp_path: Path) -> None:
    number = answers.full(A, B)
    answers.audit.add([Answer(number, "sweep", WHOLE, tmp_path / "000001.arrow", 2)], full=True)
    assert answers.audit.full_rows() == 2


def test_what_only_a_survey_saw_is_missing_with_its_position(answers: Answers) -> None:
    nowhere = Row("d", ra=None, dec=None)
    since = answers.survey(A, C, nowhere)
    answers.full(A)
    missing = answers.audit.missing(since)
    assert missing.identities == ("c", "d")
    np.testing.assert_array_equal(missing.ra, [200.0, np.nan])
    np.testing.assert_array_equal(missing.dec, [-30.0, np.nan])
    assert missing.answers.tolist() == [since, since]
    answers.full(C, nowhere)
    assert len(answers.audit.missing(since)) == 0


def test_a_row_that_a_later_survey_saw_otherwise_is_missing_until_it_comes_again(answers: Answers) -> None:
    moved = Row("a", t=58001.0)
    answers.full(A, B)
    since = answers.survey(moved, B)
    assert answers.audit.missing(since).identities == ("a",)
    answers.full(moved)
    assert len(answers.audit.missing(since)) == 0
    assert not answers.audit.changes(since)


def test_a_score_that_differs_is_no_change(answers: Answers) -> None:
    since = answers.survey(A)
    answers.full(A)
    answers.full(A)
    assert answers.audit.changes(since) == Changes(changed=0, gone=0, unseen=0)


def test_an_older_survey_is_not_believed(answers: Answers) -> None:
    answers.survey(A, B)
    since = answers.survey(A)
    answers.full(A)
    assert len(answers.audit.missing(since)) == 0
    assert answers.audit.named(since) == 1
    assert answers.audit.missing(1).identities == ("b",)


def test_changes_are_what_full_rows_and_the_survey_do_not_agree_on(answers: Answers) -> None:
    since = answers.survey(A, B)
    # A differs from what the survey saw, B is not given, C was not seen, and D could not be seen by position.
    answers.full(Row("a", t=58001.0), C, Row("d", ra=None, dec=None))
    assert answers.audit.changes(since) == Changes(changed=1, gone=1, unseen=1)


def test_a_value_that_no_survey_sees_changes_between_two_full_answers(answers: Answers) -> None:
    since = answers.survey(A)
    answers.full(A)
    assert answers.audit.changes(since).changed == 0
    answers.full(Row("a", flux=2.0))
    assert answers.audit.changes(since).changed == 1


def test_rows_of_a_harvest_are_removed_if_surveys_saw_them_once_and_not_now(answers: Answers) -> None:
    nowhere, unseen = Row("d", ra=None, dec=None), Row("e")
    answers.survey(A, B)
    answers.full(A, B, nowhere, unseen)
    since = answers.survey(A)
    found = answers.audit.lost(since, Sight(placed=True))
    assert found.identities == ("b",), "what has no position, and what no survey ever saw, it may not be able to see"


@pytest.mark.parametrize(
    ("sees", "removed"),
    [
        (Sight(everything=True), ("b", "c", "d")),
        (Sight(placed=True), ("b", "c")),
        (Sight(dated=True), ("b", "d")),
        (Sight(), ()),
    ],
)
def test_rows_of_a_snapshot_are_removed_if_the_survey_would_have_seen_them(
    answers: Answers, tmp_path: Path, sees: Sight, removed: tuple[str, ...]
) -> None:
    rows = [A, B, Row("c", t=None), Row("d", ra=None, dec=None)]
    values = {name: [getattr(row, name, 0.0) for row in rows] for name in SCHEMA.names}
    batch = pa.RecordBatch.from_pydict(values, schema=SCHEMA.arrow_schema())
    answers.audit.add_base(build_mirror([batch], SCHEMA, tmp_path / "mirror"))
    assert answers.audit.rows() == 4
    since = answers.survey(A)
    assert len(answers.audit.missing(since)) == 0, "a row is in the snapshot as the survey sees it"
    assert answers.audit.lost(since, sees).identities == removed
    assert answers.audit.unwatched(since, sees) == 3 - len(removed)


def test_rows_of_a_snapshot_that_are_fetched_again_are_told_from_new_ones(answers: Answers, tmp_path: Path) -> None:
    batch = pa.RecordBatch.from_pydict(
        {name: [getattr(row, name, 0.0) for row in (A, B)] for name in SCHEMA.names}, schema=SCHEMA.arrow_schema()
    )
    answers.audit.add_base(build_mirror([batch], SCHEMA, tmp_path / "mirror"))
    answers.full(Row("b", t=58001.0), C)
    assert answers.audit.fetched() == (1, 1)
    assert answers.audit.brought_by() == {0: 2, 1: 1}


def test_dates_and_positions_are_those_that_are_known(answers: Answers) -> None:
    answers.survey(A, Row("d", ra=None, dec=None, t=None), Row("e", t=float("nan")))
    answers.full(A, Row("f", t=58005.0))
    assert answers.audit.undated() == 2
    assert sorted(answers.audit.dates().tolist()) == [58000.0, 58005.0]
    ra, dec = answers.audit.positions()
    assert (ra.tolist(), dec.tolist()) == ([10.0, 10.0], [20.0, 20.0]), "of what surveys saw"


def test_an_identity_that_one_answer_gives_twice_is_none(answers: Answers) -> None:
    answers.full(A)
    answers.full(Row("a", flux=2.0))
    assert answers.audit.ambiguous() == 0, "the row may have changed between two answers"
    answers.full(B, Row("b", flux=2.0))
    assert answers.audit.ambiguous() == 1


def test_without_an_identity_rows_are_known_by_their_values(make: Callable[[str | None], Answers]) -> None:
    answers = make(None)
    since = answers.survey(A, Row("a", t=58001.0))
    answers.full(A, Row("a", t=58001.0), Row("a", flux=2.0))
    assert (answers.audit.seen(), answers.audit.rows()) == (2, 3)
    assert answers.audit.ambiguous() == 0
    assert not answers.audit.missing(since).identities


def test_a_row_without_an_identity_is_known_by_its_values(answers: Answers) -> None:
    answers.full(Row(None), Row(None, t=58001.0), Row(None), A)
    assert answers.audit.rows() == 3
    assert answers.audit.unnamed() == 3


def test_an_index_that_fails_is_told_in_one_sentence(tmp_path: Path) -> None:
    said = f"index in {tmp_path} failed: IO Error: no room$"
    with pytest.raises(CatalogError, match=said), translate_index_errors(tmp_path):
        raise duckdb.IOException("IO Error: no room\nand more")


def test_an_index_of_an_earlier_run_is_made_anew(answers: Answers) -> None:
    answers.full(A, B)
    with answers.audit:
        pass
    answers.audit = answers.reopened()
    assert answers.audit.seen() == 0
