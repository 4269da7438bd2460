"""PUBDID and CREATORDID: the identifiers of a dataset."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, LiteralString

from ssap_query.ssap.columns import Columns, Row
from ssap_query.ssap.parameter import Parameter
from ssap_query.ssap.predicate import Predicate, any_of, one_of
from ssap_query.ssap.values.python_text import identifiers
from ssap_query.ssap.values.string_lists import fold

__all__ = ["PARAMETERS", "longest_caseless"]

# Runs of digits and marks: they are the same in any case, and no letter becomes one of them.
_CASELESS = re.compile(r"[!-@\[-`{-~]{4,}")
# Of so many identifiers each is looked for by itself.
_FEW = 8


@dataclass(frozen=True)
class Identifier:
    """A dataset identifier, equal as a whole, as the reference server compares it: case and all."""

    doc: ClassVar[str] = (
        "The whole string, case and all: no lists, no ranges, no patterns. From Python, a sequence of identifiers is "
        "a union."
    )
    column: LiteralString
    """``{role}``."""

    @property
    def role(self) -> str:
        """The role of the column."""
        return self.column[1:-1]

    def parse(self, name: str, text: str | Iterable[str]) -> tuple[str, ...]:
        """Take the identifier, or the sequence of them, as it is."""
        return (text,) if isinstance(text, str) else tuple(text)

    def compile(self, value: tuple[str, ...], columns: Columns) -> Predicate | None:
        """Equality."""
        return one_of(self.column, value)

    def covers(self, value: tuple[str, ...], row: Row, columns: Columns) -> bool:
        """Whether the row's identifier is among them."""
        return row[self.role] in value

    def words(self, value: tuple[str, ...]) -> str:
        """Show the identifier, or say how many."""
        return repr(value[0]) if len(value) == 1 else f"one of {len(value):,} identifiers"

    def needs(self, value: tuple[str, ...]) -> tuple[str, ...]:
        """Ask for the one column."""
        return (self.role,)


@dataclass(frozen=True)
class IvoaIdentifier(Identifier):
    """A dataset identifier, equal as a whole but for its case."""

    doc: ClassVar[str] = (
        "The whole string, in any case (§2.8): no lists, no ranges, no patterns. From Python, a sequence of "
        "identifiers is a union."
    )

    def compile(self, value: tuple[str, ...], columns: Columns) -> Predicate | None:
        """Equality without case."""
        folded = tuple(dict.fromkeys(map(fold, value)))
        lowered: LiteralString = "lower(" + self.column + ")"
        parts = [longest_caseless(text) for text in folded]
        if len(folded) > _FEW or not all(parts):
            return one_of(lowered, folded)
        # To look for a part of a text costs a tenth of what it costs to lower its case.
        has_part: LiteralString = "contains(" + self.column + ", ?)"
        return any_of(
            Predicate(has_part, (part,)) & one_of(lowered, (text,)) for part, text in zip(parts, folded, strict=True)
        )

    def covers(self, value: tuple[str, ...], row: Row, columns: Columns) -> bool:
        """Whether the row's identifier is among them."""
        identifier = row[self.role]
        return identifier is not None and fold(identifier) in set(map(fold, value))


def longest_caseless(text: str) -> str:
    """Find the longest part of a text that reads the same in any case; empty if none is of any use.

    Examples
    --------
    >>> longest_caseless("ivo://org.gavo.dc/~?lamost6/mrs/58065/SYN25/60110398.fits")
    '25/60110398.'
    >>> longest_caseless("ivo://org.gavo.dc/x")
    ''
    """
    return max(_CASELESS.findall(text), key=len, default="")


PARAMETERS = (
    Parameter(
        name="PUBDID",
        title="P. DID",
        description="Dataset identifier assigned by the publisher.",
        rules={"ivoa": IvoaIdentifier("{obs_publisher_did}"), "dachs": Identifier("{obs_publisher_did}")},
        grammar="an identifier",
        python=identifiers,
        examples=("ivo://org.gavo.dc/~?lamost6/mrs/x",),
        roles=("obs_publisher_did",),
        section="4.1.2.12",
        ucd="meta.ref.ivoid",
        utype="ssa:Curation.PublisherDID",
        null="NULL never matches",
        takes_sequence=True,
    ),
    Parameter(
        name="CREATORDID",
        title="C. DID",
        description="Dataset identifier assigned by the creator.",
        rules={"ivoa": IvoaIdentifier("{obs_creator_did}"), "dachs": Identifier("{obs_creator_did}")},
        grammar="an identifier",
        python=identifiers,
        examples=("ivo://lamost.org/dr6/mrs?60100193102",),
        roles=("obs_creator_did",),
        section="4.1.2.13",
        ucd="meta.id",
        utype="ssa:DataID.CreatorDID",
        null="NULL never matches",
        takes_sequence=True,
    ),
)
