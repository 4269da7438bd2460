"""An SSAP endpoint: a question in, an answer on disk out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ssap_mirror.errors import FormatError, ServiceError
from ssap_mirror.sources.harvest.answers import Keeper, Stored, overflow_in
from ssap_mirror.sources.harvest.client import Client
from ssap_mirror.sources.harvest.samples import BINARY2, Sample, small_table
from ssap_mirror.sources.harvest.slices import Slice

if TYPE_CHECKING:
    pass

__all__ = ["Question", "Service"]


@dataclass(frozen=True)
class Question:
    """What is the same in every request of a sweep."""

    verb: int
    """1, 2 or 3: how many columns."""
    keeper: Keeper
    """Keeps the columns."""


class Service:
    """Asks one SSAP endpoint.

    Parameters
    ----------
    url : str
        The endpoint.
    client : Client
        Carries the requests.
    scratch : pathlib.Path
        Folder for answers on their way.
    """

    def __init__(self, url: str, client: Client, scratch: Path) -> None:
        self.url = url
        self.client = client
        self.response_format: str | None = None
        self.size_is_radius = False
        #: Rows at which the service cuts every answer without saying so; None if it is not known to.
        self.silent_limit: int | None = None
        #: What has to be in every request, for services that answer none without a position.
        self.anywhere: tuple[tuple[str, str], ...] = ()
        self._scratch = scratch

    def sample(self, params: Iterable[tuple[str, str]], *, attempts: int | None = None) -> Sample:
        """Ask for a few rows, or for metadata.

        Parameters
        ----------
        params : iterable of (str, str)
            Beside REQUEST and RESPONSEFORMAT.
        attempts : int, optional
            How often to try; as the manners say without it.

        Raises
        ------
        SourceError
            If there is no answer, or it is not a VOTable.
        ServiceError
            If the answer is an error.
        """
        params = list(params)
        placed = any(name == "POS" for name, _ in params)
        asked = [*self._frame(), *(() if placed else self.anywhere), *params]
        return self.client.retrying(lambda: small_table(self.client, self.url, asked, self._scratch), attempts)

    def ask(self, question: Question, part: Slice, maxrec: int, target: Path) -> Stored | None:
        """Fetch a slice, with as many attempts as the manners allow.

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
            *part.params(size_is_radius=self.size_is_radius),
            ("VERB", str(question.verb)),
            ("MAXREC", str(maxrec)),
        ]
        raw = target.with_suffix(".raw")

        def once() -> Stored | None:
            try:
                download = self.client.download(self.url, asked, raw, enough=overflow_in)
                if not download.whole:
                    return None
                stored = replace(question.keeper.keep(raw, target, maxrec), received=download.size)
            finally:
                raw.unlink(missing_ok=True)
                target.with_suffix(".part").unlink(missing_ok=True)
            if stored.overflow or (self.silent_limit is not None and stored.rows >= self.silent_limit):
                target.unlink()
                return None
            return stored

        return self.client.retrying(once)

    def alive(self) -> None:
        """Ask for a sign of life.

        Raises
        ------
        SourceError
            If there is none.
        """
        self.sample([("FORMAT", "METADATA")])

    def take_binary2(self) -> None:
        """Use BINARY2 from now on if the service takes it."""
        self.response_format = BINARY2
        try:
            self.sample([("MAXREC", "1")], attempts=2)
        except (ServiceError, FormatError):
            self.response_format = None

    def _frame(self) -> list[tuple[str, str]]:
        frame = [("REQUEST", "queryData")]
        return frame if self.response_format is None else [*frame, ("RESPONSEFORMAT", self.response_format)]
