"""The same queries in ADQL to a real DaCHS server and to a mirror of its rows: the answers are the same."""

from __future__ import annotations

import csv
import io
import math
import os
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pyarrow as pa
import pytest
import ssap_query as ssap
from astropy.io import votable
from astropy.table import Table
from ssap_mirror.errors import ParameterError
from ssap_mirror.pipeline.sync import sync
from ssap_mirror.sources.source import RequestPolicy

from tests.support.adql_questions import Question, questions, upload_rows

# Five minutes of a busy server: run by hand.
pytestmark = [pytest.mark.dachs, pytest.mark.xdist_group("dachs"), pytest.mark.timeout(1800), pytest.mark.slow]

SEED, COUNT = 27_182, 300
#: What DaCHS 2.7 on PostgreSQL 15 says of queries that it does not take, or fails on, and why.
SERVER_FAILS = {
    "Could not parse": "its grammar is that of ADQL 2.0 with parts of 2.1",
    "No such function": "it has other user-defined functions",
    "does not exist": "a type or function that its PostgreSQL lacks",
    "timed out": "the server has a limit of its own",
    "No VOTable type for": "it finds no type for text of a free length that a CAST makes",
}
Rows = list[tuple[object, ...]]


@pytest.fixture(scope="module")
def root() -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(os.environ["SSAP_MIRROR_DACHS"]))


@pytest.fixture(scope="module")
def mirror(root: str, tmp_path_factory: pytest.TempPathFactory) -> ssap.Mirror:
    home: Path = tmp_path_factory.mktemp("dachs")
    sync("lamost6-lrs", source=f"{root}/tap", home=home, policy=RequestPolicy(job_rows=200_000))
    return ssap.open("lamost6-lrs", home)


def theirs(root: str, question: Question, mine: bytes) -> Rows | str:
    """Rows of the server's answer as text, or what it says is wrong.

    Its VOTables declare some types that their values do not have (``int`` for an average), so it is asked for CSV.
    """
    asked = {"LANG": "ADQL", "QUERY": question.text.format(table="lamost6.ssa_lrs"), "MAXREC": "100000"}
    files = {"mine": ("mine.vot", mine)} if question.uploads else None
    if question.uploads:
        asked["UPLOAD"] = "mine,param:mine"
    answer = httpx.post(f"{root}/tap/sync", data={**asked, "FORMAT": "csv"}, files=files, timeout=300)
    if "<VOTABLE" in answer.text:
        document = votable.parse(io.BytesIO(answer.content), verify="ignore")
        return "; ".join(str(info.content) for info in document.resources[0].infos if info.value == "ERROR")
    return [tuple(map(plain, row)) for row in list(csv.reader(io.StringIO(answer.text)))[1:]]


def ours(mirror: ssap.Mirror, question: Question, mine: pa.Table) -> Rows | str:
    try:
        found = mirror.adql(question.text.format(table="spectra"), {"mine": mine} if question.uploads else None)
    except ParameterError as error:
        return str(error)
    table = found.to_arrow()
    return [tuple(map(plain, row)) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]


def plain(value: object) -> object:
    """Value as both can show it: an empty text is a missing one in CSV, and so is a NaN."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return None if value in ("", "None", "nan") else value


def same(one: object, other: object) -> bool:
    """Whether a value of ours is what a text of theirs says."""
    if isinstance(one, (int, float)) and isinstance(other, str):
        try:
            return math.isclose(one, float(other), rel_tol=2e-6, abs_tol=1e-9)
        except ValueError:
            return False
    return one == other


def differ(found: Rows, expected: Rows, *, ordered: bool) -> str | None:
    if not ordered:
        found, expected = (sorted(rows, key=lambda row: [str(cell) for cell in row]) for rows in (found, expected))
    if len(found) != len(expected):
        return f"{len(found)} rows for {len(expected)}: {list((Counter(found) - Counter(expected)).items())[:3]}"
    for one, other in zip(found, expected, strict=True):
        if len(one) != len(other) or not all(map(same, one, other)):
            return f"{one} for {other}"
    return None


def test_answers_are_the_same(root: str, mirror: ssap.Mirror) -> None:
    known = mirror.sql("SELECT ra, dec FROM spectra WHERE ra IS NOT NULL AND dec IS NOT NULL ORDER BY obsid").to_arrow()
    places = list(zip(known["ra"].to_pylist(), known["dec"].to_pylist(), strict=True))[::7]
    mine = pa.table(upload_rows(places, SEED))
    document = io.BytesIO()
    Table.from_pandas(mine.to_pandas()).write(document, format="votable")
    wrong, outcomes = [], Counter()
    for question in questions(places, COUNT, SEED):
        expected, found = theirs(root, question, document.getvalue()), ours(mirror, question, mine)
        if isinstance(expected, str):
            if not any(words in expected for words in SERVER_FAILS):
                wrong.append(f"the server refuses: {question.text}: {expected}")
            outcomes["refused by the server"] += 1
        elif isinstance(found, str):
            wrong.append(f"we refuse: {question.text}: {found}")
        elif what := differ(found, expected, ordered=question.ordered):
            wrong.append(f"{question.kind}: {question.text}: {what}")
        else:
            outcomes["the same, no rows" if not expected else "the same"] += 1
    print(dict(outcomes))
    assert wrong == []
    assert outcomes["the same"] > COUNT / 2
    assert outcomes["refused by the server"] < COUNT / 10


def test_nan_is_above_all_numbers_there_and_missing_here(root: str, mirror: ssap.Mirror) -> None:
    """The one difference that is meant (RULES.md, ADQL)."""
    question = Question("NaN", "SELECT obsid FROM {table} WHERE ssa_snr > 30 AND fiberid < 12")
    nan = (
        mirror.sql("SELECT obsid FROM spectra_raw WHERE isnan(ssa_snr) AND fiberid < 12")
        .to_arrow()["obsid"]
        .to_pylist()
    )
    there, here = theirs(root, question, b""), ours(mirror, question, pa.table({}))
    assert sorted(int(row[0]) for row in there) == sorted([*(row[0] for row in here), *nan])
