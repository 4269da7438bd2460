"""Parameters about the name of the target: TARGETNAME, WILDTARGET, WILDTARGETCASE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar
from urllib.parse import unquote

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.columns import Columns, Row
from ssap_query.ssap.parameter import Parameter
from ssap_query.ssap.postgres.fulltext import TextQuery, lexemes, read_query
from ssap_query.ssap.postgres.patterns import Pattern, dachs_pattern, ivoa_pattern
from ssap_query.ssap.predicate import FALSE, DistinctValues, Predicate, one_of
from ssap_query.ssap.ranges import dachs_list
from ssap_query.ssap.values.python_text import list_text
from ssap_query.ssap.values.string_lists import fold, without_blanks

__all__ = ["PARAMETERS"]

_ROLE = "target_name"
# Tokens take some 10 microseconds a character, tags that are not closed the square of their length.
_MAX_SEARCH, _MAX_SEARCHES = 5_000, 100_000
# More searches than this are looked up by their words, instead of trying each on each name.
_FEW_SEARCHES = 20


@dataclass(frozen=True)
class IvoaName:
    """TARGETNAME as SSA 1.1 reads it."""

    doc: ClassVar[str] = (
        "The whole name; case and blanks are not significant. A list is a union; a comma within a name is written "
        "`%2C` (encoded twice in a URL). No wildcards."
    )

    def parse(self, name: str, text: str) -> tuple[str, ...]:
        """Read the list of names."""
        items = tuple(unquote(item) for item in text.split(","))
        if not all(without_blanks(item) for item in items):
            raise ParameterError(name, text, "has an empty name in its list")
        return items

    def compile(self, value: tuple[str, ...], columns: Columns) -> Predicate | None:
        """Equality of the names in lower case and without blanks."""
        wanted = tuple(dict.fromkeys(fold(without_blanks(item)) for item in value))
        column = "lower(regexp_replace({target_name}, '[[:space:]]+', '', 'g'))"
        return one_of(column, wanted)

    def covers(self, value: tuple[str, ...], row: Row, columns: Columns) -> bool:
        """Whether the row's name is one of them."""
        target = row[_ROLE]
        return target is not None and any(fold(without_blanks(target)) == fold(without_blanks(item)) for item in value)

    def words(self, value: tuple[str, ...]) -> str:
        """Say the union in words."""
        return " or ".join(repr(item) for item in value)

    def needs(self, value: tuple[str, ...]) -> tuple[str, ...]:
        """Ask for the name."""
        return (_ROLE,)


@dataclass(frozen=True)
class DachsName:
    """TARGETNAME as the reference server reads it: PostgreSQL's full text search, configuration ``english``."""

    doc: ClassVar[str] = (
        "Words: every word of an item has to occur in the name, in any order and case, after English stemming and "
        "without stop words. A comma is an or."
    )

    def parse(self, name: str, text: str) -> tuple[TextQuery, ...]:
        """Read the list of searches."""
        if len(text) > _MAX_SEARCHES:
            raise ParameterError(name, text, f"is longer than the {_MAX_SEARCHES:,} characters that are allowed")
        if max(map(len, text.split(","))) > _MAX_SEARCH:
            raise ParameterError(name, text, f"has an item of more than the {_MAX_SEARCH:,} characters allowed")
        found = dachs_list(name, text, read_query, ranges=False)
        return found.values

    def compile(self, value: tuple[TextQuery, ...], columns: Columns) -> Predicate | None:
        """Membership in the list of names that match, which the engine has picked out of the distinct ones."""
        if not any(query.lexemes for query in value):
            return FALSE
        select = partial(_matching, value)
        return one_of("{target_name}", DistinctValues(_ROLE, select))

    def covers(self, value: tuple[TextQuery, ...], row: Row, columns: Columns) -> bool:
        """Whether the row's name matches one of the searches."""
        target = row[_ROLE]
        return target is not None and any(query.matches(target) for query in value)

    def words(self, value: tuple[TextQuery, ...]) -> str:
        """Say the union in words."""
        return " or ".join(f"the words of {query.text!r}" for query in value)

    def needs(self, value: tuple[TextQuery, ...]) -> tuple[str, ...]:
        """Ask for the name."""
        return (_ROLE,)


