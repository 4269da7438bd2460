"""Identifiers are equal in any case, however they are looked for."""

from __future__ import annotations

import duckdb
import pytest
from ssap_mirror.core.schema import Column, Schema
from ssap_query.ssap import parameter
from ssap_query.ssap.columns import Columns
from ssap_query.ssap.params.identifiers import longest_caseless

VALUES = [
    "ivo://a/~?x1234/K", "IVO://A/~?X1234/k", "ivo://a/~?x1234/\u212a", "ivo://a/~?x1234/k ", "ivo://a/~?x1235/K",
    "ivo://a/~?x1234", "1234/k", "ivo://org.gavo.dc/x", "IVO://ORG.GAVO.DC/X", "\u0130vo://a/~?x1234/K", "", "ivo://%/_____",
    "IVO://%/_____", "ivo://\u00fc/0000", "ivo://\u00dc/0000", "123456", "'; DROP 0000",
]  # fmt: skip


@pytest.mark.parametrize("dialect", ["ivoa", "dachs"])
@pytest.mark.parametrize("asked", [*((value,) for value in VALUES), tuple(VALUES[::3]), tuple(VALUES)])
def test_what_is_found(asked: tuple[str, ...], dialect: str) -> None:
    rule = parameter("PUBDID").rules[dialect]
    columns = Columns.of(Schema((Column("did", "char", "*", utype="ssa:Curation.PublisherDID"),)))
    predicate = rule.compile(asked, columns)
    assert predicate is not None
    con = duckdb.connect()
    con.execute("CREATE TABLE rows (did VARCHAR)")
    con.executemany("INSERT INTO rows VALUES (?)", [[value] for value in [*VALUES, None]])
    sql = predicate.sql.replace("{obs_publisher_did}", "did")
    values = [list(value) if isinstance(value, tuple) else value for value in predicate.values]
    found = con.execute(f"SELECT did FROM rows WHERE {sql}", values).fetchall()
    expected = [value for value in VALUES if rule.covers(asked, {"obs_publisher_did": value}, columns)]
    assert sorted(row[0] for row in found) == sorted(expected)
    assert expected


@pytest.mark.parametrize(
    ("text", "part"),
    [("ivo://a/~?x1234/k", "1234/"), ("ivo://a", ""), ("a1234b567890", "567890"), ("ABC", ""), ("", "")],
)
def test_the_part_that_has_no_case(text: str, part: str) -> None:
    assert longest_caseless(text) == part
