"""A simulated TAP service of made-up spectra: `FakeTap` with a form of columns."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from ssap_mirror.core.schema import Schema

from tests.support import fake_tap
from tests.support.fake_tap import FakeTap
from tests.support.simulated.forms.parts import BASE, Form
from tests.support.simulated.spectra import Spectra

__all__ = ["TapService", "running"]


@dataclass
class TapService:
    """The service; `change` it while it runs."""

    spectra: Spectra
    """What it has."""
    form: Form = BASE
    """In what columns."""
    traits: dict[str, Any] = field(default_factory=dict)
    """Fields of `FakeTap`."""
    tap: FakeTap = field(init=False)
    """What answers."""

    def __post_init__(self) -> None:
        given = {"name": "spectra.lrs", "indexed": ("rownum",), "describes": True} | self.traits
        self.tap = FakeTap(self._table(), **given)

    @property
    def url(self) -> str:
        """Address of the table."""
        return f"{self.tap.url}#{self.tap.name}"

    def change(self, spectra: Spectra | None = None, form: Form | None = None) -> None:
        """Have other spectra, or show them in another form."""
        self.spectra, self.form = spectra or self.spectra, form or self.form
        self.tap.table = self._table()

    def rows(self) -> list[dict[str, Any]]:
        """All rows as they are sent."""
        found: list[dict[str, Any]] = self.tap.table.to_pylist()
        return found

    def forget(self) -> None:
        """Forget what was asked so far."""
        self.tap.queries.clear()

    def _table(self) -> pa.Table:
        schema = Schema(self.form.columns()).arrow_schema()
        return pa.table(self.form.cells(self.spectra), schema=schema)


@contextlib.contextmanager
def running(service: TapService) -> Iterator[TapService]:
    """Run a service."""
    with fake_tap.running(service.tap):
        yield service
