"""The grammar of ADQL 2.1 and 2.0: text to a syntax tree of known parts, and nothing else.

The parser is sqlglot's, with the words of ADQL for its keywords; what a query may be made of is a list of parts below.
"""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp, parse, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.tokenizer_core import TokenType

from ssap_query.adql.errors import AdqlError

__all__ = ["MAX_CHARACTERS", "parse_query"]

#: Longest query that is read.
MAX_CHARACTERS = 200_000

_KNOWN_WORDS = tokens.Tokenizer.KEYWORDS
_WORDS = [
    "ALL",
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "CASE",
    "CROSS",
    "DESC",
    "DISTINCT",
    "ELSE",
    "END",
    "ESCAPE",
    "EXCEPT",
    "EXISTS",
    "FALSE",
    "FROM",
    "FULL",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INTERSECT",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "NATURAL",
    "NOT",
    "NULL",
    "OFFSET",
    "ON",
    "OR",
    "OUTER",
    "RIGHT",
    "SELECT",
    "THEN",
    "TRUE",
    "UNION",
    "USING",
    "WHEN",
    "WHERE",
    "WITH",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "REAL",
    "DOUBLE",
    "CHAR",
    "VARCHAR",
    "TIMESTAMP",
    "||",
    ">=",
    "<=",
    "<>",
    "!=",
]
_PHRASES = ("GROUP BY", "ORDER BY", "DOUBLE PRECISION")
_CLAUSES = (
    TokenType.WHERE,
    TokenType.GROUP_BY,
    TokenType.HAVING,
    TokenType.ORDER_BY,
    TokenType.OFFSET,
)

# What other dialects of SQL have, and what it is called here.
_FOREIGN = {
    "LIMIT": "ADQL has no LIMIT: write SELECT TOP n",
    "FETCH": "ADQL has no FETCH: write SELECT TOP n",
    "INTO": "nothing is written here",
    "OVER": "ADQL has no window functions",
}

# Nodes of a query; everything else that sqlglot knows is no part of ADQL.
_PARTS: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery, exp.With, exp.CTE, exp.From, exp.Join,
        exp.Table, exp.TableAlias, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset,
        exp.Distinct, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.HexString, exp.Boolean,
        exp.Null, exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.BitwiseAnd, exp.BitwiseOr,
        exp.BitwiseXor, exp.BitwiseNot, exp.DPipe, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.And, exp.Or,
        exp.Not, exp.Between, exp.In, exp.Like, exp.ILike, exp.Escape, exp.Is, exp.Exists, exp.Case, exp.If, exp.Cast,
        exp.DataType, exp.DataTypeParam, exp.Anonymous,
    }
)  # fmt: skip

_PREDICATES = (
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE),
    *(exp.Between, exp.In, exp.Like, exp.ILike, exp.Is, exp.Exists),
)
_OPERANDS = ("this", "expression", "low", "high")


class Adql(Dialect):
    """ADQL for sqlglot: no function is known to the parser, for all of them are looked up in one place later."""

    # As PostgreSQL orders, on which most TAP services run: NULL is larger than anything.
    NULL_ORDERING = "nulls_are_large"

    class Tokenizer(tokens.Tokenizer):
        """Words of ADQL."""

        KEYWORDS: ClassVar = {word: _KNOWN_WORDS[word] for word in (*_WORDS, *_PHRASES)} | {"TOP": TokenType.TOP}
        COMMENTS: ClassVar = ["--"]
        HEX_STRINGS: ClassVar = [("0x", ""), ("0X", "")]

    class Parser(parser.Parser):
        """Clauses of ADQL."""

        FUNCTIONS: ClassVar = {}
        NO_PAREN_FUNCTIONS: ClassVar = {}
        FUNCTION_PARSERS: ClassVar = {"CAST": parser.Parser.FUNCTION_PARSERS["CAST"]}
        NO_PAREN_FUNCTION_PARSERS: ClassVar = {"CASE": parser.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"]}
        QUERY_MODIFIER_PARSERS: ClassVar = {token: parser.Parser.QUERY_MODIFIER_PARSERS[token] for token in _CLAUSES}
        QUERY_MODIFIER_TOKENS: ClassVar = set(_CLAUSES)


def parse_query(text: str) -> exp.Query:
    """Read a query.

    Parameters
    ----------
    text : str
        ADQL.

    Returns
    -------
    sqlglot.expressions.Query
        A SELECT or a set operation, made of nothing but the parts that ADQL has.

    Raises
    ------
    AdqlError
        If it is not one query of ADQL.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"is longer than {MAX_CHARACTERS:,} characters"
        raise AdqlError(message)
    try:
        trees = parse(text.strip().removesuffix(";"), read=Adql)
    except ParseError as error:
        raise AdqlError(_told(error, text)) from None
    except SqlglotError as error:
        message = f"cannot be read: {' '.join(str(error).split())}"
        raise AdqlError(message) from None
    except RecursionError:
        message = "is nested too deeply"
        raise AdqlError(message) from None
    if len(trees) != 1:
        message = f"is {len(trees)} statements, not one"
        raise AdqlError(message)
    tree = trees[0]
    if not isinstance(tree, exp.Query) or isinstance(tree, exp.Table):
        message = "is no query: it has to begin with SELECT or WITH"
        raise AdqlError(message)
    for node in tree.walk():
        if type(node) not in _PARTS:
            message = f"has a part that ADQL does not have: {type(node).__name__.upper()}, {node.sql()[:60]!r}"
            raise AdqlError(message)
        if isinstance(node, exp.Identifier) and not node.name:
            message = "has a name without any character"
            raise AdqlError(message)
        if isinstance(node, exp.Group) and not node.expressions:
            message = "groups by nothing"
            raise AdqlError(message)
        if isinstance(node, _PREDICATES) and any(_is_predicate(node.args.get(operand)) for operand in _OPERANDS):
            message = f"compares the outcome of a comparison: {node.sql()[:60]!r}"
            raise AdqlError(message)
    return tree


def _is_predicate(operand: object) -> bool:
    """Whether an operand is itself a condition, without parentheses; ADQL compares values (ADQL 2.1 §2.2.3)."""
    return isinstance(operand, (*_PREDICATES, exp.Not, exp.Escape))


def _told(error: ParseError, text: str) -> str:
    first = error.errors[0] if error.errors else {}
    at = f" at line {first['line']}, column {first['col']}: {first['highlight']!r}" if first.get("line") else ""
    words = {word.upper() for word in text.replace("(", " ").split()}
    hint = next((f" ({said})" for word, said in _FOREIGN.items() if word in words), "")
    return f"cannot be read{at}{hint or ', ' + str(first.get('description', error)).rstrip('.').lower()}"
