"""Cross-match of two tables of positions on the sky."""

from __future__ import annotations

from ssap_query.crossmatch.api import crossmatch
from ssap_query.crossmatch.match import Match
from ssap_query.crossmatch.positions import Positions
from ssap_query.crossmatch.session import Limits
from ssap_query.crossmatch.tables import Side

__all__ = ["Limits", "Match", "Positions", "Side", "crossmatch"]
