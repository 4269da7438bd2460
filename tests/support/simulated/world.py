"""A service, a folder of mirrors, and the judge: is the mirror whole, or was it honestly said that it is not?"""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow.parquet as pq
from ssap_mirror.check.snapshot import verify
from ssap_mirror.core.catalog import Catalog, open_catalog
from ssap_mirror.errors import CatalogError, MirrorError
from ssap_mirror.pipeline.sync import SyncOptions, SyncReport, sync
from ssap_mirror.sources.source import RequestPolicy

from tests.support.simulated.forms.parts import Form
from tests.support.simulated.services.documents import Raw

__all__ = ["NAME", "QUICK", "Must", "Outcome", "World", "assert_polite", "differences", "judge"]

#: Of the mirror.
NAME = "test"
#: Limits scaled down, so that a table of a few thousand rows takes the ways of one of millions.
QUICK = RequestPolicy(
    attempts=3, first_wait_s=0.001, longest_wait_s=0.01, read_timeout_s=5.0, slice_rows=300, survey_rows=400
)
#: What a kind of service has to end in: a mirror that is complete and equal; either that or an honest verdict; or
#: nothing made live, and the reason said.
Must = Literal["whole", "honest", "refused"]
# A verdict that has these words, or these in its first line, does not claim that the copy is the table.
_OPEN = re.compile(r"not proven|not settled", re.IGNORECASE)
_OPEN_AT_ONCE = re.compile(r"not compared|cannot see", re.IGNORECASE)

Row = tuple[Any, ...]


class Service(Protocol):
    """What is mirrored."""

    url: str
    form: Form

    def rows(self) -> list[dict[str, Any]]:
        """All rows as they are now."""

    def forget(self) -> None:
        """Forget what was asked so far."""


@dataclass(frozen=True)
class Outcome:
    """How a sync ended."""

    report: SyncReport | None
    """What it reported; None if it raised."""
    error: MirrorError | None
    """What it raised."""
    seconds: float
    """How long it took [s]."""

    def words(self) -> str:
        """Everything that was said."""
        return str(self.error) if self.report is None else self.report.words()


@dataclass
class World:
    """A service and the mirror that is made of it."""

    service: Service
    """Running."""
    home: Path
    """Folder of the mirrors."""
    policy: RequestPolicy = QUICK
    """How the client behaves."""
    held_before: Counter[Row] = field(default_factory=Counter)
    """Rows that were live before the last sync."""

    def sync(self, source: str | Path | None = None, **options: Any) -> Outcome:
        """Mirror the service, or another source in its place, with fields of `SyncOptions`."""
        self.held_before = self.held()
        self.service.forget()
        began = time.monotonic()
        try:
            report = sync(
                NAME,
                source=source or self.service.url,
                home=self.home,
                options=SyncOptions(**options),
                policy=self.policy,
            )
        except MirrorError as error:
            return Outcome(None, error, time.monotonic() - began)
        return Outcome(report, None, time.monotonic() - began)

    def mirror(self, **options: Any) -> None:
        """Mirror a service that is, as yet, an honest one."""
        outcome = self.sync(**options)
        assert outcome.report is not None, outcome.error
        assert outcome.report.complete, outcome.words()
        assert differences(self) == ""

    def live(self) -> Catalog | None:
        """The live snapshot, if there is one."""
        try:
            return open_catalog(NAME, self.home)
        except CatalogError:
            return None

    def held(self) -> Counter[Row]:
        """Rows of the live snapshot, in the service's columns."""
        catalog = self.live()
        if catalog is None:
            return Counter()
        names = [_found(catalog, name) or name for name in self._compared()]
        there = [name for name in names if name in catalog.schema.names]
        rows: Counter[Row] = Counter()
        for path in catalog.files:
            cells = pq.read_table(path, columns=there).to_pydict() if there else {}
            missing = [None] * len(next(iter(cells.values()), []))
            rows.update(zip(*([_plain(v) for v in cells.get(name, missing)] for name in names), strict=True))
        return rows

    def expected(self) -> Counter[Row]:
        """Rows of the service as they are now."""
        names = self._compared()
        return Counter(tuple(_plain(row[name]) for name in names) for row in self.service.rows())

    def _compared(self) -> list[str]:
        return [item.column.name for item in self.service.form.shown() if not item.volatile]


