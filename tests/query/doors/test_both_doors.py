"""The same request through the command line, the server and Python gives the same rows."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import pytest
import ssap_query as ssap
from ssap_mirror.core.schema import Schema
from ssap_query.ssap import REGISTRY, Query, interpret
from ssap_query.ssap.request import SsapRequest

if TYPE_CHECKING:
    from .conftest import Run

# The requests whose SQL is golden (tests/query/test_compile.py), and one for what only a door does.
REQUESTS = {
    "cone": {"POS": "56.1,21.6", "SIZE": "3"},
    "cone_band_time_snr": {"POS": "56.1,21.6", "SIZE": "6", "BAND": "6.3e-7/6.8e-7", "SNR": "20/"},
    "cones": {"POS": "56.1,21.6,0,90", "SIZE": "2"},
    "galactic": {"POS": "165.5,-24.5;GALACTIC", "SIZE": "5"},
    "best": {"POS": "56.1,21.6", "SIZE": "4", "TOP": "5"},
    "limit": {"SNR": "20/50,100/", "MAXREC": "10"},
    "names": {"TARGETNAME": "star"},
    "pattern": {"WILDTARGET": "lamost j0[0-3]*"},
    "redshift": {"REDSHIFT": "0/0.01"},
    "identifier": {"PUBDID": "ivo://a/~?x'; DROP TABLE spectra"},
    "time": {"TIME": "2018-05"},
    "verb_1": {"REDSHIFT": "0.001/0.002", "VERB": "1"},
    "verb_3": {"REDSHIFT": "0.001/0.002", "VERB": "3"},
}


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("name", REQUESTS)
def test_same_rows(name: str, corpus_mirror: ssap.Mirror, base_url: str, run: Run) -> None:
    given = {"MAXREC": "400", **REQUESTS[name]}
    done = run("query", "-m", "corpus", *(word for key, value in given.items() for word in (f"--{key.lower()}", value)))
    assert done.returncode == 0, done.stderr
    served = httpx.get(f"{base_url}/corpus/ssap", params={"REQUEST": "queryData", "RESPONSEFORMAT": "csv", **given})
    found = corpus_mirror.ssap(urlencode({"REQUEST": "queryData", **given}))
    assert rows_of(done.stdout) == rows_of(served.text)
    shown = rows_of(served.text)
    assert shown[0] == list(found.schema.names)
    at = shown[0].index("mobsid")
    assert [row[at] for row in shown[1:]] == found.to_arrow()["mobsid"].to_pylist()
    assert served.headers["X-Query-Status"] == found.status
    assert ("OVERFLOW" in done.stderr) == (found.status == "OVERFLOW")


def test_not_all_of_them_are_empty(corpus_mirror: ssap.Mirror) -> None:
    counts = [len(corpus_mirror.ssap(urlencode({"REQUEST": "queryData", **given}))) for given in REQUESTS.values()]
    assert sum(count > 0 for count in counts) >= 10


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POS", "400,95"),
        ("POS", "12"),
        ("SIZE", "wide"),
        ("SIZE", "-1"),
        ("BAND", "blue-ish"),
        ("TIME", "yesterday"),
        ("SNR", "20/10/5"),
        ("MAXREC", "-3"),
        ("VERB", "9"),
        ("TOP", "1.5"),
    ],
)
def test_bad_values_get_the_same_sentence(name: str, value: str, base_url: str, run: Run) -> None:
    words = {"POS": "1,1", name: value}
    done = run("query", "-m", "corpus", *(word for key, text in words.items() for word in (f"--{key.lower()}", text)))
    assert done.returncode == 2
    assert done.stdout == ""
    sentence = done.stderr.strip()
    typed = f"ssap-mirror: --{name.lower()}: "
    assert sentence.startswith(f"{typed}{value!r} ")
    assert "\n" not in sentence
    served = httpx.get(f"{base_url}/corpus/ssap", params={"REQUEST": "queryData", **words})
    assert served.status_code == 200
    assert 'name="QUERY_STATUS" value="ERROR"' in served.text
    said = f"{name}: {sentence.removeprefix(typed)}"
    assert said.replace("&", "&amp;").replace("<", "&lt;") in served.text


def test_every_door_interprets_a_request_once(
    corpus_mirror: ssap.Mirror, base_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[SsapRequest] = []

    def counted(request: SsapRequest, schema: Schema, **options: Any) -> Query:
        seen.append(request)
        return interpret(request, schema, **options)

    monkeypatch.setattr("ssap_query.mirror.answer.interpret", counted)
    pairs = {"REQUEST": "queryData", **REQUESTS["cone"], "VERB": "1", "RESPONSEFORMAT": "csv"}
    text = urlencode(pairs)
    doors = [
        lambda: run("query", "-m", "corpus", "--request", text).stdout,
        lambda: run("query", "-m", "corpus", "--request", text, "--explain").stdout,
        lambda: httpx.get(f"{base_url}/corpus/ssap", params=pairs).text,
        lambda: httpx.get(f"{base_url}/corpus/rows.json", params=pairs).text,
        lambda: corpus_mirror.ssap(text).response_format,
    ]
    for number, ask in enumerate(doors, 1):
        assert ask(), number
        assert len(seen) == number
    assert {request.values["POS"] for request in seen} == {pairs["POS"]}


def test_every_parameter_is_an_option(run: Run) -> None:
    shown = run("query", "--help").stdout
    own = {"REQUEST", "RESPONSEFORMAT", "COMPRESS", "RUNID", "FORMAT"}
    for parameter in REGISTRY:
        if parameter.name not in own:
            assert f"--{parameter.name.lower()} " in shown
    assert "--mime " in shown
