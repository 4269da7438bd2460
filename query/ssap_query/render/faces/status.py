"""Whether a result has all rows, as a word and as pyvo has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["OK", "OVERFLOW", "Status"]

_WORDS = {"OK": "all rows that match are here", "OVERFLOW": "more rows match than the limit let through"}


class Status(str):
    """A QUERY_STATUS (DALI 1.1 §4.4.1): the word itself, and the pair of it and a sentence that pyvo has in its place.

    A script for pyvo compares ``found.status[0]``; of plain text that would be a letter, and never what it asks for.

    Examples
    --------
    >>> OK == "OK", OK[0]
    (True, 'OK')
    >>> word, sentence = OVERFLOW
    >>> word, sentence
    ('OVERFLOW', 'more rows match than the limit let through')
    """

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        """Give a part of the pair."""
        return tuple(self)[index]

    def __iter__(self) -> Iterator[str]:
        word = str(self)
        return iter((word, _WORDS[word]))


OK, OVERFLOW = Status("OK"), Status("OVERFLOW")
