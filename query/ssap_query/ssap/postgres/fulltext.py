"""PostgreSQL full text search, configuration ``english``: which words a text has, and whether it has all of a query.

``to_tsvector('english', text) @@ plainto_tsquery('english', query)``: both sides become sets of lexemes, and the second
has to be a subset of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from ssap_query.ssap.postgres.tokens import tokens
from ssap_query.ssap.values.string_lists import fold

__all__ = ["TextQuery", "lexemes", "read_query"]

# Function words of the Snowball project's English list, which the configuration leaves out.
_STOP_WORDS = frozenset(
    word
    for line in (
        "i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers",
        "herself it its itself they them their theirs themselves what which who whom this that these those am is",
        "are was were be been being have has had having do does did doing a an the and but if or because as until",
        "while of at by for with about against between into through during before after above below to from up",
        "down in out on off over under again further then once here there when where why how all any both each few",
        "more most other some such no nor not only own same so than too very s t can will just don should now",
    )
    for word in line.split()
)

_WORDS = frozenset({"asciiword", "word", "asciihword", "hword", "hword_asciipart", "hword_part"})
_NOT_INDEXED = frozenset({"tag", "protocol", "entity"})
# Longest lexeme that PostgreSQL keeps, and longest word that its stemmer takes [bytes].
_MAX_LEXEME, _MAX_STEMMED = 2046, 1000
# What is the same for every snapshot: words that many names share, a few MB at most.
_MAX_CACHED = 2**12


@dataclass(frozen=True)
class TextQuery:
    """A text whose words are looked for."""

    text: str
    """As given."""
    lexemes: frozenset[str]
    """What all have to occur; if there is none, nothing matches."""

    def matches(self, name: str) -> bool:
        """Whether a name has all the words."""
        return bool(self.lexemes) and self.lexemes <= lexemes(name)

    def select(self, names: Sequence[str]) -> list[str]:
        """Names that have all the words; the tokens of most are never looked at."""
        if not self.lexemes:
            return []
        # Stemming leaves a word's first letter alone, and touches nothing that holds a digit.
        hints = [lexeme if any(map(str.isdigit, lexeme)) else lexeme[0] for lexeme in self.lexemes]
        return [name for name in names if all(map(fold(name).__contains__, hints)) and self.lexemes <= lexemes(name)]


def read_query(text: str) -> TextQuery:
    """Words of a text to look for, all of them."""
    return TextQuery(text, lexemes(text))


def lexemes(text: str) -> frozenset[str]:
    """Lexemes of a text: words stemmed, stop words left out, all else in lower case.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    frozenset of str
        What ``to_tsvector('english', text)`` holds, positions left out.
    """
    if "<" in text:  # only a tag goes beyond a blank
        return _lexemes(text)
    first, *others = text.split() or [""]
    # A blank goes on into the punctuation that follows it, so it stays with its chunk.
    chunks = [first if text.startswith(first) else " " + first, *(" " + chunk for chunk in others)]
    return frozenset().union(*map(_cached_lexemes, chunks))


def _lexemes(text: str) -> frozenset[str]:
    found = (_lexeme(kind, token) for kind, token in tokens(text) if kind not in _NOT_INDEXED)
    return frozenset(lexeme for lexeme in found if lexeme)


@lru_cache(_MAX_CACHED)
def _cached_lexemes(text: str) -> frozenset[str]:
    return _lexemes(text)


def _lexeme(kind: str, token: str) -> str | None:
    if len(token.encode()) >= _MAX_LEXEME:
        return None
    word = fold(token)
    if kind not in _WORDS or len(word.encode()) > _MAX_STEMMED:
        return word
    return None if word in _STOP_WORDS else _stem(word)


@lru_cache(_MAX_CACHED)
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word))


@cache
def _stemmer() -> Any:
    import snowballstemmer  # type: ignore[import-untyped]  # has no annotations

    return snowballstemmer.stemmer("english")
