"""What has been planned, answered and cut, in every sweep of a harvest: the journal's records, put together."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ssap_mirror.core import storage
from ssap_mirror.sources.harvest.answers import Stored
from ssap_mirror.sources.harvest.journal import Journal
from ssap_mirror.sources.harvest.slices import Slice
from ssap_mirror.tables.votable.cells import BadCells

__all__ = ["ANSWERS", "JOURNAL", "Answer", "Ledger", "State"]

#: Names within the staging folder.
JOURNAL, ANSWERS = "journal.jsonl", "answers"


@dataclass(frozen=True)
class Answer:
    """A slice's rows, journaled."""

    number: int
    """Place in the order of arrival, over all sweeps."""
    sweep: str
    """The sweep it belongs to."""
    slice: Slice
    """What was asked."""
    path: Path
    """Arrow IPC file."""
    rows: int
    """Number of rows."""
    bad_cells: dict[str, list[Any]] = field(default_factory=dict)
    """Column -> number of cells that could not be read, and the text of the first."""


class State:
    """Plans, answers and cuts, as the records of a journal tell them.

    Parameters
    ----------
    records : iterable of dict
        In order.
    folder : pathlib.Path
        Where answers lie.
    """

    def __init__(self, records: Iterable[dict[str, Any]], folder: Path) -> None:
        self.folder = folder
        self._plans: dict[str, list[Slice]] = {}
        self._answers: dict[tuple[str, str], Answer] = {}
        self._cuts: dict[tuple[str, str], list[Slice]] = {}
        #: Rows at which the service is known to cut its answers without saying so; None if it is not known to.
        self.answer_limit: int | None = None
        #: Whether a refresh has turned into a harvest of all rows.
        self.is_anew = False
        #: What was asked of the table as a whole before anything else, by name.
        self.beginnings: dict[str, Any] = {}
        #: Digest of the columns that all answers have; None if there are none yet.
        self.shape: str | None = None
        #: Collections that the service refuses, and in which words: they are not asked for any more.
        self.refused: dict[str, str] = {}
        for record in records:
            self._apply(record)

    def answers(self, *sweeps: str) -> list[Answer]:
        """Answers of some sweeps or of all, in the order of arrival."""
        found = [answer for answer in self._answers.values() if not sweeps or answer.sweep in sweeps]
        return sorted(found, key=lambda answer: answer.number)

    def sweeps(self) -> list[str]:
        """Names of the sweeps that were planned, in order."""
        return list(self._plans)

    def open_slices(self, sweep: str) -> list[Slice]:
        """Slices of a sweep that are neither answered nor cut, nor of a collection that is refused."""
        unanswered = (leaf for leaf in self._leaves(sweep) if (sweep, leaf.key) not in self._answers)
        return [leaf for leaf in unanswered if leaf.collection not in self.refused]

    def cuts(self, sweep: str) -> int:
        """How many slices of a sweep were cut."""
        return sum(1 for name, _ in self._cuts if name == sweep)

    def requests(self) -> int:
        """How many requests for slices were answered, those included whose answers were cut."""
        return len(self._answers) + len(self._cuts)

    def times_asked(self, counts: Callable[[str], bool]) -> Counter[str]:
        """How often each slice was asked for, by its key, in sweeps whose names count."""
        return Counter(key for sweep, key in (*self._answers, *self._cuts) if counts(sweep))

    def sweep_records(self) -> list[dict[str, object]]:
        """Say how each sweep went, for the manifest."""
        found: list[dict[str, object]] = []
        for sweep in self.sweeps():
            answers = self.answers(sweep)
            rows = sum(answer.rows for answer in answers)
            found.append({"name": sweep, "slices": len(answers), "cuts": self.cuts(sweep), "rows": rows})
        return found

    def bad_cells(self, answers: Iterable[Answer]) -> tuple[str, ...]:
        """Say which cells of some answers could not be read, a sentence for each column."""
        bad = BadCells()
        for answer in answers:
            for column, (cells, first) in answer.bad_cells.items():
                bad.add(column, first, cells)
        return bad.words()

    def divided_by_sky(self) -> int:
        """How many ranges that could not be cut were asked for cell by cell of the sky."""
        firsts = [smaller[0] for smaller in self._cuts.values()]
        return sum(1 for first in firsts if first.cell is not None and first.range is not None)

    def _leaves(self, sweep: str) -> Iterator[Slice]:
        waiting = deque(self._plans.get(sweep, ()))
        while waiting:
            slice_ = waiting.popleft()
            smaller = self._cuts.get((sweep, slice_.key))
            if smaller is None:
                yield slice_
            else:
                waiting.extend(smaller)

    def _apply(self, record: dict[str, Any]) -> None:
        sweep = record.get("sweep", "")
        if record["type"] == "columns":
            if self.shape not in (None, record["digest"]):
                # Answers of other columns are no answers, and what was planned by them is no plan.
                self._plans, self._answers, self._cuts = {}, {}, {}
            self.shape = record["digest"]
        elif record["type"] == "anew":
            self._plans, self._answers, self._cuts, self.is_anew = {}, {}, {}, True
            self.refused = {}
        elif record["type"] == "beginning":
            self.beginnings[record["name"]] = record["value"]
        elif record["type"] == "plan":
            self._plans[sweep] = [Slice.from_json(item) for item in record["slices"]]
        elif record["type"] == "refused":
            self.refused[record["collection"]] = record["why"]
        elif record["type"] == "cut":
            slice_ = Slice.from_json(record["slice"])
            self._cuts[sweep, slice_.key] = [Slice.from_json(item) for item in record["parts"]]
        elif record["type"] == "limit":
            # Answers of so many rows were cut off, so they are no answers.
            self.answer_limit = limit = int(record["rows"])
            self._answers = {key: answer for key, answer in self._answers.items() if answer.rows < limit}
        elif record["type"] == "answer":
            path = self.folder / record["file"]
            number = _number(path.name)
            slice_ = Slice.from_json(record["slice"])
            self._answers[sweep, slice_.key] = Answer(
                number,
                sweep,
                slice_,
                path,
                record["rows"],
                record.get("bad_cells", {}),
            )


