"""Ask a mirror of the server's own rows what the server was asked, and compare the answers.

Run as ``.venv/bin/python scripts/corpus/replay.py TABLE.parquet ANSWERS.jsonl.gz``: the rows as
``scripts/dachs/rows.py`` writes them, the answers as `record.py` does (also while it is still at work: its ``.part``).
Prints the tally and every disagreement; the exit code is 1 if there is one.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import ssap_query
from ssap_mirror import build_mirror
from ssap_mirror.core.schema import Schema
from ssap_mirror.errors import ParameterError
from ssap_mirror.pipeline.known_services import lamost6_mrs

from scripts.corpus.answers import IDENTITY

#: Parts of the messages with which the server fails on good requests: FORMAT=graphic breaks its quoting, a list of
#: dates its conversion, a busy machine its time limit.
SERVER_FAILURES = (
    "dict is not a sequence",
    "argument formats can't be mixed",
    "'set' object has no attribute 'month'",
    "Query timed out",
)


def served_table(rows: pa.Table, schema: Schema) -> pa.Table:
    """Columns as answers have them; those that only answers have are made as the service makes them.

    Parameters
    ----------
    rows
        The database's columns, under the service's names.
    schema
        The service's columns.
    """
    columns = []
    for column in schema:
        kind = column.arrow_type()
        if column.name == "ssa_score":
            columns.append(pa.array(np.zeros(len(rows), np.float32)))
        elif column.name == "preview":
            columns.append(pc.binary_join_element_wise(rows["accref"].combine_chunks(), "?preview=True", ""))
        else:
            columns.append(rows[column.name].combine_chunks().cast(kind))
    return pa.table(columns, schema=schema.arrow_schema())


def open_mirror(rows: pa.Table, home: Path) -> ssap_query.Mirror:
    """Build a mirror of a server's rows and open it."""
    name, schema = "replayed", lamost6_mrs()
    build_mirror(
        served_table(rows, schema).to_batches(),
        schema,
        home / name,
        title="Rows of a server",
        synthetic=True,
        source={"kind": "file", "url": "database"},
    )
    return ssap_query.open(name, home)


def verdict(answer: dict[str, Any], mirror: ssap_query.Mirror) -> str:
    """Say what became of one request: a word for the tally, ``wrong: ...`` where mirror and server disagree."""
    request = answer["raw"] if "raw" in answer else [(name, value) for name, value in answer["params"]]
    message = answer.get("message") or ""
    refused = answer.get("query_status") == "ERROR"
    try:
        found = mirror.ssap(request, "dachs")
    except ParameterError as error:
        return "error" if refused else f"wrong: {error}"
    if refused:
        failed = any(failure in message for failure in SERVER_FAILURES)
        return "answered where the server fails" if failed else f"wrong: no error, but the server says {message!r}"
    if message == "OK":
        return "metadata" if found.inputs else "wrong: not metadata"
    if answer.get("count") is None:
        return "not recorded (formats without rows)"
    if len(found.schema) == 1:  # getTargetNames
        return "target names" if answer["count"] == len(found) else "wrong: number of target names"
    if "fields" in answer and set(found.schema.names) != set(answer["fields"]):
        return f"wrong: {len(found.schema)} columns for {len(answer['fields'])}"
    told = answer.get("query_status") or found.status  # CSV does not tell
    if len(found) != answer["count"] or found.status != told:
        return f"wrong: {len(found)} rows and {found.status} for {answer['count']} and {told}"
    if found.truncated:
        return "overflow"  # which rows are left out is arbitrary
    ids = sorted(found.to_arrow()[IDENTITY].to_pylist())
    same = sorted(answer[IDENTITY]) == ids if IDENTITY in answer else _digest(ids) == answer[f"{IDENTITY}_sha256"]
    return "rows" if same else f"wrong: other rows, {len(ids)} of them"


def _digest(ids: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def replay(answers: Iterable[dict[str, Any]], mirror: ssap_query.Mirror) -> tuple[Counter[str], list[str]]:
    """Compare answers.

    Parameters
    ----------
    answers
        What `record.py` writes, with the request in each.
    mirror
        Of the same rows.

    Returns
    -------
    Counter
        Word -> how many requests.
    list of str
        The disagreements, a sentence each.
    """
    tally: Counter[str] = Counter()
    wrong = []
    for answer in answers:
        word = verdict(answer, mirror)
        tally[word.partition(":")[0]] += 1
        if word.startswith("wrong"):
            wrong.append(f"{answer['id']} {word}: {answer.get('raw') or answer['params']}")
    return tally, wrong


def read_answers(path: Path) -> Iterator[dict[str, Any]]:
    """Read what `record.py` has written, packed or not."""
    packed = path.suffix == ".gz"
    with gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):  # else it is being written
                yield json.loads(line)


def main() -> None:
    """Replay and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("answers", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        tally, wrong = replay(read_answers(options.answers), open_mirror(pq.read_table(options.table), Path(home)))
    print(f"{tally.total():,} requests, {len(wrong)} disagreements")
    for word, count in tally.most_common():
        print(f"{count:7,}  {word}")
    for sentence in wrong:
        print(sentence)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
