"""An SSAP endpoint: how it is asked, and a slice in, an answer on disk out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ssap_mirror.errors import FormatError, ServiceError, TransportError
from ssap_mirror.sources.harvest.answers import AnswerWriter, QueryTooLargeError, Stored, overflow_in, raw_file
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.harvest.samples import Sample, small_table
from ssap_mirror.sources.harvest.slices import COLLECTION, Slice
from ssap_mirror.sources.harvest.sweep import RefusedCollectionError
from ssap_mirror.sources.http.failures import ServerFailure
from ssap_mirror.sources.http.limits import ServiceLimits

__all__ = ["Endpoint", "in_collections", "with_both_ends"]

# Parameters that select no rows.
_CONTROL = ("VERB", "MAXREC", "FORMAT")
# Ends of ranges beyond any value, as texts; those of dates are where clients and servers begin to differ.
_FAR_ENDS = dict.fromkeys(("TIME", "MTIME"), ("1600-01-01T00:00:00", "2400-01-01T00:00:00")) | {
    "BAND": ("1e-13", "1e4")
}
_FAR_NUMBERS = ("-1e30", "1e30")
# What a request that a service has no answer for ends in.
_REFUSALS = (ServiceError, FormatError, ServerFailure)


@dataclass(frozen=True)
class Endpoint:
    """One SSAP endpoint, and what `ssap_mirror.sources.ssap.probe.probe` has found out about asking it."""

    url: str
    """Address."""
    client: Client
    """Carries the requests."""
    scratch: Path
    """Folder for answers on their way."""
    response_format: str | None = None
    """RESPONSEFORMAT of every request, if any."""
    size_is_radius: bool = False
    """Whether SIZE is known to be read as a radius."""
    closed_ranges: bool = False
    """Whether ranges have to have both ends."""
    parameters: tuple[tuple[str, str], ...] = ()
    """Parameters of every request that the service needs beside those of its standard."""
    needed: tuple[tuple[str, str], ...] = ()
    """A constraint of every request, of a service that answers no other alone: rows without a value have no answer."""
    everywhere: tuple[tuple[str, str], ...] = ()
    """What a request without any constraint has to ask for all the same, of a service that answers none without one."""
    collections: tuple[str, ...] = ()
    """Values of COLLECTION, of a service that gives nothing without one: each slice has its own, samples the first."""
    limits: ServiceLimits = field(default_factory=ServiceLimits, compare=False)
    """What the service refuses; known beforehand, or learnt from its first refusal."""

    def sample(self, params: Iterable[tuple[str, str]], *, attempts: int | None = None) -> Sample:
        """Ask for a few rows, or for metadata.

        Parameters
        ----------
        params : iterable of (str, str)
            Beside REQUEST and RESPONSEFORMAT.
        attempts : int, optional
            How often to try; as the policy says without it.

        Raises
        ------
        SourceError
            If there is no answer, or it is not a VOTable.
        ServiceError
            If the answer is an error.
        """
        params = list(params)
        constrained = any(name.upper() not in _CONTROL for name, _ in params)
        collection = [(COLLECTION, name) for name in self.collections[:1]]
        asked = [*self._frame(), *collection, *(() if constrained else self.everywhere), *params]
        return self.client.retrying(lambda: self._sample(asked), attempts)

    def _sample(self, asked: list[tuple[str, str]]) -> Sample:
        try:
            return self._sample_within_limits(asked)
        except QueryTooLargeError as error:
            # Nothing is too large about a few rows.
            raise ServerFailure(str(error)) from error

    def _sample_within_limits(self, asked: list[tuple[str, str]]) -> Sample:
        within = self.limits.clamped(asked)
        while True:
            try:
                return small_table(self.client, self.url, within, self.scratch)
            except (ServiceError, TransportError) as error:
                fewer = self.limits.reduced(error, within)
                if fewer is None:
                    raise
                within = fewer

    def fetch(self, verb: int, writer: AnswerWriter, slice_: Slice, maxrec: int, target: Path) -> Stored | None:
        """Fetch a slice, with as many attempts as the policy allows.

        Parameters
        ----------
        verb : int
            1, 2 or 3: how many columns.
        writer : AnswerWriter
            Stores the columns.
        slice_ : Slice
            Which rows.
        maxrec : int
            How many rows at most.
        target : pathlib.Path
            File for them.

        Returns
        -------
        Stored or None
            None if the answer overflowed, which makes it worthless (its rows are any subset).

        Raises
        ------
        SourceError
            If no attempt succeeded.
        RefusedCollectionError
            If the slice is a whole collection of which the service does not give a single row either.
        """
        constraints = slice_.params(size_is_radius=self.size_is_radius)
        asked = [
            *self._frame(),
            *([with_both_ends(*pair) for pair in constraints] if self.closed_ranges else constraints),
            ("VERB", str(verb)),
            ("MAXREC", str(maxrec)),
        ]

        def once() -> Stored | None:
            within = self.limits.clamped(asked)
            if self.limits.forbid(within):
                return None
            try:
                stored = whole(within, int(within[-1][1]))
                if stored is None:
                    self.limits.add_overflow(within)
                return stored
            except (ServiceError, TransportError) as error:
                if not self.limits.learn(error, within):
                    raise
                # What is too much for one answer is asked for in parts.
                return None

        def whole(asked: list[tuple[str, str]], maxrec: int) -> Stored | None:
            with raw_file(target) as raw:
                download = self.client.download(self.url, asked, raw, enough=overflow_in)
                if not download.whole:
                    return None
                stored = replace(writer.store(raw, target, maxrec), received=download.size)
            if stored.overflow:
                target.unlink()
                return None
            return stored

        try:
            return self.client.retrying(once)
        except _REFUSALS as error:
            if slice_.collection is None or not slice_.is_whole or not self._refuses(slice_.collection):
                raise
            raise RefusedCollectionError(str(error)) from error

    def _refuses(self, collection: str) -> bool:
        """Whether a few rows of a collection cannot be had either, so that it is not its size that is refused."""
        try:
            replace(self, collections=(collection,)).sample([("MAXREC", "1")], attempts=2)
        except _REFUSALS:
            return True
        return False

    def ping(self) -> None:
        """Ask for a sign of life.

        Raises
        ------
        SourceError
            If there is none.
        """
        # A cone of a few arcsec: no more than any service has ready, and it serves those that need a position.
        self.sample([("POS", "0,0"), ("SIZE", "0.001"), ("MAXREC", "1")], attempts=2)

    def _frame(self) -> list[tuple[str, str]]:
        frame = [("REQUEST", "queryData"), *self.parameters, *self.needed]
        return frame if self.response_format is None else [*frame, ("RESPONSEFORMAT", self.response_format)]


def with_both_ends(parameter: str, value: str) -> tuple[str, str]:
    """Put an end beyond any value for an open one.

    Examples
    --------
    >>> with_both_ends("TIME", "2018-05-01T00:00:00/")
    ('TIME', '2018-05-01T00:00:00/2400-01-01T00:00:00')
    """
    low, slash, high = value.partition("/")
    if not slash:
        return parameter, value
    first, last = _FAR_ENDS.get(parameter, _FAR_NUMBERS)
    return parameter, f"{low or first}/{high or last}"


def in_collections(slices: Iterable[Slice], collections: Sequence[str]) -> list[Slice]:
    """Slices of a service that wants COLLECTION: those that have none are asked for in each of its collections."""
    return [
        found
        for slice_ in slices
        for found in (
            [replace(slice_, collection=name) for name in collections]
            if collections and slice_.collection is None
            else [slice_]
        )
    ]
