"""What a server gives to its clients, together and each."""

from __future__ import annotations

from dataclasses import dataclass, field

from ssap_query.engine.plan import EngineLimits
from ssap_query.engine.rows import MemoryLimit

__all__ = ["ServerLimits"]


@dataclass(frozen=True)
class ServerLimits:
    """Bounds that keep one client from taking what the others need."""

    large_answers: int = 4
    """Large answers that are sent at one time, at some 100 MB each; others wait for their turn."""
    wait_s: float = 120.0
    """Longest wait for a turn [s]; then the client is told to come back."""
    stall_s: float = 60.0
    """A client that takes no more of its answer for this long [s] loses it."""
    body_s: float = 30.0
    """Longest time for the body of a request to arrive [s], and longest pause of one that brings tables along [s]."""
    body_bytes: int = 4_000_000
    """Longest body of a request [byte]."""
    upload_bytes: int = 200_000_000
    """Longest body of a request that brings tables along, and longest of these [byte]."""
    upload_s: float = 300.0
    """Longest time for such a body to arrive [s]."""
    query_s: float = 600.0
    """Longest time for a query in ADQL [s]."""
    query_bytes: int = 2_000_000_000
    """Memory of the queries in ADQL of one service, together [byte]; what does not fit waits on disk."""
    job_keep_s: float = 172_800.0
    """How long the result of a query that nobody waited for is kept [s]."""
    queries: int = 4
    """Queries in ADQL that are worked out at one time."""
    touched_rows: int = 100_000
    """A request that has to look at more rows than this is searched for with few others at one time."""
    small_bytes: int = 1 << 20
    """An answer of at most so many bytes in memory is small: it is written at once and waits for nobody."""
    page_rows: int = 1000
    """Most rows of a table that the page gets at one time."""
    shutdown_s: float = 3.0
    """Time for answers under way when the server is told to end [s]."""
    engine: EngineLimits = field(default_factory=lambda: EngineLimits(result=MemoryLimit(20_000, 8 << 20)))
    """What one request may take of the engine: less is held in memory than for one user, who has it to himself."""
