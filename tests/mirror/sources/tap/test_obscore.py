"""``URL#ivoa.obscore``: the one standard table of spectra, whole or a part of it, and the questions it answers then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import ssap_query as ssap
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.errors import ParameterError
from ssap_mirror.pipeline.known_services import find_source
from ssap_mirror.pipeline.sync import SyncReport, sync
from ssap_mirror.sources.progress import Silent
from ssap_mirror.sources.source import RequestPolicy

from tests.support.simulated.forms.parts import Part, texts
from tests.support.simulated.forms.whole import OBSCORE
from tests.support.simulated.questions import assert_answers
from tests.support.simulated.services.tap import TapService, running
from tests.support.simulated.spectra import made_up

QUICK = RequestPolicy(attempts=2, first_wait_s=0.001, longest_wait_s=0.01, first_poll_s=0.001, job_rows=200)
SPECTRA = made_up(900)
PRODUCTS = ("spectrum", "image", "spectrum", "cube")
WHERE = "dataproduct_type='spectrum'"


def of_all_kinds() -> TapService:
    """A table in which every other row is a spectrum."""
    product = texts(
        "dataproduct_type",
        lambda s: [PRODUCTS[number % 4] for number in s.number],
        utype="obscore:ObsDataset.dataProductType",
    )
    form = replace(OBSCORE, others=Part((product, *OBSCORE.others.shown[1:])))
    return TapService(SPECTRA, form, {"name": "ivoa.obscore", "indexed": ("t_min",)})


@pytest.fixture
def service() -> Iterator[TapService]:
    with running(of_all_kinds()) as found:
        yield found


class Notes(Silent):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


def mirrored(service: TapService, home: Path, where: str | None) -> tuple[SyncReport, list[str]]:
    asked = find_source("mine", service.url, home=home, where=where)
    notes = Notes()
    return sync("mine", source=asked, home=home, policy=QUICK, progress=notes), notes.told


def test_the_whole_table_tells_of_other_products(service: TapService, tmp_path: Path) -> None:
    report, notes = mirrored(service, tmp_path, None)
    assert (report.status, report.rows) == ("complete", len(SPECTRA))
    told = f'other products than spectra: cube, image; --where "{WHERE}" asks for spectra alone'
    assert any(told in note for note in notes)


@pytest.mark.parametrize("parameter", ["POS", "BAND", "TIME", "SNR", "TARGETNAME"])
def test_spectra_alone_answer_as_brute_force_does(parameter: str, service: TapService, tmp_path: Path) -> None:
    report, notes = mirrored(service, tmp_path, WHERE)
    spectra = SPECTRA.take(SPECTRA.number % 2 == 0)
    assert (report.status, report.rows) == ("complete", len(spectra))
    assert not any("other products" in note for note in notes)
    assert all(f"({WHERE})" in query for query in service.tap.queries if "ivoa.obscore" in query and "COUNT" in query)
    assert_answers(ssap.open("mine", tmp_path), spectra, service.form, parameter)


def test_a_part_is_refreshed_as_a_part_and_is_not_the_whole(service: TapService, tmp_path: Path) -> None:
    mirrored(service, tmp_path, WHERE)
    first = open_catalog("mine", tmp_path)
    assert first.manifest["source"]["url"] == f"{service.url} WHERE {WHERE}"
    service.change(SPECTRA.take(slice(0, 880)))
    again = sync("mine", home=tmp_path, policy=QUICK)
    assert (again.status, again.rows) == ("complete", 440)
    assert open_catalog("mine", tmp_path).manifest["harvest"]["refresh_of"] == first.path.name
    whole = sync("mine", source=find_source("mine", service.url, home=tmp_path), home=tmp_path, policy=QUICK)
    assert (whole.status, whole.rows) == ("complete", 880)
    assert open_catalog("mine", tmp_path).manifest["harvest"]["refresh_of"] is None


def test_a_condition_that_the_service_cannot_read_is_told(service: TapService, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"does not give the table ivoa\.obscore: .*(Binder|Parser) Error"):
        mirrored(service, tmp_path, "no_such_column = 1")


def test_a_condition_is_asked_of_tables_alone(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"where: .* can only be asked of a table of a TAP service"):
        find_source("mine", "http://example.org/ssap", home=tmp_path, where=WHERE)
