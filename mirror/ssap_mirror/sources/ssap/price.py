"""What a full row of an SSAP service costs, from a small sample."""

from __future__ import annotations

from ssap_mirror.sources.harvest.cost import Price
from ssap_mirror.sources.harvest.samples import Sample
from ssap_mirror.sources.ssap.endpoint import Service

__all__ = ["price_of"]

_SAMPLE_ROWS = 1000


def price_of(service: Service, verb: int) -> Price:
    """Ask for a thousand full rows, and see what they cost.

    Parameters
    ----------
    service : Service
        The endpoint.
    verb : int
        Verbosity of full rows.

    Raises
    ------
    SourceError
        If the request fails.
    """
    sample: Sample = service.sample([("VERB", str(verb)), ("MAXREC", str(_SAMPLE_ROWS))])
    rows = max(sample.rows.num_rows, 1)
    return Price(sample.wire_bytes / rows, sample.rows.nbytes / rows, sample.seconds / rows)
