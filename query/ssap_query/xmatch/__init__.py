"""Cross-match of two tables of positions on the sky."""

from __future__ import annotations

from ssap_mirror.core.quantities.positions import Positions

from ssap_query.xmatch.api import crossmatch
from ssap_query.xmatch.inputs.tables import Side
from ssap_query.xmatch.output.match import Match
from ssap_query.xmatch.session import Limits, Tuning

__all__ = ["Limits", "Match", "Positions", "Side", "Tuning", "crossmatch"]
