"""Random questions, and which rows answer them by brute force on the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import ssap_query as ssap
from ssap_mirror.errors import ParameterError

from tests.support.simulated.forms.parts import Form, Part, iso
from tests.support.simulated.spectra import Spectra, overlap

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PARAMETERS", "Question", "assert_answers", "part_of", "questions"]

# Nearer to an edge than this a rounding of a text, or of a float32, decides: 1.8 arcsec.
_EDGE_DEG = 5e-4


@dataclass(frozen=True)
class Question:
    """A constraint, and the rows that meet it."""

    search: dict[str, Any]
    """For `ssap_query.Mirror.search`."""
    rows: frozenset[int]
    """Numbers of the rows that match."""


def _cones(spectra: Spectra, part: Part, rng: np.random.Generator) -> Iterator[Question]:
    placed = np.flatnonzero(np.isfinite(spectra.ra))
    while True:
        at = rng.choice(placed)
        radius = 10 ** rng.uniform(-2, 1.7)
        dec = float(np.clip(spectra.dec[at] + rng.normal(0, radius), -90, 90))
        ra = float((spectra.ra[at] + rng.normal(0, radius)) % 360)
        separations = spectra.separations(ra, dec)
        if (np.abs(separations - radius) > _EDGE_DEG).all():
            yield _question(spectra, separations <= radius, pos=(ra, dec), size=2 * radius)


def _bands(spectra: Spectra, part: Part, rng: np.random.Generator) -> Iterator[Question]:
    while True:
        # Between the tenths of a nanometre that the bands are made of.
        low, high = sorted(rng.integers(3000, 9500, 2) / 10 + 0.05)
        start, stop = [(low, high), (low, low), (low, None), (None, high)][rng.integers(4)]
        ends = tuple(None if end is None else float(end) / 1e9 for end in (start, stop))
        found = overlap(spectra.wave_min, spectra.wave_max, *ends)
        yield _question(spectra, found, band=ends[0] if start == stop else ends)


def _times(spectra: Spectra, part: Part, rng: np.random.Generator) -> Iterator[Question]:
    low_edge, high_edge = (part.coverage or (lambda s: (s.t_min, s.t_max)))(spectra)
    while True:
        # Half past a minute: exposures begin and end at whole ones.
        low, high = sorted(rng.integers(0, 620 * 1440, 2) / 1440 + 58000 + 0.5 / 1440)
        start, stop = [(low, high), (low, low), (low, None), (None, high), (low, low + 0.2)][rng.integers(5)]
        found = overlap(low_edge, high_edge, start, stop)
        ends = tuple(None if end is None else iso(end) for end in (start, stop))
        yield _question(spectra, found, time=ends[0] if start == stop else ends)


def _snrs(spectra: Spectra, part: Part, rng: np.random.Generator) -> Iterator[Question]:
    while True:
        low, high = sorted(rng.gamma(3.0, 12.0, 2).tolist())
        start, stop = [(low, high), (low, None), (None, high)][rng.integers(3)]
        yield _question(spectra, overlap(spectra.snr, spectra.snr, start, stop), snr=(start, stop))


def _targets(spectra: Spectra, part: Part, rng: np.random.Generator) -> Iterator[Question]:
    while True:
        name = str(rng.choice(spectra.target))
        spelled = (name, name.swapcase(), name.replace(" ", ""))[rng.integers(3)]
        yield _question(spectra, spectra.target == name, targetname=spelled)


def _question(spectra: Spectra, rows: NDArray[np.bool_], **search: Any) -> Question:
    return Question(search, frozenset(spectra.number[rows].tolist()))


_Ask = Callable[[Spectra, Part, np.random.Generator], Iterator[Question]]
#: Parameter -> the part of a form that it asks about, and what makes its questions.
PARAMETERS: dict[str, tuple[str, _Ask]] = {
    "POS": ("position", _cones),
    "BAND": ("band", _bands),
    "TIME": ("time", _times),
    "SNR": ("snr", _snrs),
    "TARGETNAME": ("target", _targets),
}


def part_of(form: Form, parameter: str) -> Part:
    """The columns that a parameter asks about."""
    part: Part = getattr(form, PARAMETERS[parameter][0])
    return part


def questions(spectra: Spectra, form: Form, parameter: str, count: int, seed: int = 1) -> list[Question]:
    """Make questions about one parameter.

    Parameters
    ----------
    spectra : Spectra
        The truth.
    form : Form
        How it is shown.
    parameter : str
        One of `PARAMETERS`.
    count : int
        How many.
    seed : int
        The same seed gives the same questions.
    """
    made = PARAMETERS[parameter][1](spectra, part_of(form, parameter), np.random.default_rng(seed))
    return [next(made) for _ in range(count)]


def assert_answers(mirror: ssap.Mirror, spectra: Spectra, form: Form, parameter: str, count: int = 40) -> None:
    """Fail unless a mirror selects what brute force selects, or refuses what no column tells.

    Parameters
    ----------
    mirror : ssap_query.Mirror
        Of all the spectra, with their numbers in the column ``rownum``.
    spectra : Spectra
        The truth.
    form : Form
        How it was shown.
    parameter : str
        One of `PARAMETERS`.
    count : int
        How many questions are asked.
    """
    tells = part_of(form, parameter).tells
    for question in questions(spectra, form, parameter, count):
        rows = _asked(mirror, question)
        if isinstance(rows, ParameterError):
            assert rows.name == parameter
            assert tells in ("nothing", "unclear"), rows
            continue
        assert tells != "nothing", f"not refused: {len(rows):,} rows"
        expected = frozenset() if tells == "empty" else question.rows
        lacking, extra = len(expected - rows), len(rows - expected)
        assert not lacking, f"{lacking:,} of {len(expected):,} rows not found: {question.search}"
        assert not extra, f"{extra:,} rows found beside {len(expected):,}: {question.search}"


def _asked(mirror: ssap.Mirror, question: Question) -> frozenset[int] | ParameterError:
    """The numbers of the rows that a mirror finds, each once, or its refusal."""
    try:
        found = mirror.search(**question.search, columns=["rownum"])
    except ParameterError as error:
        return error
    rows = found.to_arrow().column("rownum").to_pylist()
    assert len(rows) == len(set(rows))
    return frozenset(rows)
