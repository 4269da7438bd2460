"""Names of targets: words as PostgreSQL sees them, shell patterns in both dialects."""

from __future__ import annotations

import json
import sys
import time

import duckdb
import pytest
from ssap_mirror.errors import ParameterError
from ssap_query.ssap import parameter
from ssap_query.ssap.parameter import Lazy
from ssap_query.ssap.postgres.fulltext import lexemes, read_query
from ssap_query.ssap.postgres.patterns import dachs_pattern, ivoa_pattern
from ssap_query.ssap.values.string_lists import fold

from tests.support.paths import DATA

# Each line: a text, and what to_tsvector('english', text) of PostgreSQL 15 (locale C.UTF-8) holds.
LEXEMES = DATA / "postgresql_lexemes.jsonl"


def test_lexemes_are_those_of_postgresql() -> None:
    cases = [json.loads(line) for line in LEXEMES.read_text("utf-8").splitlines()]
    wrong = {text: (expected, sorted(lexemes(text))) for text, expected in cases if lexemes(text) != set(expected)}
    assert not wrong
    assert len(cases) > 900


@pytest.mark.parametrize("part", ["a/", "a-", "a_", "a.b_", "a@", "~/", "./", "../", "1_", "<!--", "<a '", "é-"])
def test_tokens_of_long_texts_take_no_recursion_and_little_time(part: str) -> None:
    text = part * (5000 // len(part))
    taken = time.process_time()
    lexemes(text)
    assert time.process_time() - taken < 2
    with pytest.raises(ParameterError, match="characters"):
        parameter("TARGETNAME").parse(text * 3, "dachs")


def test_many_searches_match_what_each_matches() -> None:
    names = [f"{word} {number}" for word in ("NGC", "running stars", "LAMOST J0004") for number in range(40)]
    text = ",".join([*(str(number) for number in range(0, 40, 2)), "NGC 1", "the", "run 3", "j0004 5", "nothing"])
    queries = parameter("TARGETNAME").parse(text, "dachs")
    assert len(queries) == 25
    condition = parameter("TARGETNAME").compile(queries, "dachs")
    assert condition is not None
    (values,) = condition.values
    expected = sorted(name for name in names if any(query.matches(name) for query in queries))
    assert sorted(values.select(names)) == expected
    assert 0 < len(expected) < len(names)


@pytest.mark.parametrize(
    ("query", "name", "matches"),
    [
        ("running star", "The Stars run", True),
        ("NGC", "NGC 1234", True),
        ("NGC", "NGC1234", False),
        ("1234 ngc", "NGC 1234", True),
        ("the", "the", False),
        ("***", "***", False),
        ("LAMOST", "LAMOST J000420.41+343551.4", True),
        ("j000420.41", "LAMOST J000420.41+343551.4", True),
        ("343551.4", "LAMOST J000420.41+343551.4", False),
        ("a-b", "a-b c", True),
        ("dying", "die", True),
    ],
)
def test_searches(query: str, name: str, *, matches: bool) -> None:
    found = read_query(query)
    assert found.matches(name) is matches
    assert found.select(["other", name]) == ([name] if matches else [])


def test_a_search_without_words_selects_nothing(tables) -> None:
    table, param = tables["single"], parameter("TARGETNAME")
    for text in ("the", "?", " "):
        assert table.select(param.compile(param.parse(text, "dachs"), "dachs")) == []


def test_folding_is_that_of_duckdb() -> None:
    characters = [chr(c) for c in range(1, sys.maxunicode + 1) if not 0xD800 <= c <= 0xDFFF]
    found = duckdb.connect().execute("SELECT list_transform(?::VARCHAR[], lambda c: lower(c))", [characters]).fetchone()
    assert found is not None
    different = [c for c, lower in zip(characters, found[0], strict=True) if fold(c) != lower]
    # What is left are letters that one of the two Unicode versions does not know.
    assert len(different) < 200
    assert all(ord(c) > 0x0600 for c in different)


IVOA_PATTERNS = [
    ("NGC*", ["NGC", "NGC 1234"], ["xNGC", "ngc"]),
    ("NGC 12??", ["NGC 1234"], ["NGC 123", "NGC 12345"]),
    ("[a-c]x", ["ax", "bx", "cx"], ["dx", "-x", "x", "axx"]),
    ("[!a-c]x", ["dx", "\nx"], ["ax"]),
    ("[]a]", ["]", "a"], ["[", "]a"]),
    ("[a-]", ["a", "-"], ["b"]),
    (r"\*\[", ["*["], ["*", "x["]),
    (r"[\]a]", ["]", "a"], ["\\"]),
    ("*", ["", "x", "a\nb"], []),
    ("a.b", ["a.b"], ["axb"]),
    ("", [""], ["x"]),
]


@pytest.mark.parametrize(("pattern", "yes", "no"), IVOA_PATTERNS)
def test_shell_patterns_match_the_whole_name(pattern: str, yes: list[str], no: list[str]) -> None:
    found = ivoa_pattern("WILDTARGETCASE", pattern, ignore_case=False)
    assert [name for name in yes + no if found.matches(name)] == yes
    folded = ivoa_pattern("WILDTARGET", pattern.upper(), ignore_case=True)
    assert all(folded.matches(name) for name in yes)


DACHS_PATTERNS = [
    ("GC", "NGC 1234", True),
    ("star", "star*", True),
    ("[a-c]", "b", False),  # no ranges: a, -, c
    ("[a-c]", "x-y", True),
    (r"[\d]", "D", True),
    (r"[a\]b]", r"\b]", True),  # the escape ends the set
    (r"[\]", "[]", True),
    ("[", "x[y", True),
    ("ä", "Ä", True),
    ("ß", "SS", False),
    ("İ", "i", True),
    ("i", "İ", False),
    ("a\tb", "a       b", True),  # tabs become blanks up to the next eighth column
    ("two?lines", "two\nlines", True),
    ("*", "", True),
]


@pytest.mark.parametrize(("pattern", "name", "matches"), DACHS_PATTERNS)
def test_the_reference_servers_patterns(pattern: str, name: str, *, matches: bool) -> None:
    found = dachs_pattern("WILDTARGET", pattern, ignore_case=True)
    assert found.matches(name) is matches
    sql = "SELECT regexp_matches(?, ?, 's')"
    assert duckdb.connect().execute(sql, [name, found.regex()]).fetchone() == (matches,)


@pytest.mark.parametrize("pattern", ["[", "[a", "[]", "[b-a]", "a\\", "x" * 5001])
def test_bad_shell_patterns_are_told(pattern: str) -> None:
    with pytest.raises(ParameterError):
        ivoa_pattern("WILDTARGET", pattern, ignore_case=True)


@pytest.mark.parametrize("pattern", ["[]", "[!]", "[]]", "[[:alpha:]]", "a[]b"])
def test_sets_that_postgresql_does_not_take_are_errors_only_if_rows_are_looked_at(pattern: str) -> None:
    with pytest.raises(Lazy):
        dachs_pattern("WILDTARGET", pattern, ignore_case=False)


def test_the_longest_pattern_compiles() -> None:
    for text in ("x" * 5000, "Ä*" * 2500, "?" * 5000, "[abc]" * 1000):
        for pattern in (
            ivoa_pattern("WILDTARGET", text, ignore_case=True),
            dachs_pattern("WILDTARGET", text, ignore_case=True),
        ):
            duckdb.connect().execute("SELECT regexp_matches('x', ?, 's')", [pattern.regex()]).fetchone()
