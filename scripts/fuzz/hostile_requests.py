"""Requests that nobody in their right mind would send, made from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any
from urllib.parse import quote

from ssap_query.ssap import REGISTRY
from ssap_query.ssap.request import DIALECTS

from scripts.fuzz.vocabulary import ALPHABETS, NAMES, NUMBERS, REPEATED, SQL, WORDS

__all__ = ["Requests"]

# A value that is repeated again and again grows no longer than this.
_LONGEST = 10_000_000


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
            pairs.append((rng.choice(NAMES), self._long(rng)))
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
            name = rng.choice(NAMES) if rng.random() < 0.93 else _noise(rng)
            pairs.append((rng.choice((name, name, name.lower())), self._value(rng, marker)))
        return pairs

    def _value(self, rng: Random, marker: str) -> Any:
        kind = rng.random()
        if kind < 0.5:
            words = [rng.choice(rng.choice((SQL, NUMBERS, WORDS))) for _ in range(rng.randint(0, 6))]
            return "".join([*words, rng.choice(("", marker))])
        if kind < 0.7:
            return _noise(rng)
        if kind < 0.8:
            return rng.randbytes(rng.randint(0, 30))
        if kind < 0.9:
            item = rng.choice((*NUMBERS, *WORDS))
            return rng.choice((",", ";", "/", "")).join([item] * rng.choice((2, 10, 300, 3000)))
        if kind < 0.95:
            return [rng.choice((marker, item, _noise(rng))) for item in rng.choices(SQL, k=rng.randint(0, 50))]
        return rng.choice((None, True, 5, -1, 2.5, 1e308, float("nan"), float("inf"), 10**40, 3 + 4j, object, {}, ()))

    def _long(self, rng: Random) -> str:
        part = rng.choice(REPEATED)
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
    return "".join(rng.choices(rng.choice(ALPHABETS), k=rng.randint(0, 30)))


def _mutation(rng: Random, value: str, marker: str) -> str:
    first, second = sorted((rng.randint(0, len(value)), rng.randint(0, len(value))))
    inserted = rng.choice((marker, _noise(rng)[:3], rng.choice(SQL), rng.choice(NUMBERS), rng.choice(WORDS)))
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
