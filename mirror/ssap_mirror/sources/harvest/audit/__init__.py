"""The audit: every row that any sweep has seen, in one index, and the questions that tell whether the copy is whole."""

from ssap_mirror.sources.harvest.audit.audit import AUDIT, Audit
from ssap_mirror.sources.harvest.audit.index import translate_index_errors
from ssap_mirror.sources.harvest.audit.rows import Changes, Missing, SeenRows, Sight

__all__ = ["AUDIT", "Audit", "Changes", "Missing", "SeenRows", "Sight", "translate_index_errors"]