def _found(catalog: Catalog, name: str) -> str | None:
    """Name that the mirror has for a column of the service.

    A server may spell names in its answers as it likes, regular names are the same in any case; but where two differ
    in case alone, each is itself.
    """
    by_source = {column.source_name or column.name: column.name for column in catalog.schema}
    spelled = {column.name.lower(): column.name for column in catalog.schema}
    return by_source.get(name) or spelled.get(name.lower())


def differences(world: World) -> str:
    """Say in which rows, or in which columns' descriptions, the live snapshot is not what the service has now."""
    catalog = world.live()
    if catalog is None:
        return "there is no mirror"
    held, expected = world.held(), world.expected()
    parts = verify(catalog)
    if missing := sum((expected - held).values()):
        parts.append(f"{missing:,} rows missing or stale")
    if extra := sum((held - expected).values()):
        parts.append(f"{extra:,} rows extra or stale")
    for item in world.service.form.shown():
        column, name = item.column, _found(catalog, item.column.name)
        if name is None:
            parts.append(f"no column {column.name}")
            continue
        ours = catalog.schema[name]
        said = [getattr(c, name) or "" for name in ("unit", "ucd", "utype", "xtype") for c in (column, ours)]
        if said[::2] != said[1::2]:
            parts.append(f"column {column.name} is described as {said[1::2]}, not {said[::2]}")
    return "; ".join(parts)


def judge(world: World, outcome: Outcome, must: Must = "honest", says: str = "") -> None:
    """Fail unless the outcome is what it must be.

    Parameters
    ----------
    world : World
        After the sync.
    outcome : Outcome
        Of the sync.
    must : {'whole', 'honest', 'refused'}
        What is asked of it.
    says : str
        Regular expression that the words of an outcome that is not whole have to match.
    """
    different = differences(world)
    words = " ".join(outcome.words().split())
    report = outcome.report
    whole = report is not None and report.snapshot is not None and not different
    if whole and must != "refused":
        return
    assert must != "whole", f"{different or 'nothing was made live'}; said: {words}"
    assert not whole, f"it was not refused; said: {words}"
    if report is not None:
        first_line = outcome.words().splitlines()[0]
        open_end = _OPEN.search(words) or _OPEN_AT_ONCE.search(first_line)
        assert open_end or not report.complete, f"called complete: {different}; said: {words}"
    if report is None or report.snapshot is None:
        assert world.held() == world.held_before, f"the old snapshot is not as it was; said: {words}"
    elif world.held_before:
        # What is new may be unproven; a row that was there and is in the service may not go.
        lost = sum(((world.held_before & world.expected()) - world.held()).values())
        assert must == "honest", f"made live: {different}; said: {words}"
        assert not lost, f"made live without {lost:,} rows that were there and are in the service; said: {words}"
    assert re.search(says, words, re.IGNORECASE), f"does not say {says!r}: {words}"


def assert_polite(requests: list[dict[str, str]], most: int = 100) -> None:
    """Fail if a service was put to more than it is polite to ask of it.

    Parameters
    ----------
    requests : list of dict
        What was asked.
    most : int
        Requests for a whole sync.
    """
    repeats = Counter(tuple(sorted(params.items())) for params in requests)
    worst, times = repeats.most_common(1)[0]
    assert times <= 3, f"asked {times} times: {dict(worst)}"
    described = sum(params.get("FORMAT", "").upper() == "METADATA" for params in requests)
    assert described <= 1, f"asked {described} times for metadata"
    assert len(requests) <= most, f"{len(requests):,} requests"


def _plain(value: Any) -> Any:
    """A value that can be compared: no difference between NaN and NULL, which TABLEDATA does not tell apart."""
    if isinstance(value, Raw):
        return None
    if isinstance(value, list):
        return None if any(_plain(part) is None for part in value) else tuple(value)
    if isinstance(value, float) and math.isnan(value):
        return None
    return value.strip() or None if isinstance(value, str) else value
