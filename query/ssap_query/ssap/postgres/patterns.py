"""Shell patterns of WILDTARGET and WILDTARGETCASE, as tokens: compiled to RE2, and matched in plain Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.parameter import Lazy
from ssap_query.ssap.values.string_lists import fold

__all__ = ["ANY", "Characters", "Many", "Pattern", "dachs_pattern", "ivoa_pattern"]

_MAX_PATTERN = 5000
_DACHS_SET = re.compile(r"\[(?P<negated>[!^]?)(?P<members>(?:\\.|[^\]\\])*)\]", re.DOTALL)

#: Makes the ranges of one character.
Variants = Callable[[str], tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Characters:
    """One character out of a set."""

    ranges: tuple[tuple[str, str], ...]
    """First and last character of each range."""
    negated: bool = False
    """Whether it is a character that is not in the set."""

    def accepts(self, character: str) -> bool:
        """Whether a character fits."""
        return any(first <= character <= last for first, last in self.ranges) != self.negated

    def regex(self) -> str:
        """RE2 of the set."""
        if not self.ranges:  # none but `ANY` is without a range
            return "."
        body = "".join(
            _escaped(first) if first == last else f"{_escaped(first)}-{_escaped(last)}" for first, last in self.ranges
        )
        return f"[{'^' if self.negated else ''}{body}]"


#: Any one character.
ANY = Characters((), negated=True)


@dataclass(frozen=True)
class Many:
    """Any number of any characters."""


@dataclass(frozen=True)
class Pattern:
    """A shell pattern."""

    tokens: tuple[Characters | Many, ...]
    """In order."""
    anchored: bool
    """Whether the whole name has to match, or any part of it."""
    folded: bool
    """Whether names are put in lower case first."""
    text: str
    """As given."""

    def regex(self) -> str:
        """RE2 with the same matches, to be used with the option ``s`` (a dot is any character, newline too)."""
        return "".join(".*" if isinstance(token, Many) else token.regex() for token in self.tokens)

    def matches(self, name: str) -> bool:
        """Whether a name matches: two pointers, backtracking to the last ``*`` alone."""
        tokens: Sequence[Characters | Many] = self.tokens if self.anchored else (Many(), *self.tokens, Many())
        name = fold(name) if self.folded else name
        i = j = 0
        star: int | None = None
        mark = 0
        while i < len(name):
            token = tokens[j] if j < len(tokens) else None
            if isinstance(token, Many):
                star, mark = j, i
                j += 1
            elif token is not None and token.accepts(name[i]):
                i, j = i + 1, j + 1
            elif star is not None:
                mark += 1
                i, j = mark, star + 1
            else:
                return False
        return all(isinstance(token, Many) for token in tokens[j:])


def ivoa_pattern(name: str, text: str, *, ignore_case: bool) -> Pattern:
    """Read a shell pattern: ``*``, ``?``, ``[abc]``, ``[a-z]``, ``[!a-z]``, and a backslash before any of these.

    The whole name has to match.

    Raises
    ------
    ParameterError
        For a lone backslash at the end, an unclosed or empty set, a range that runs backwards.
    """
    _check_length(name, text)
    source = fold(text) if ignore_case else text
    tokens: list[Characters | Many] = []
    i = 0
    while i < len(source):
        c = source[i]
        i += 1
        if c == "*":
            tokens.append(Many())
        elif c == "?":
            tokens.append(ANY)
        elif c == "\\":
            if i == len(source):
                raise ParameterError(name, text, "ends with a lone backslash")
            tokens.append(_one(source[i]))
            i += 1
        elif c == "[":
            token, i = _ivoa_set(name, text, source, i)
            tokens.append(token)
        else:
            tokens.append(_one(c))
    return Pattern(tuple(tokens), anchored=True, folded=ignore_case, text=text)


def dachs_pattern(name: str, text: str, *, ignore_case: bool) -> Pattern:
    """Read a shell pattern as the reference server does: any part of the name may match, sets know no ranges.

    Raises
    ------
    ParameterError
        For a lone backslash at the end, and for a set that PostgreSQL does not take.
    """
    _check_length(name, text)
    source = text.expandtabs(8)  # its parser expands tabs to blanks
    variants = _case_variants if ignore_case else _as_is
    tokens: list[Characters | Many] = []
    i = 0
    while i < len(source):
        in_brackets = _DACHS_SET.match(source, i)
        if in_brackets:
            tokens += _dachs_set(name, text, in_brackets, variants)
            i = in_brackets.end()
            continue
        c = source[i]
        i += 1
        if c == "*":
            tokens.append(Many())
        elif c == "?":
            tokens.append(ANY)
        elif c == "\\":
            if i == len(source):
                raise ParameterError(name, text, "ends with a lone backslash")
            tokens.append(Characters(variants(source[i])))
            i += 1
        else:
            tokens.append(Characters(variants(c)))
    return Pattern(tuple(tokens), anchored=False, folded=False, text=text)


def _dachs_set(name: str, text: str, found: re.Match[str], variants: Variants) -> list[Characters | Many]:
    # An escaped "]" is escaped once too often, so that a backslash joins the set, which ends there; what follows is no
    # longer in brackets, and the closing bracket stands for itself.
    members, escaped, rest = re.sub(r"\\(.)", r"\1", found["members"], flags=re.DOTALL).partition("]")
    if escaped:
        members += "\\"
    if not members or any(opening in members for opening in ("[.", "[:", "[=")):
        raise Lazy(name, text, "has a set in brackets that PostgreSQL does not take")
    if not all(c.isalnum() or c in " _" for c in rest):
        raise Lazy(name, text, "has more than words after an escaped ']' in brackets")
    ranges = tuple(dict.fromkeys(r for member in members for r in variants(member)))
    following = rest + "]" if escaped else ""
    return [Characters(ranges, bool(found["negated"])), *(Characters(variants(c)) for c in following)]


def _ivoa_set(name: str, text: str, source: str, i: int) -> tuple[Characters, int]:
    negated = source[i : i + 1] in ("!", "^")
    i += negated
    ranges: list[tuple[str, str]] = []
    first = i
    while i < len(source) and (source[i] != "]" or i == first):
        escaped = source[i] == "\\" and i + 1 < len(source)
        low = source[i + escaped]
        i += 1 + escaped
        high = low
        if source[i : i + 1] == "-" and source[i + 1 : i + 2] not in ("]", ""):
            escaped = source[i + 1] == "\\" and i + 2 < len(source)
            high = source[i + 1 + escaped]
            i += 2 + escaped
        if low > high:
            raise ParameterError(name, text, f"has the range {low}-{high}, which runs backwards")
        ranges.append((low, high))
    if i >= len(source):
        raise ParameterError(name, text, "has a '[' without ']' (write '\\[' for the character)")
    return Characters(tuple(ranges), negated), i + 1


def _one(character: str) -> Characters:
    return Characters(((character, character),))


def _as_is(character: str) -> tuple[tuple[str, str], ...]:
    return ((character, character),)


def _case_variants(character: str) -> tuple[tuple[str, str], ...]:
    """Put a character in lower and in upper case, alone, as PostgreSQL's regular expressions fold them."""
    lower = character.lower()[0]
    upper = character.upper()
    if len(upper) > 1:  # no simple mapping, but perhaps a title case (U+1FB3)
        upper = character.title() if len(character.title()) == 1 else character
    return tuple((c, c) for c in dict.fromkeys((character, lower, upper)))


def _escaped(character: str) -> str:
    return character if character.isalnum() else f"\\x{{{ord(character):x}}}"


def _check_length(name: str, text: str) -> None:
    if len(text) > _MAX_PATTERN:
        raise ParameterError(name, text, f"is longer than the {_MAX_PATTERN:,} characters a pattern may have")
