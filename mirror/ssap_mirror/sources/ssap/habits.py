"""What somebody knows of an SSAP service before it is asked anything."""

from __future__ import annotations

from dataclasses import dataclass

from ssap_mirror.sources.harvest.slices import COLLECTION

__all__ = ["Habits"]


@dataclass(frozen=True)
class Habits:
    """Needs and limits of an SSAP service that it does not declare itself."""

    parameters: tuple[tuple[str, str], ...] = ()
    """Parameters that every request has to have."""
    size_is_radius: bool | None = None
    """Whether SIZE is read as a radius; None where nobody knows. What a known row shows outweighs it."""
    largest_size_deg: float | None = None
    """Largest SIZE that the service takes [deg]."""
    largest_answer_rows: int | None = None
    """Rows that the service gives at most, whether it says that it cuts an answer or not."""

    @property
    def collections(self) -> tuple[str, ...]:
        """Collections of which each is asked for by itself: COLLECTION has one value (SSA 1.1 §4.1.2.14)."""
        found = tuple(value for name, value in self.parameters if name.upper() == COLLECTION)
        return found if len(found) > 1 else ()

    @property
    def always(self) -> tuple[tuple[str, str], ...]:
        """Parameters with the same value in every request."""
        apart = bool(self.collections)
        return tuple((name, value) for name, value in self.parameters if not apart or name.upper() != COLLECTION)
