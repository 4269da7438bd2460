"""Ask a mirror of made-up rows what nobody in their right mind would ask, and watch what happens.

Run as ``.venv/bin/python scripts/fuzz 100000 --seed 1``. Each request has to end in an answer or in a
`ParameterError` within two seconds of processor time; no word of it may reach the text of a statement; nothing may be
written. The same count and seed give the same requests. The exit code is 1 if any of that fails.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
import re
import string
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import duckdb
import ssap_query
from ssap_mirror.build.snapshot import BuildInfo, build_snapshot
from ssap_mirror.core.schema import Schema
from ssap_mirror.core.snapshots import make_live
from ssap_mirror.errors import ParameterError
from ssap_mirror.pipeline.known_services import lamost6_mrs
from ssap_query.ssap import REGISTRY
from ssap_query.ssap.request import DIALECTS

# A value that is repeated again and again grows no longer than this.
_LONGEST = 10_000_000
#: No request may take longer [s of processor time].
LIMIT_S = 2.0
_NAMES = tuple(parameter.name for parameter in REGISTRY)
_SQL = (
    *(
        "'",
        '"',
        "''",
        "--",
        "/*",
        "*/",
        ";",
        "\\",
        "$$",
        "?",
        "$1",
        ":a",
        "%s",
        "%(x)s",
        "{snr}",
        "{",
        "}",
        "{0}",
        "{}",
    ),
    *("' OR 1=1 --", "; DROP TABLE spectra", "'; COPY spectra TO 'stolen.csv'; --", ") UNION SELECT 42 --"),
    *(
        "ATTACH 'stolen.db'",
        "INSTALL httpfs",
        "read_csv('/etc/passwd')",
        "getenv('HOME')",
        "pg_sleep(60)",
        "1e400::FLOAT",
    ),
)
_NUMBERS = (
    *(
        "0",
        "1",
        "-1",
        "5",
        "+5",
        "1e400",
        "-1e400",
        "1e-400",
        "inf",
        "-inf",
        "nan",
        "NaN",
        "Infinity",
        "1e308",
        "5e-324",
    ),
    *(
        "99999999999999999999",
        "0x10",
        "1_0",
        "٣",
        "١٢",
        "1.",
        ".5",
        "1e",
        "- 1",
        "90",
        "-90",
        "360",
        "359.9999999999",
        "180",
    ),
    *(
        "6.5e-7",
        "6000/7000",
        "2018",
        "2018-02-30",
        "2018-05-01",
        "2018-05-01T12:00:00",
        "58500.25",
        "0000-01-01",
        "9999-12-31",
    ),
)
_WORDS = (
    *(
        ",",
        "/",
        "//",
        "%2C",
        "%3B",
        "%",
        "%00",
        "%zz",
        "any",
        "ANY",
        "all",
        "ALL",
        "metadata",
        "graphic",
        "native",
        "fits",
    ),
    *(
        "Optical",
        "V",
        "GALACTIC",
        "FK5",
        "ICRS",
        "source",
        "observer",
        "*",
        "?",
        "[",
        "]",
        "[a-z]",
        "[!a]",
        "[[:alpha:]]",
    ),
    *(
        "\\]",
        "T",
        "Z",
        ".",
        "-",
        "_",
        "+",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\0",
        "é",
        "İ",
        "ß",
        "\ud800",
        "𝔘",
        "\ufeff",
        "\u202e",
        "\x7f",
    ),
    *("<b>", "</a>", "&amp;", "&", "=", "a.b@c.de", "http://x.yz/a?b", "star", "lamost", "queryData", "getTargetNames"),
)
_ALPHABETS = (string.printable, string.digits + ".eE+-/,;", "".join(map(chr, range(0x80, 0x600))), "/,;", "*?[]\\!^-a")
# Each is repeated until the value is as long as is asked.
_REPEATED = (
    *(
        "1,",
        "1/2,",
        "/",
        "9",
        ",",
        "x",
        "ab cd ",
        "*a",
        "[a]",
        "[",
        "2018-01-01,",
        "2018-01-01/2019-01-01,",
        "%2C",
        "<a ",
    ),
    *(
        "10.5,20.5,",
        "a-",
        "a.",
        "a@",
        "&a",
        "<a '",
        "a/",
        "Ä",
        "1e",
        "-1",
        "1_",
        " ",
        "\\",
        "?",
        "'",
        "{snr}",
        "Optical,",
        "votable,",
        "graphic,",
        "RELATIVE,",
        "any,",
    ),
)


class StatementLog:
    """Every statement that is given to DuckDB while `watching`, and the words that may occur in one.

    Parameters
    ----------
    schema : Schema
        Whose column names may occur.
    """

    def __init__(self, schema: Schema) -> None:
        self.texts: dict[str, None] = {}
        self.bound: list[Any] = []
        self._words = _literal_words() | {word for name in schema.names for word in _tokens(name)}
        self._checked: set[str] = set()

    def connect(self, *arguments: Any, **options: Any) -> Any:
        """Stand in for `duckdb.connect`."""
        return _Watched(_connect(*arguments, **options), self)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch every database that is opened inside."""
        duckdb.connect = self.connect
        try:
            yield
        finally:
            duckdb.connect = _connect

    def start_anew(self) -> None:
        """Forget what one request has run."""
        self.texts.clear()
        self.bound.clear()

    def foreign(self) -> set[str]:
        """Give the words of the statements that stand neither in the package's own literals nor in the schema."""
        found: set[str] = set()
        for text in self.texts:
            if text not in self._checked:
                strange = _tokens(text) - self._words
                found |= strange
                if not strange:
                    self._checked.add(text)
        return found

    @property
    def different(self) -> int:
        """How many different statements have been found to be our own."""
        return len(self._checked)


