"""Where rows come from: an SSAP service, a TAP service or a file, behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ssap_mirror.core.schema import Column, Schema

if TYPE_CHECKING:
    import pyarrow as pa

    from ssap_mirror.sources.progress import Progress

__all__ = ["Description", "Estimate", "Finding", "Harvest", "RequestPolicy", "Source", "Status", "Verdict"]

#: How complete a harvest is; one that is ``not proven`` goes live as one that is ``complete`` does.
Status = Literal["complete", "not proven", "incomplete"]


@dataclass(frozen=True)
class RequestPolicy:
    """How a client behaves towards a server that belongs to somebody else."""

    requests_at_a_time: int = 2
    """Never more connections than this."""
    pause_s: float = 0.0
    """At least this long from the beginning of one request to that of the next, over all connections [s]."""
    attempts: int = 3
    """How often one request is tried before it counts as failed."""
    first_wait_s: float = 5.0
    """Wait before the second attempt [s]; four times as long each time, with jitter."""
    longest_wait_s: float = 60.0
    """Longest wait between two attempts [s]."""
    longest_retry_after_s: float = 900.0
    """A server that asks for a longer pause than this [s] is left alone, and the harvest ends for now."""
    connect_timeout_s: float = 15.0
    """Longest wait for a connection [s]."""
    read_timeout_s: float = 180.0
    """Longest silence within an answer [s]; a query may take its time before the first byte."""
    longest_answer_s: float = 3600.0
    """An answer that is not whole after this time [s] is broken off."""
    slowest_rate_bytes_s: float = 100.0
    """An answer that comes more slowly [byte/s] is broken off."""
    rate_window_s: float = 60.0
    """Time over which that is measured [s]."""
    longest_outage_s: float = 900.0
    """A server that has given no answer for this time [s], while it was asked, is asked nothing a second time: the
    harvest ends for now."""
    first_poll_s: float = 0.2
    """Wait before the phase of a TAP job is looked at again [s]; half as long again each time."""
    longest_poll_s: float = 15.0
    """Longest wait between two looks at a TAP job [s]."""
    longest_job_s: float = 7200.0
    """A TAP job that is still waiting or under way after this time [s] ends the harvest for now."""
    slice_rows: int = 25_000
    """Rows that a slice of full rows is planned for."""
    request_cost_rows: int = 2000
    """Full rows that cost a server, and us, about as much to send as one more request."""
    job_rows: int = 100_000
    """Rows that a slice of a TAP job is planned for."""
    job_cost_rows: int = 2000
    """Rows of a TAP job that cost a server, and us, about as much to send as the job itself."""
    survey_rows: int = 50_000
    """Largest number of rows in an answer that holds the identity columns only."""
    whole_table_rows: int = 250_000
    """A table of at most this many rows is asked for all its identities in one request, as the last proof; nor does a
    slice of another proof ask for more, but where surveys do."""
    highest_maxrec: int = 1_000_000
    """Largest limit of a request [rows], for what cannot be cut; services announce no more."""
    most_cones: int = 3072
    """Cones of the largest SIZE that a service takes; a sky that needs more is not asked for."""
    proof_share: float = 0.3
    """Requests of a proof, as a share of those that the harvest took; a proof that needs more is not made."""
    largest_answer_bytes: int = 4 << 30
    """An answer beyond this is refused [byte]."""
    strict: bool = False
    """Whether a cell that cannot be read ends the harvest; else it is NULL, counted, and told in the verdict."""
    full_sample: int = 0
    """Rows, picked at random, that a refresh compares in all columns; if one differs, all rows are fetched."""
    disk_share: float = 1.0
    """Share of the estimated room on disk without which a harvest is not begun; 0 begins it in any case."""


@dataclass(frozen=True)
class Description:
    """What a source says of itself."""

    kind: str
    """``ssap``, ``tap`` or ``file``."""
    url: str
    """Endpoint or path, for the manifest."""
    title: str
    """For people."""
    schema: Schema
    """All columns that the source offers, with verbosity levels."""
    parameters: tuple[Column, ...] = ()
    """Input parameters as the service declares them (``INPUT:`` PARAMs)."""
    header: bytes = b""
    """The service's VOTable header as harvested."""
    notes: tuple[str, ...] = ()
    """What was unusual, one sentence each."""


