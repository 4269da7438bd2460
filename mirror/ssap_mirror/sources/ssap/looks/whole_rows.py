"""Some whole rows of a refresh, picked at random: whether they are as the snapshot has them."""

from __future__ import annotations

import numpy as np

from ssap_mirror.core.catalog import Catalog
from ssap_mirror.errors import SourceError
from ssap_mirror.sources.harvest.audit.sample import SAMPLE, Sample, compare_sample
from ssap_mirror.sources.harvest.client import InterruptedHarvest
from ssap_mirror.sources.ssap.looks.lost import slices_around
from ssap_mirror.sources.ssap.sweeps import Sweeps

__all__ = ["look_at_whole_rows"]


def look_at_whole_rows(sweeps: Sweeps, base: Catalog, rows: int) -> Sample:
    """Fetch some rows again that look to the survey as before, and compare all of their columns.

    Parameters
    ----------
    sweeps : Sweeps
        Of a refresh that has settled.
    base : Catalog
        The snapshot.
    rows : int
        How many to pick.

    Raises
    ------
    InterruptedHarvest
        If the harvest is to stop. No other error of this look is one of the harvest.
    """
    identity = sweeps.audit.identity
    if identity is None:
        return Sample(rows, error="no column tells rows apart")
    sweeps.progress.stage("compare whole rows", rows)
    # Others each time, unless an interrupted sync has picked some already.
    picked = sweeps.audit.pick(rows, int(np.random.default_rng().integers(2**31)))
    try:
        sweeps.fetch_again(slices_around(sweeps, picked), SAMPLE)
    except InterruptedHarvest:
        raise
    except SourceError as error:
        sweeps.progress.note(f"no whole rows could be compared: {error}")
        return Sample(rows, error=str(error))
    paths = [answer.path for answer in sweeps.ledger.answers(SAMPLE)]
    schema, surveyed = sweeps.probe.description.schema, sweeps.probe.traits.survey_columns
    return compare_sample(base, paths, schema, surveyed, identity, min(rows, len(picked)))
