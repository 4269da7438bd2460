"""A limit that a service names is believed at once; what is no limit is not taken for one."""

from __future__ import annotations

import pytest
from ssap_mirror.errors import ServiceError, TransportError
from ssap_mirror.sources.http.limits import ServiceLimits

CONE = [("POS", "0,0"), ("SIZE", "90"), ("MAXREC", "5000")]


@pytest.mark.parametrize(
    ("said", "size", "maxrec"),
    [
        ("SIZE must not be larger than 15.0 degrees", 15.0, None),
        ("the value of SIZE (90) is above the maximum, 10", 10.0, None),
        ("MAXREC must not be larger than 1,000", None, 1000),
        ("SIZE must be a number", None, None),
        ("HTTP 400: no such table", None, None),
    ],
)
def test_a_refusal(said: str, size: float | None, maxrec: int | None) -> None:
    limits = ServiceLimits()
    assert limits.learn(ServiceError(said), CONE) == (size is not None or maxrec is not None)
    assert (limits.size_deg, limits.maxrec) == (size, maxrec)
    assert limits.forbid(CONE) == (size is not None)
    assert limits.clamped(CONE)[-1] == ("MAXREC", str(maxrec or 5000))


def test_an_answer_that_breaks_off_twice_at_one_place() -> None:
    limits = ServiceLimits()
    broken = TransportError("the answer of x broke off: peer closed (received 60000 bytes, expected 99999)")
    assert [limits.learn(broken, CONE) for _ in range(2)] == [False, True]


def test_a_few_rows_that_break_off_are_asked_for_in_smaller_numbers() -> None:
    limits = ServiceLimits()
    broken = TransportError("the answer of x broke off: peer closed (received 60000 bytes, expected 99999)")
    assert limits.reduced(broken, CONE) is None
    assert limits.reduced(broken, CONE) == [("POS", "0,0"), ("SIZE", "90"), ("MAXREC", "625")]
    assert limits.reduced(ServiceError("MAXREC must not be larger than 1,000"), CONE) == [*CONE[:2], ("MAXREC", "1000")]
    refused = ServiceError("SIZE must not be larger than 15.0 degrees")
    assert ServiceLimits().reduced(refused, CONE) is None, "it asks the same"
