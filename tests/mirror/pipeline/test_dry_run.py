"""What a dry run tells is what the harvest then takes, of whatever kind the source is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ssap_mirror.core.catalog import open_catalog
from ssap_mirror.pipeline.sync import SyncOptions, sync
from ssap_mirror.sources.source import Estimate, RequestPolicy

from tests.support.simulated.forms.whole import OBSCORE
from tests.support.simulated.scenarios.needs import SCENARIOS
from tests.support.simulated.services import ssap, tap
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.services.tap import TapService
from tests.support.simulated.services.traits import Traits
from tests.support.simulated.spectra import made_up
from tests.support.simulated.world import QUICK

SPECTRA = made_up(1500)
PLACED = SPECTRA.take(np.isfinite(SPECTRA.ra))
NEEDS = {scenario.name: scenario for scenario in SCENARIOS}


def dry_run(url: str, home: Path, policy: RequestPolicy = QUICK) -> Estimate:
    report = sync("mine", source=url, home=home, policy=policy, options=SyncOptions(dry_run=True))
    assert report.estimate is not None
    assert report.snapshot is None
    return report.estimate


def harvest_requests(home: Path) -> int:
    """Requests that the sweep for full rows took."""
    sweeps = open_catalog("mine", home).manifest["harvest"]["sweeps"]
    return sum(sweep["slices"] + sweep["cuts"] for sweep in sweeps if sweep["name"] == "harvest")


@pytest.mark.parametrize(
    "traits",
    [
        Traits(),
        Traits(most_rows=200),
        Traits(obeys=("POS", "BAND")),
        Traits(obeys=("TIME", "SNR")),
        Traits(obeys=()),
    ],
    ids=["all parameters", "200 rows at most", "cones alone", "times and SNR", "no parameter"],
)
def test_an_ssap_service(traits: Traits, tmp_path: Path) -> None:
    with ssap.running(SsapService(PLACED, traits=traits)) as service:
        estimate = dry_run(service.url, tmp_path)
        assert sync("mine", source=service.url, home=tmp_path, policy=QUICK).rows == len(PLACED)
    assert estimate.rows == pytest.approx(len(PLACED), rel=0.03)
    taken = harvest_requests(tmp_path)
    assert taken / 2 <= estimate.requests <= 2 * taken
    assert f"about {estimate.rows:,} rows by about {estimate.requests:,} request" in estimate.words()


@pytest.mark.parametrize(
    "traits", [Traits(obeys=("POS",), most_rows=400), Traits(obeys=("POS", "SNR"), needs=("POS",), max_size=90)]
)
def test_what_nothing_tells_is_not_made_up(traits: Traits, tmp_path: Path) -> None:
    """Cones alone, and no answer that holds the whole table: nobody knows how many rows there are."""
    with ssap.running(SsapService(PLACED, traits=traits)) as service:
        estimate = dry_run(service.url, tmp_path)
    assert estimate.rows is None
    assert estimate.requests >= 48
    assert "how many rows there are is not known before all of them are asked for; at least 4" in estimate.words()


def test_a_sky_of_too_many_cones_is_refused_before_it_is_asked_for(tmp_path: Path) -> None:
    scenario = NEEDS["SIZE is at most 1 deg, and POS is needed"]
    with ssap.running(SsapService(PLACED, scenario.form, scenario.traits)) as service:
        with pytest.raises(Exception, match=r"SIZE of 1 degrees at most, so that its sky is 196,608 cones"):
            dry_run(service.url, tmp_path)
        assert len(service.requests) < 30


def test_a_refresh_tells_what_is_new(tmp_path: Path) -> None:
    service = SsapService(PLACED.take(slice(0, 1400)))
    with ssap.running(service):
        sync("mine", source=service.url, home=tmp_path, policy=QUICK)
        service.spectra = PLACED
        estimate = dry_run(service.url, tmp_path)
    assert estimate.rows == len(PLACED) - 1400
    assert estimate.requests > 0


@pytest.mark.parametrize("has_async", [True, False])
def test_a_tap_table(tmp_path: Path, *, has_async: bool) -> None:
    policy = replace(QUICK, job_rows=150, first_poll_s=0.001)
    traits = {"name": "ivoa.obscore", "indexed": ("t_min",), "has_async": has_async}
    with tap.running(TapService(SPECTRA, OBSCORE, traits)) as service:
        estimate = dry_run(service.url, tmp_path, policy)
        report = sync("mine", source=service.url, home=tmp_path, policy=policy)
    assert estimate.rows == report.rows == len(SPECTRA)
    assert report.requests / 4 <= estimate.requests <= 2 * report.requests


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("name,ra,dec\na,10.5,-20.25\nb,11.5,-20.25\n")
    estimate = dry_run(str(tmp_path / "rows.csv"), tmp_path)
    assert (estimate.rows, estimate.requests, estimate.wire_bytes) == (2, 0, 0)
    assert "about 2 rows, 0 MB to transfer" in estimate.words()
