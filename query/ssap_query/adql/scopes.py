"""What the names in a query mean: tables of a FROM, their columns, and those of the queries around."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp
from ssap_mirror.core.schema import Column

from ssap_query.adql.errors import AdqlError
from ssap_query.adql.tables.table import AdqlTable
from ssap_query.ssap.values.cones import Region

__all__ = ["NamedQuery", "Output", "Scope", "Source", "Value", "column_sql", "identifier"]


@dataclass(frozen=True)
class Value:
    """An expression in SQL, and what is known of it."""

    sql: exp.Expr
    """The expression."""
    column: Column | None = None
    """What it means where that is known: a plain column of a table, an angle in degrees, a point."""
    is_condition: bool = False
    """Whether the SQL is true or false where ADQL has 1 or 0."""

    def named(self, name: str) -> Column | None:
        """Give what is known of it, under another name."""
        return None if self.column is None else replace(self.column, name=name)


@dataclass(frozen=True)
class Output:
    """A column that a table or a query gives."""

    name: str
    """What it is called in ADQL."""
    sql_name: str
    """What it is called in SQL, once in a query."""
    column: Column | None
    """What is known of it."""


@dataclass(frozen=True)
class NamedQuery:
    """A query that WITH gives a name."""

    sql_name: str
    """What it is called in SQL, once in a statement."""
    outputs: Sequence[Output]
    """Its columns."""
    rows: int | None
    """How many rows it gives, about."""


@dataclass(eq=False)
class Source:
    """A table or a query in a FROM."""

    alias: str
    """Its name in SQL, once in a statement."""
    qualifiers: frozenset[str]
    """What may stand before its columns, in lower case."""
    outputs: Sequence[Output]
    """Its columns."""
    rows: int | None
    """How many rows it has, about; None if that cannot be told."""
    table: AdqlTable | None = None
    """The table, if it is one."""
    node: exp.Expr = field(default_factory=exp.Null)
    """What stands in the FROM for it."""
    region: Region | None = None
    """Where on the sky its rows have to be for the query to need them; None is anywhere."""
    has_cells: bool = False
    """Whether its rows are repeated for each cell about them, for a join by distance."""

    def find(self, name: str) -> Output | None:
        """Column of a name in lower case.

        Raises
        ------
        AdqlError
            If it has two of them.
        """
        found = [output for output in self.outputs if output.name.lower() == name]
        if len(found) > 1:
            message = f"names a column {name!r} of which a query in it gives {len(found)}"
            raise AdqlError(message)
        return found[0] if found else None

    def value(self, output: Output) -> Value:
        """Column as an expression."""
        return Value(column_sql(self.alias, output.sql_name), output.column)


@dataclass
class Scope:
    """Names of one SELECT, and of those around it."""

    around: Scope | None = None
    """The SELECT that this one is an expression of."""
    named: Mapping[str, NamedQuery] = field(default_factory=dict)
    """Queries of WITH, by name in lower case."""
    sources: list[Source] = field(default_factory=list)
    """What its FROM has, from left to right."""
    merged: dict[str, Value] = field(default_factory=dict)
    """Columns that USING and NATURAL have made one of, by name in lower case."""

    def column(self, node: exp.Column) -> Value:
        """Find what a column's name means.

        Raises
        ------
        AdqlError
            If no table has it, or several do.
        """
        name = node.name.lower()
        qualifier = ".".join(part.name for part in node.parts[:-1]).lower()
        scope: Scope | None = self
        while scope is not None:
            found = scope._own(name, qualifier)
            if found is not None:
                return found
            scope = scope.around
        message = f"names a column {node.sql()!r} that none of its tables has{self._nearby(name)}"
        raise AdqlError(message)

    def _own(self, name: str, qualifier: str) -> Value | None:
        if not qualifier and name in self.merged:
            return self.merged[name]
        chosen = [source for source in self.sources if not qualifier or qualifier in source.qualifiers]
        found = [(source, output) for source in chosen if (output := source.find(name)) is not None]
        if len(found) > 1:
            message = f"names a column {name!r} that {len(found)} of its tables have: say which one is meant"
            raise AdqlError(message)
        return found[0][0].value(found[0][1]) if found else None

    def stars(self, qualifier: str = "") -> Iterator[tuple[str, Value]]:
        """All columns, as ``*`` or ``qualifier.*`` gives them: those that were made one of first.

        Raises
        ------
        AdqlError
            If no table is called so.
        """
        chosen = [source for source in self.sources if not qualifier or qualifier in source.qualifiers]
        if not chosen:
            message = f"asks for all columns of {qualifier or 'no table'!r}, which is none of its tables"
            raise AdqlError(message)
        if not qualifier:
            yield from self.merged.items()
        for source in chosen:
            for output in source.outputs:
                if qualifier or output.name.lower() not in self.merged:
                    yield output.name, source.value(output)

    def _nearby(self, name: str) -> str:
        import difflib

        known = {output.name for source in self.sources for output in source.outputs}
        close = difflib.get_close_matches(name, known, 3)
        return f" (there is {', '.join(close)})" if close else ""


def identifier(name: str) -> exp.Identifier:
    """Name in double quotes, so that no word of SQL is mistaken for something else."""
    return exp.to_identifier(name, quoted=True)


def column_sql(alias: str, name: str) -> exp.Column:
    """Column of a source."""
    return exp.Column(this=identifier(name), table=identifier(alias))