class Ledger(State):
    """State of a harvest under way: what it is told stands in the journal before it counts.

    Answers whose file is gone or altered are forgotten, and files that were never journaled are removed.

    Parameters
    ----------
    journal : Journal
        Of the harvest.
    folder : pathlib.Path
        Where answers lie; made if it is not there.
    """

    def __init__(self, journal: Journal, folder: Path) -> None:
        super().__init__(journal.records, folder)
        self._journal = journal
        # Files of answers that count no more may still be named in the journal.
        files = [record["file"] for record in journal.records if record["type"] == "answer"]
        self._number = max((_number(name) for name in files), default=0)
        folder.mkdir(parents=True, exist_ok=True)
        self._drop_unjournaled_files()

    def plan(self, sweep: str, slices: Iterable[Slice]) -> None:
        """Fix the slices of a sweep; a plan that the journal has already stays."""
        if sweep not in self._plans:
            self._add({"type": "plan", "sweep": sweep, "slices": [slice_.to_json() for slice_ in slices]})

    def begin(self, shape: str) -> bool:
        """Journal what columns all answers have; answers of others are forgotten. Returns whether there were any.

        Parameters
        ----------
        shape : str
            Digest of the columns.
        """
        if shape == self.shape:
            return False
        forgets = bool(self._answers) or bool(self._plans)
        self._add({"type": "columns", "digest": shape})
        if forgets:
            self._drop_unjournaled_files()
        return forgets

    def begin_anew(self) -> None:
        """Journal that all rows are fetched in place of a refresh: what that has asked is of no use to a harvest."""
        self._add({"type": "anew"})
        self._drop_unjournaled_files()

    def at_beginning(self, name: str, ask: Callable[[], Any]) -> Any:
        """Ask something of the table before its harvest, once: a harvest that goes on has the answer of its first run.

        Parameters
        ----------
        name : str
            Of the question.
        ask : callable
            Gives plain values for a JSON document.
        """
        if name not in self.beginnings:
            self._add({"type": "beginning", "name": name, "value": ask()})
        return self.beginnings[name]

    def add_limit(self, rows: int) -> None:
        """Journal that the service cuts answers at so many rows; those that have as many count no more."""
        self._add({"type": "limit", "rows": rows})

    def add_refusal(self, collection: str, why: str) -> None:
        """Journal that the service refuses a collection: none of its slices is open any more."""
        self._add({"type": "refused", "collection": collection, "why": why})

    def bytes_on_disk(self) -> int:
        """Size of all answers [byte]."""
        return sum(answer.path.stat().st_size for answer in self.answers())

    def next_file(self, sweep: str) -> Path:
        """Name the file of the next answer."""
        self._number += 1
        return self.folder / f"{self._number:06}-{sweep}.arrow"

    def add_answer(self, sweep: str, slice_: Slice, stored: Stored, seconds: float) -> Answer:
        """Journal an answer: from here on it counts."""
        record = {
            "type": "answer",
            "sweep": sweep,
            "slice": slice_.to_json(),
            "file": stored.path.name,
            "rows": stored.rows,
            "size": stored.size,
            "sha256": stored.sha256,
            "seconds": round(seconds, 3),
        }
        if stored.bad_cells:
            record["bad_cells"] = stored.bad_cells
        self._add(record)
        return self._answers[sweep, slice_.key]

    def add_cut(self, sweep: str, slice_: Slice, smaller: Iterable[Slice], why: str) -> None:
        """Journal that a slice is replaced by smaller ones."""
        self._add(
            {
                "type": "cut",
                "sweep": sweep,
                "slice": slice_.to_json(),
                "parts": [each.to_json() for each in smaller],
                "why": why,
            }
        )

    def _add(self, record: dict[str, Any]) -> None:
        self._journal.add(record)
        self._apply(record)

    def _drop_unjournaled_files(self) -> None:
        """Forget answers whose file is gone or altered, and files that were never journaled."""
        digests = {record["file"]: record["sha256"] for record in self._journal.records if record["type"] == "answer"}
        for key, answer in list(self._answers.items()):
            if not answer.path.is_file() or storage.sha256(answer.path) != digests[answer.path.name]:
                del self._answers[key]
        kept = {answer.path for answer in self._answers.values()}
        for path in self.folder.iterdir():
            if path not in kept:
                path.unlink()


def _number(file: str) -> int:
    """Place of an answer in the order of arrival, by which its file is named."""
    return int(file.split("-", 1)[0])
