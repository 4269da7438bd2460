"""An SSAP endpoint: how it is asked, and a slice in, an answer on disk out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ssap_mirror.errors import TransportError
from ssap_mirror.sources.harvest.answers import AnswerWriter, QueryTooLargeError, Stored, overflow_in, raw_file
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.harvest.samples import Sample, small_table
from ssap_mirror.sources.harvest.slices import Slice

__all__ = ["Endpoint"]


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
    everywhere: tuple[tuple[str, str], ...] = ()
    """What a request without a position has to ask for all the same, of a service that answers none without one."""

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
        placed = any(name == "POS" for name, _ in params)
        asked = [*self._frame(), *(() if placed else self.everywhere), *params]
        return self.client.retrying(lambda: self._sample(asked), attempts)

    def _sample(self, asked: list[tuple[str, str]]) -> Sample:
        try:
            return small_table(self.client, self.url, asked, self.scratch)
        except QueryTooLargeError as error:
            # Nothing is too large about a few rows.
            raise TransportError(str(error)) from error

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
        """
        asked = [
            *self._frame(),
            *slice_.params(size_is_radius=self.size_is_radius),
            ("VERB", str(verb)),
            ("MAXREC", str(maxrec)),
        ]

        def once() -> Stored | None:
            with raw_file(target) as raw:
                download = self.client.download(self.url, asked, raw, enough=overflow_in)
                if not download.whole:
                    return None
                stored = replace(writer.store(raw, target, maxrec), received=download.size)
            if stored.overflow:
                target.unlink()
                return None
            return stored

        return self.client.retrying(once)

    def ping(self) -> None:
        """Ask for a sign of life.

        Raises
        ------
        SourceError
            If there is none.
        """
        self.sample([("FORMAT", "METADATA")])

    def _frame(self) -> list[tuple[str, str]]:
        frame = [("REQUEST", "queryData")]
        return frame if self.response_format is None else [*frame, ("RESPONSEFORMAT", self.response_format)]
