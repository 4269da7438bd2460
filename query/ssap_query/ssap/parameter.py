"""What a parameter is: its description, and for each dialect a rule to read, compile, check and explain a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

from ssap_mirror.errors import ParameterError

from ssap_query.ssap.columns import ALL_COLUMNS, Columns, Row
from ssap_query.ssap.predicate import Predicate
from ssap_query.ssap.values.python_text import Writer, plain_text

__all__ = ["Lazy", "Parameter", "Rule"]

V = TypeVar("V")


class Lazy(ParameterError):
    """An error that the reference server meets only when it evaluates the condition.

    It does not arise where another condition is false for every row (``FORMAT=xml``).
    """


class Rule(Protocol[V]):
    """How one dialect reads one parameter."""

    doc: ClassVar[str]
    """The rule in a sentence or two, for the documentation."""

    def parse(self, name: str, text: Any) -> V:
        """Read a non-empty value; raises `ParameterError`."""
        ...

    def compile(self, value: V, columns: Columns) -> Predicate | None:
        """Condition that selects the rows; None constrains nothing."""
        ...

    def covers(self, value: V, row: Row, columns: Columns) -> bool:
        """Whether a row is selected: the same as `compile`, in plain Python and by another way."""
        ...

    def words(self, value: V) -> str:
        """Say the value in words."""
        ...

    def needs(self, value: V) -> tuple[str, ...]:
        """Roles of the columns that the condition on this value reads."""
        ...


@dataclass(frozen=True)
class Parameter:
    """An input of the service."""

    name: str
    """Canonical name, upper case."""
    description: str
    """One sentence, for FORMAT=METADATA and documentation."""
    rules: Mapping[str, Rule[Any]] = field(repr=False)
    """Dialect -> rule."""
    grammar: str = "text"
    """What a value looks like in dialect ``ivoa``."""
    examples: tuple[str, ...] = ()
    """Valid values in dialect ``ivoa``."""
    roles: tuple[str, ...] = ()
    """Columns it is about; empty for parameters that steer the request."""
    instead: tuple[str, ...] = ()
    """Columns that say the same more directly, where a service has all of them; dialect ``ivoa``."""
    section: str = ""
    """Where the standard has it: a section of SSA 1.1, or the name of another document."""
    spelling: str = ""
    """The service's own spelling, where it is not the canonical one."""
    title: str = ""
    """A short head for people."""
    datatype: str = "char"
    """VOTable datatype of the INPUT parameter."""
    unit: str | None = None
    """VOUnits string."""
    ucd: str | None = None
    """UCD1+ words."""
    utype: str | None = None
    """Data-model path of the column it is about."""
    python: Writer = field(default=plain_text, repr=False)
    """Writes a Python value as the text that `parse` reads."""
    takes_sequence: bool = False
    """Whether a tuple of texts is a value too (a union)."""
    null: str = ""
    """What becomes of NULL and NaN."""

    @property
    def declared(self) -> str:
        """The name as the service declares it."""
        return self.spelling or self.name

    def compared(self, columns: Columns, dialect: str = "ivoa") -> tuple[str, ...]:
        """Roles of the columns that it is compared with; empty if the service cannot answer it.

        Parameters
        ----------
        columns : Columns
            What the service has.
        dialect : {'ivoa', 'dachs'}
            Whose rule.
        """
        if self.instead and dialect == "ivoa" and columns.present.issuperset(self.instead):
            return self.instead
        return self.roles if columns.present.issuperset(self.roles) else ()

    def parse(self, value: object, dialect: str) -> Any:
        """Read a non-empty value.

        Raises
        ------
        ParameterError
            With the name, the value and what is wrong with it.
        """
        if not isinstance(value, str) and not (isinstance(value, tuple) and self.takes_sequence):
            raise ParameterError(self.name, value, "is not text")
        return self.rules[dialect].parse(self.name, value)

    def compile(self, value: Any, dialect: str, columns: Columns = ALL_COLUMNS) -> Predicate | None:
        """Condition on the columns, or None where the value constrains nothing.

        Parameters
        ----------
        value : object
            What `parse` returned.
        dialect : {'ivoa', 'dachs'}
            Whose rule.
        columns : Columns
            What the service has.
        """
        return self.rules[dialect].compile(value, columns)

    def covers(self, value: Any, row: Row, dialect: str, columns: Columns = ALL_COLUMNS) -> bool:
        """Whether a row (role -> value) is selected, in plain Python."""
        return self.rules[dialect].covers(value, row, columns)

    def words(self, value: Any, dialect: str = "ivoa") -> str:
        """Say the constraint in words."""
        return self.rules[dialect].words(value)
