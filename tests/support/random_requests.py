"""Requests about values that the rows have, made at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

__all__ = ["Requests"]


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
