"""How values are written in requests: rightly, just about, and wrongly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
from ssap_mirror.core.times import datetime_of

ODD_NUMBERS = ("inf", "-inf", "Infinity", "nan", "NaN", "-0", "1e400", "1_0", ".5", "5.", "+5", "1E2", "-1", "0")
NOT_NUMBERS = ("foo", "null", "0x10", "5 A", "1,5;x;y", "1%2C2", "--1", "1e", "½", "1..2", "5e-7m", "None")
WHOLE_EXPRESSIONS = (
    *("/", "//", ",", ",1", "1,", "1,,2", ";", "1/2/3/4", "1//2", "foo/1", "1/foo", "a;b;c", "any", "ANY", " "),
    *("1/2/0.5", "/1/2", "1/2/", "1;2", "-inf/inf", "nan/", "/nan", "inf/", "/-inf", "nan/nan", "1,nan", "1,inf"),
)
NOT_DATES = (
    *("foo", "58100.5", "2018", "2017-12", "2018-001", "2017-12-13T12:00", "2017-13-01", "2018-02-30", "now"),
    *("10000-01-01", "2458100.5", "2018-01-01T24:00:00", "2018-01-01T23:59:60", "01.02.2018", "2018-01-01T12", "20180"),
    *("2018-01-01T00:00:00+01:00", "J2018.5", "-2018-01-01"),
)
ODD_DATES = (
    *("0001-01-01", "9999-12-31", "2018-1-5", "2018-01-01T00:00:00Z", " 2018-01-05", "2018-01-05 ", "20180105T120000"),
    *("2018-01-01T00:00:00%2B00:00", "2018-01-01T12:00:00.123456Z"),
)


def spell_float32(rng: Random, value: float) -> str:
    """Write a single-precision value: as printed, exactly, or one of its neighbours.

    Parameters
    ----------
    rng
        Random numbers.
    value
        A value of a float32 column.

    Returns
    -------
    str
        Digits; only some of the ways give back the same float32, and only one the same number in double precision.
    """
    single = np.float32(value)
    if not np.isfinite(single):
        return rng.choice((str(single), str(single).upper()))
    up, down = np.nextafter(single, np.float32(np.inf)), np.nextafter(single, np.float32(-np.inf))
    ways: tuple[Callable[[], str], ...] = (
        lambda: str(single),
        lambda: repr(float(single)),
        lambda: repr(float(np.nextafter(float(single), np.inf))),
        lambda: repr(float(np.nextafter(float(single), -np.inf))),
        lambda: repr(float(rng.choice((up, down)))),
        lambda: f"{float(single):.3g}",
        lambda: f"{float(single):.4e}",
        lambda: f"{float(single):.12f}",
        lambda: f" {single} ",
        lambda: f"+{single}" if single > 0 else str(single),
    )
    return rng.choices(ways, weights=(8, 4, 1, 1, 1, 2, 1, 1, 0.3, 0.3))[0]()


def spell_date(rng: Random, mjd: float) -> str:
    """Write an instant in one of the ways that ISO 8601 knows.

    Parameters
    ----------
    rng
        Random numbers.
    mjd
        Modified Julian date, UTC, days; rounded down to the digits of the form chosen.
    """
    when = datetime_of(mjd)
    form = rng.choices(
        ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y%m%d", "%Y-%m-%dT%H:%M:%SZ"),
        weights=(6, 5, 3, 1.5, 1.5, 1),
    )[0]
    return when.strftime(form)


def expression(rng: Random, value: Callable[[], str], other: Callable[[], str], odd: Sequence[str]) -> str:
    """Build a range list from a source of values.

    Parameters
    ----------
    rng
        Random numbers.
    value
        Gives a value that the request should select.
    other
        Gives any value of the same kind.
    odd
        Values to mix in now and then.

    Returns
    -------
    str
        A value, a range open or closed, or a list of both; sometimes reversed, qualified or with an odd piece.
    """

    def piece() -> str:
        return rng.choice(odd) if rng.random() < 0.06 else rng.choice((value, other))()

    def item() -> str:
        kind = rng.random()
        if kind < 0.30:
            return value() if rng.random() < 0.8 else piece()
        if kind < 0.50:
            return f"{piece()}/"
        if kind < 0.70:
            return f"/{piece()}"
        ends = [value(), piece()]
        rng.shuffle(ends)
        # Most closed ranges should hold something, some stay reversed.
        if rng.random() < 0.8:
            ends.sort(key=_order)
        return "/".join(ends)

    count = rng.choices((1, 2, 3, 4), weights=(7, 2, 1, 0.5))[0]
    text = ",".join(item() for _ in range(count))
    if rng.random() < 0.04:
        text += rng.choice((";source", ";observer", ";x", ";", ";ICRS"))
    return text


def _order(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return 0.0, text