@dataclass(frozen=True)
class Estimate:
    """What a harvest will cost, before its first slice of full rows."""

    rows: int | None
    """Number of rows; None where nothing tells it before all are asked for. The rest is at least so much then."""
    wire_bytes: int
    """Bytes to be sent by the server."""
    seconds: float
    """Time it takes, if the server stays as quick as it was at first [s]."""
    disk_bytes: int
    """Most room that is needed on disk at one time."""
    requests: int = 0
    """Requests that are still to be sent for the rows; none where that is not worked out."""
    schema: Schema | None = field(default=None, repr=False)
    """Columns of the service, where they are known by then."""

    def words(self) -> str:
        """Say it to a person."""
        asked = f"{self.requests:,} request{'s' if self.requests > 1 else ''}"
        if self.rows is None:
            at_least = f"; at least {asked}" if self.requests else ""
            return f"how many rows there are is not known before all of them are asked for{at_least}"
        if not self.rows:
            return "no row is to be fetched"
        minutes = self.seconds / 60
        how_long = f"{minutes:,.0f} min" if minutes >= 1 else "less than a minute"
        by = f" by about {asked}" if self.requests else ""
        return (
            f"about {self.rows:,} rows{by}, {self.wire_bytes / 1e6:,.0f} MB to transfer in {how_long}, "
            f"{self.disk_bytes / 1e6:,.0f} MB of room on disk"
        )


@dataclass(frozen=True)
class Finding:
    """One thing that a harvest found out about its own completeness."""

    words: str
    """One sentence."""
    doubt: bool = False
    """Whether the copy cannot be called complete because of it."""
    unproven: bool = False
    """Whether it says what could not be proven, although nothing hints at a missing row."""
    caveat: bool = False
    """Whether it says what could not be looked at: it stands in the first line of what is said of the copy."""


@dataclass(frozen=True)
class Verdict:
    """Whether the copy is complete, and how that is known."""

    findings: tuple[Finding, ...]
    """All that speaks for or against it."""

    @property
    def status(self) -> Status:
        """What is known: rows are missing or in doubt; nothing hints at any; it is proven that there are none."""
        if any(finding.doubt for finding in self.findings):
            return "incomplete"
        return "not proven" if any(finding.unproven for finding in self.findings) else "complete"

    @property
    def complete(self) -> bool:
        """Whether it is proven, as far as the service lets anyone prove it, that every row is held exactly once."""
        return self.status == "complete"

    @property
    def caveats(self) -> tuple[str, ...]:
        """What could not be looked at, one sentence each."""
        return tuple(finding.words for finding in self.findings if finding.caveat)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is believed or denied, one sentence each."""
        return tuple(finding.words for finding in self.findings)


@dataclass(frozen=True)
class Harvest:
    """Rows of a finished harvest, on disk, and what is known of them."""

    description: Description
    """Of the source."""
    rows: int
    """Number of rows: the different ones of a service, all of a file."""
    verdict: Verdict
    """Complete or not, and why."""
    read: Callable[[], Iterator[pa.RecordBatch]] = field(repr=False)
    """Begins to read the rows."""
    record: dict[str, Any] = field(repr=False, default_factory=dict)
    """For the manifest: sweeps, counts, duplicates, requests, bytes."""
    one_state: bool = False
    """Whether all rows are of one state of one table, as in a file, so that no two of one identity may differ.

    Slices of a service overlap, and its table may change between them.
    """
    settled: bool = True
    """Whether the rows are one state of the source; of those that are not, going on makes no better ones."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows in the columns of ``description.schema``; may be read again and again.

        A row of a service may come more than once, from the edges of slices for one; the last of each identity counts.

        Raises
        ------
        MirrorError
            If they cannot be read.
        """
        return self.read()


class Source(Protocol):
    """A place that rows come from."""

    def estimate(self, staging: Path, progress: Progress) -> Estimate:
        """Find out what `harvest` will cost; what that takes to ask is kept in `staging`."""

    def harvest(self, staging: Path, progress: Progress) -> Harvest:
        """Bring all rows to disk, resuming what `staging` already holds."""