_connect = duckdb.connect


class _Watched:
    """A connection that writes down each text it is given, whichever method it is given to."""

    def __init__(self, connection: Any, log: StatementLog) -> None:
        self._connection, self._log = connection, log

    def cursor(self) -> _Watched:
        return _Watched(self._connection.cursor(), self._log)

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._connection, name)
        if not callable(member):
            return member

        def call(*arguments: Any, **options: Any) -> Any:
            if arguments and isinstance(arguments[0], str):
                self._log.texts.setdefault(arguments[0])
            self._log.bound += [*arguments[1:], *options.values()]
            return member(*arguments, **options)

        return call


def _tokens(text: str) -> set[str]:
    return set(re.findall(r"\w+|[^\w\s]", text))


def _literal_words() -> set[str]:
    """Words of the string literals in the modules that make statements; docstrings are left out."""
    package = Path(ssap_query.__file__).parent
    modules = [package / f"{name}.py" for name in ("compile", "predicate", "score", "session")]
    words: set[str] = set()
    for path in [*modules, *sorted((package / "params").glob("*.py"))]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                words |= _tokens(node.value)
    # Sizes of arrays, and names of what is worked out for a scan.
    return words | {str(size) for size in range(1, 10)} | {"file_index", "file_row_number"}


class Requests:
    """Hostile requests, each with a word of its own planted in it.

    Parameters
    ----------
    seed : int
        The same seed gives the same requests.
    longest : int
        Most characters of a value that is made long on purpose.
    long_share : float
        Share of requests that have one.
    """

    def __init__(self, seed: int, *, longest: int = _LONGEST, long_share: float = 0.005) -> None:
        self.seed, self.longest, self.long_share = seed, longest, long_share

    def make(self, number: int) -> tuple[Any, str, str]:
        """Make one request.

        Returns
        -------
        request : str, bytes or list
            What `Mirror.ssap` is given.
        dialect : str
            One that exists.
        marker : str
            A word that stands in the request.
        """
        rng = Random(f"{self.seed}/{number}")
        marker = f"zq{self.seed}x{number}qz"
        make = rng.choices((self._valid, self._mutated, self._wild), weights=(2, 5, 3))[0]
        pairs = make(rng, marker)
        if rng.random() < self.long_share:
            pairs.append((rng.choice(_NAMES), self._long(rng)))
        if rng.random() < 0.97:
            pairs.insert(0, ("REQUEST", "queryData"))
        if rng.random() < 0.2:
            rng.shuffle(pairs)
        return self._spelled(rng, pairs), rng.choice(DIALECTS), marker

    def _valid(self, rng: Random, marker: str) -> list[tuple[str, Any]]:
        """Make a request of the parameters' own examples, the marker where any text will do."""
        chosen = rng.sample(REGISTRY[1:], rng.randint(1, 5))
        pairs: list[tuple[str, Any]] = [(parameter.name, rng.choice(parameter.examples)) for parameter in chosen]
        name = rng.choice(("TARGETNAME", "TARGETCLASS", "COLLECTION", "PUBDID", "CREATORDID", "WILDTARGET", "RUNID"))
        return [*pairs, (name, f"{marker}*" if name == "WILDTARGET" else marker)]

    def _mutated(self, rng: Random, marker: str) -> list[tuple[str, Any]]:
        pairs = self._valid(rng, marker)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(pairs))
            name, value = pairs[at]
            pairs[at] = (name, _mutation(rng, str(value), marker))
        return pairs

    def _wild(self, rng: Random, marker: str) -> list[tuple[str, Any]]:
        pairs = []
        for _ in range(rng.randint(0, 5)):
            name = rng.choice(_NAMES) if rng.random() < 0.93 else _noise(rng)
            pairs.append((rng.choice((name, name, name.lower())), self._value(rng, marker)))
        return pairs

    def _value(self, rng: Random, marker: str) -> Any:
        kind = rng.random()
        if kind < 0.5:
            words = [rng.choice(rng.choice((_SQL, _NUMBERS, _WORDS))) for _ in range(rng.randint(0, 6))]
            return "".join([*words, rng.choice(("", marker))])
        if kind < 0.7:
            return _noise(rng)
        if kind < 0.8:
            return rng.randbytes(rng.randint(0, 30))
        if kind < 0.9:
            item = rng.choice((*_NUMBERS, *_WORDS))
            return rng.choice((",", ";", "/", "")).join([item] * rng.choice((2, 10, 300, 3000)))
        if kind < 0.95:
            return [rng.choice((marker, item, _noise(rng))) for item in rng.choices(_SQL, k=rng.randint(0, 50))]
        return rng.choice((None, True, 5, -1, 2.5, 1e308, float("nan"), float("inf"), 10**40, 3 + 4j, object, {}, ()))

    def _long(self, rng: Random) -> str:
        part = rng.choice(_REPEATED)
        return part * (rng.choice((100_000, 999_999, self.longest)) // len(part))

    def _spelled(self, rng: Random, pairs: Sequence[tuple[str, Any]]) -> Any:
        """As pairs, as a query string, or as bytes."""
        kind = rng.random()
        if kind < 0.7:
            return pairs
        text = "&".join(f"{name}={value}" for name, value in pairs)
        if kind < 0.8:
            return text
        if kind < 0.9:
            return "&".join(f"{quote(name, errors='replace')}={quote(str(v), errors='replace')}" for name, v in pairs)
        raw = bytearray(text.encode("utf-8", "surrogatepass"))
        for _ in range(rng.randint(0, 4)):
            raw[rng.randrange(len(raw) or 1) : 0] = rng.randbytes(rng.randint(0, 2))
        return bytes(raw)


def _noise(rng: Random) -> str:
    return "".join(rng.choices(rng.choice(_ALPHABETS), k=rng.randint(0, 30)))


def _mutation(rng: Random, value: str, marker: str) -> str:
    first, second = sorted((rng.randint(0, len(value)), rng.randint(0, len(value))))
    inserted = rng.choice((marker, _noise(rng)[:3], rng.choice(_SQL), rng.choice(_NUMBERS), rng.choice(_WORDS)))
    return rng.choice(
        (
            value[:first] + inserted + value[first:],
            value[:first] + inserted + value[second:],
            value[:first] + value[second:],
            value + rng.choice((",", "/", ";")) + value,
            value.swapcase(),
            rng.choice((",", "/", ";")).join(
                [value] * min(rng.choice((2, 30, 1500)), 1 + _LONGEST // (len(value) + 1))
            ),
        )
    )


@dataclass
class Report:
    """What happened."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Word -> how many requests ended so."""
    problems: list[str] = field(default_factory=list)
    """Everything that must not happen, a sentence each."""
    slowest: list[tuple[float, str]] = field(default_factory=list)
    """Processor time [s] and beginning of the slowest requests, slowest first."""
    elapsed_s: float = 0.0
    """Duration of the whole."""
    markers_bound: int = 0
    """In how many requests the planted word was among the bound values."""
    statements: int = 0
    """How many different statements were run."""


def fuzz(mirror: Any, log: StatementLog, requests: Requests, numbers: Sequence[int], tell_every: int = 0) -> Report:
    """Ask requests and watch.

    Parameters
    ----------
    mirror : ssap_query.Mirror
        Opened while the log was watching.
    log : StatementLog
        The log.
    requests : Requests
        Makes them.
    numbers : sequence of int
        Which ones.
    tell_every : int
        After how many requests the progress is told on stderr; 0 is never.
    """
    report = Report()
    began = time.perf_counter()
    for number in numbers:
        request, dialect, marker = requests.make(number)
        log.start_anew()
        outcome, took_s = _asked(mirror, request, dialect)
        label = f"request {number} ({dialect}): {_shown(request)}"
        if took_s > LIMIT_S:  # once more: the first time may have paid for something else
            took_s = min(took_s, _asked(mirror, request, dialect)[1])
        if took_s > LIMIT_S:
            report.problems.append(f"took {took_s:.1f} s: {label}")
        if outcome.startswith("Traceback"):
            report.problems.append(f"{label}\n{outcome}")
            outcome = "wrong"
        if strange := log.foreign():
            report.problems.append(f"{sorted(strange)[:5]} reached the text of a statement: {label}")
        if any(marker in text.lower() for text in log.texts):
            report.problems.append(f"the planted word reached the text of a statement: {label}")
        report.markers_bound += any(marker in str(value) for value in log.bound)
        report.outcomes[outcome] += 1
        report.slowest = sorted([*report.slowest, (took_s, label)], reverse=True)[:5]
        if tell_every and (number - numbers[0] + 1) % tell_every == 0:
            counted = f"{number - numbers[0] + 1:,} requests in {time.perf_counter() - began:.0f} s"
            print("\n".join([counted, *report.problems]), file=sys.stderr, flush=True)
    report.elapsed_s = time.perf_counter() - began
    report.statements = log.different
    return report


def _asked(mirror: Any, request: Any, dialect: str) -> tuple[str, float]:
    began = time.process_time()
    try:
        found = mirror.ssap(request, dialect)
        rows = found.to_arrow().num_rows
        outcome = f"answer ({found.status})" if rows == len(found) else f"Traceback: {rows} rows for {len(found)}"
    except ParameterError as error:
        outcome = (
            "ParameterError" if len(str(error)) < 2000 else f"Traceback: a message of {len(str(error))} characters"
        )
    except Exception:
        outcome = traceback.format_exc(limit=-4)
    return outcome, time.process_time() - began


def _shown(request: Any) -> str:
    text = repr(request)
    return text if len(text) < 300 else f"{text[:300]}… ({len(text):,} characters)"


def fingerprint(*folders: Path) -> dict[str, tuple[int, str]]:
    """Path -> time of the last change [ns] and SHA-256, of everything in some folders, the folders included."""
    found = {}
    for path in (p for folder in folders for p in (folder, *folder.rglob("*"))):
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (path.stat().st_mtime_ns, hashlib.sha256(content).hexdigest())
    return found


def make_mirror(home: Path, rows: int = 2000) -> str:
    """Build a mirror of made-up, hard rows.

    Parameters
    ----------
    home : pathlib.Path
        Where to.
    rows : int
        How many.

    Returns
    -------
    str
        Its name.
    """
    from scripts.rows import synthetic_rows

    name, schema = "fuzzed", lamost6_mrs()
    folder = home / name
    folder.mkdir(parents=True)
    info = BuildInfo(service=name, title="Made-up rows", synthetic=True, source={"kind": "file", "url": "synthetic"})
    batches = synthetic_rows.rows(rows, 20, hard=True).to_batches()
    make_live(folder, build_snapshot(batches, schema, folder, info, tile_rows=500))
    return name


def main() -> None:
    """Ask and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first request")
    parser.add_argument("--rows", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home, elsewhere = Path(scratch) / "home", Path(scratch) / "elsewhere"
        elsewhere.mkdir()
        name = make_mirror(home, options.rows)
        os.chdir(elsewhere)  # where DuckDB would put what does not fit into memory, and COPY what it is told to
        before = fingerprint(home, elsewhere)
        log = StatementLog(lamost6_mrs())
        numbers = range(options.first, options.first + options.count)
        with log.watching():
            report = fuzz(ssap_query.open(name, home), log, Requests(options.seed), numbers, tell_every=5000)
        if fingerprint(home, elsewhere) != before:
            report.problems.append("something was written")
        os.chdir("/")
    print(f"{options.count:,} requests, seed {options.seed}, in {report.elapsed_s:.0f} s")
    print(f"{options.count / report.elapsed_s:,.0f} requests/s; {report.statements} different statements")
    print(f"planted word among the bound values of {report.markers_bound:,} requests")
    for outcome, count in report.outcomes.most_common():
        print(f"{count:9,}  {outcome}")
    print("slowest:")
    for took_s, label in report.slowest:
        print(f"  {took_s:.2f} s of processor time  {label[:150]}")
    for problem in report.problems:
        print(f"PROBLEM {problem}")
    sys.exit(1 if report.problems else 0)


if __name__ == "__main__":
    main()
