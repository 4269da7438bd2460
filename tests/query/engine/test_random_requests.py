"""Whole requests, made at random, against a plain-Python evaluation over the rows: in each dialect, layout and way."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
import ssap_query as ssap
from ssap_mirror.errors import ParameterError
from ssap_query.ssap import REGISTRY, Columns, cones_cover, interpret, parameter
from ssap_query.ssap.request import DIALECTS, parse

SEED, REQUESTS = 20_261_123, 200


def evaluated(awkward, pairs: Sequence[tuple[str, str]], dialect: str) -> list[str]:
    """Identities of the rows that fulfil each parameter, one row at a time."""
    request = parse(pairs, dialect)
    region = interpret(request, awkward.schema).region
    columns = Columns.of(awkward.schema)
    rules = [
        (param, param.parse(request.values[param.name], dialect))
        for param in REGISTRY
        if param.name in request.values and param.roles and param.name not in ("POS", "SIZE")
    ]
    return sorted(
        identity
        for identity, row in zip(awkward.ids, awkward.rows, strict=True)
        if all(param.covers(value, row, dialect, columns) for param, value in rules)
        and (region is None or cones_cover(region.cones, row))
    )


class Requests:
    """Random requests about values that the rows have."""

    def __init__(self, rows: Sequence[dict[str, Any]], seed: int) -> None:
        self.random = random.Random(seed)
        self.rows = rows

    def make(self, dialect: str) -> list[tuple[str, str]]:
        makers = {
            "POS": self.position,
            "BAND": lambda: self.number("em_min", 1e-8) if self.random.random() < 0.8 else "Optical",
            "TIME": lambda: self.dates(dialect),
            "SNR": lambda: self.number("snr", 20),
            "REDSHIFT": lambda: self.number("redshift", 1e-4),
            "APERTURE": lambda: self.number("aperture", 1e-4),
            "SPATRES": lambda: self.number("s_resolution", 1e-4),
            "SPECRP": lambda: str(self.random.choice([100, 5000, 6500, 7229.5, 1e5])),
            "TARGETNAME": lambda: self.word("target_name"),
            "WILDTARGET": lambda: self.random.choice(["*star*", "lamost*", "J0*", "?*", "*[0-9]"]),
            "TARGETCLASS": lambda: self.word("target_class"),
            "COLLECTION": lambda: self.word("obs_collection"),
            "WAVECALIB": lambda: self.word("wave_calib"),
            "FLUXCALIB": lambda: self.random.choice(["RELATIVE", "UNCALIBRATED", "any"]),
            "FORMAT": lambda: self.random.choice(["all", "fits", "native", "image/jpeg", "votable,text/csv"]),
            "PUBDID": lambda: str(self.value("obs_publisher_did")),
            "MTIME": lambda: self.random.choice(["2019-01-01/", "/2019-06-01", "2018-09-30T00:00:00"]),
        }
        chosen = self.random.sample(sorted(makers), self.random.choice([1, 1, 2, 2, 3]))
        pairs = [(name, makers[name]()) for name in chosen]
        if "POS" in chosen:
            pairs.append(("SIZE", repr(self.random.choice([0, 1e-4, 0.03, 0.2, 1, 5, 20, 60]))))
        self.random.shuffle(pairs)
        return [("REQUEST", "queryData"), *pairs]

    def value(self, role: str) -> Any:
        while (found := self.random.choice(self.rows)[role]) in (None, "", []) or found != found:
            pass
        return found

    def number(self, role: str, spread: float) -> str:
        first = self.value(role)
        second = first + self.random.uniform(-spread, spread)
        low, high = sorted((first, second))
        return self.random.choice([repr(first), f"{low}/{high}", f"{low}/", f"/{high}", f"{low}/{high},{first}"])

    def word(self, role: str) -> str:
        return str(self.value(role)).replace("%", "%25").replace(",", "%2C").replace(";", "%3B")

    def dates(self, dialect: str) -> str:
        first, second = sorted(self.random.sample(["2017-10-05", "2017-12-13", "2018-02-01", "2018-04-30"], 2))
        single = self.random.choice(["2017-12-13", "2018-03"]) if dialect == "ivoa" else "2017-12-13T06:00:00"
        return self.random.choice([single, f"{first}/{second}", f"{first}/", f"/{second}"])

    def position(self) -> str:
        centres = []
        for _ in range(self.random.choice([1, 1, 1, 2, 60])):
            ra, dec = self.value("location")
            ra += self.random.uniform(-0.1, 0.1) * self.random.choice([0, 1])
            centres += [repr(ra), repr(min(90.0, max(-90.0, dec)))]
        return ",".join(centres)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_random_requests_select_what_the_oracles_select(dialect: str, awkward) -> None:
    mirrors = [awkward.open("one", cache_bytes=0), awkward.open("one"), awkward.open("tiny", cache_bytes=0)]
    requests = Requests(awkward.rows, SEED)
    some = asked = 0
    while asked < REQUESTS:
        pairs = requests.make(dialect)
        try:
            expected = evaluated(awkward, pairs, dialect)
        except ParameterError:
            continue  # a value of one dialect that the other refuses
        asked += 1
        some += 0 < len(expected) < len(awkward.ids)
        for mirror in mirrors:
            found = mirror.ssap([*pairs, ("MAXREC", "100000")], dialect, columns=["mobsid"])
            assert sorted(found.to_arrow()["mobsid"].to_pylist()) == expected, pairs
    assert some > REQUESTS / 2  # else the requests say nothing


def test_oracle_sees_every_parameter(awkward) -> None:
    made = {name for dialect in DIALECTS for _ in range(300) for name, _ in Requests(awkward.rows, _).make(dialect)}
    selecting = {param.name for param in REGISTRY if param.roles}
    without_column = {"VARAMPL", "TIMERES"}
    others = {"CREATORDID", "WILDTARGETCASE"}  # the same rules as PUBDID and WILDTARGET
    assert made - {"REQUEST"} == selecting - without_column - others
    assert parameter("POS").roles
    assert isinstance(awkward.open("one"), ssap.Mirror)