@dataclass(frozen=True)
class NamePattern:
    """WILDTARGET and WILDTARGETCASE."""

    doc: ClassVar[str] = (
        "Shell pattern of the whole name: `*`, `?`, `[a-z]`, `[!a-z]`, and a backslash before a character that is to "
        "be taken as it is. In dachs any part of the name may match, and sets know no ranges."
    )
    dialect: str
    """Whose patterns."""
    ignore_case: bool
    """Whether case is not significant."""

    def parse(self, name: str, text: str) -> Pattern:
        """Read the pattern."""
        read = ivoa_pattern if self.dialect == "ivoa" else dachs_pattern
        return read(name, text, ignore_case=self.ignore_case)

    def compile(self, value: Pattern, columns: Columns) -> Predicate | None:
        """Match of a bound regular expression."""
        if not value.anchored:
            return Predicate("regexp_matches({target_name}, ?, 's')", (value.regex(),))
        if value.folded:
            return Predicate("regexp_full_match(lower({target_name}), ?, 's')", (value.regex(),))
        return Predicate("regexp_full_match({target_name}, ?, 's')", (value.regex(),))

    def covers(self, value: Pattern, row: Row, columns: Columns) -> bool:
        """Whether the row's name matches."""
        target = row[_ROLE]
        return target is not None and value.matches(target)

    def words(self, value: Pattern) -> str:
        """Say the pattern in words."""
        part = "" if value.anchored else "in part "
        return f"matching {part}{value.text!r}{' in any case' if self.ignore_case else ''}"

    def needs(self, value: Pattern) -> tuple[str, ...]:
        """Ask for the name."""
        return (_ROLE,)


def _matching(queries: tuple[TextQuery, ...], names: Sequence[str]) -> list[str]:
    wanted = {query.lexemes: query for query in queries if query.lexemes}
    if len(wanted) <= _FEW_SEARCHES:
        return list(dict.fromkeys(name for query in wanted.values() for name in query.select(names)))
    having: dict[str, set[str]] = {}
    for name in names:
        for lexeme in lexemes(name):
            having.setdefault(lexeme, set()).add(name)
    found = set()
    for words in wanted:
        found |= set.intersection(*(having.get(word, set()) for word in words))
    return sorted(found)


PARAMETERS = (
    Parameter(
        name="TARGETNAME",
        title="Object",
        description="Common name of object observed.",
        rules={"ivoa": IvoaName(), "dachs": DachsName()},
        grammar="list of names",
        python=list_text,
        examples=("LAMOST J000420.41+343551.4", "NGC 1234,M31"),
        roles=(_ROLE,),
        section="4.1.2.8",
        ucd="meta.id;src",
        utype="ssa:Target.Name",
        null="NULL never matches",
    ),
    Parameter(
        name="WILDTARGET",
        title="Name Pattern",
        description="Shell pattern of target observed (case insensitive).",
        rules={
            "ivoa": NamePattern("ivoa", ignore_case=True),
            "dachs": NamePattern("dachs", ignore_case=True),
        },
        grammar="a shell pattern",
        examples=("ngc*", "*j0004[0-4]*"),
        roles=(_ROLE,),
        section="GAVO DaCHS",
        null="NULL never matches",
    ),
    Parameter(
        name="WILDTARGETCASE",
        title="Name Pattern",
        description="Shell pattern of target observed (case sensitive).",
        rules={
            "ivoa": NamePattern("ivoa", ignore_case=False),
            "dachs": NamePattern("dachs", ignore_case=False),
        },
        grammar="a shell pattern",
        examples=("NGC*", "LAMOST J????20*"),
        roles=(_ROLE,),
        section="GAVO DaCHS",
        null="NULL never matches",
    ),
)
