"""An answer may come slowly for a while, but not for ever."""

from __future__ import annotations

import pytest
from ssap_mirror.errors import TransportError
from ssap_mirror.sources.http import pace
from ssap_mirror.sources.http.pace import Pace
from ssap_mirror.sources.source import RequestPolicy

POLICY = RequestPolicy(slowest_rate_bytes_s=100.0, rate_window_s=60.0)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(pace, "time", found)
    return found


def seconds_until_refused(clock: Clock, rates: list[float], policy: RequestPolicy = POLICY) -> float | None:
    """Receive so many bytes in each second; tells when that was too slow, or None if it never was."""
    watch, received = Pace(policy, "example.org"), 0.0
    for rate in rates:
        clock.now_s += 1.0
        received += rate
        try:
            watch.check(int(received))
        except TransportError:
            return clock.now_s
    return None


@pytest.mark.parametrize(
    ("rates", "refused_after_s"),
    [
        ([101.0] * 600, None),
        # Nothing is too slow before a window is over.
        ([0.0] * 59, None),
        ([0.0] * 60, 60.0),
        ([99.0] * 600, 60.0),
        # What came quickly at first counts for a window and no longer.
        ([10_000.0] * 10 + [1.0] * 600, 70.0),
        ([10_000.0] * 10 + [1.0] * 59 + [10_000.0] + [1.0] * 59 + [10_000.0], None),
    ],
)
def test_a_rate_counts_over_its_window(clock: Clock, rates: list[float], refused_after_s: float | None) -> None:
    assert seconds_until_refused(clock, rates) == refused_after_s


def test_a_rate_of_zero_refuses_nothing(clock: Clock) -> None:
    assert seconds_until_refused(clock, [0.0] * 600, RequestPolicy(slowest_rate_bytes_s=0.0)) is None


def test_the_refusal_tells_both_rates(clock: Clock) -> None:
    watch = Pace(POLICY, "example.org")
    clock.now_s = 120.0
    with pytest.raises(TransportError, match=r"example.org sends 10\.0 bytes a second, and less than 100 is too slow"):
        watch.check(1200)
