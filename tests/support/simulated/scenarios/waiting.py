"""Servers that drip, never end, fall silent, ask for patience or break off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, repeat

from tests.support.simulated.scenarios.scenario import Scenario, first
from tests.support.simulated.services.http import Reply, Request
from tests.support.simulated.services.ssap import SsapService
from tests.support.simulated.world import QUICK, Outcome, World

__all__ = ["HASTY", "SCENARIOS", "endless", "silent", "silent_half_way", "slow_drip"]

#: Limits of time and size scaled down; whoever gives the client another limit scales it here.
HASTY = replace(
    QUICK,
    attempts=2,
    read_timeout_s=0.5,
    longest_answer_s=2.0,
    slowest_rate_bytes_s=2000,
    rate_window_s=1.0,
    longest_outage_s=3.0,
    longest_retry_after_s=2.0,
    largest_answer_bytes=2_000_000,
)


def _wrapped(wrap: Callable[[int, Request, Reply], Reply]) -> Callable[[World], Outcome]:
    """Do something to answers, which are counted from 1."""

    def run(world: World) -> Outcome:
        service, numbers = world.service, count(1)
        assert isinstance(service, SsapService)
        service.wraps = lambda request, reply: wrap(next(numbers), request, reply)
        return first(world)

    return run


def _from(number: int, change: Callable[[Reply], Reply]) -> Callable[[World], Outcome]:
    """Change all answers from one on."""
    return _wrapped(lambda n, request, reply: change(reply) if n >= number else reply)


def _at(number: int, change: Callable[[Reply], Reply]) -> Callable[[World], Outcome]:
    """Change one answer."""
    return _wrapped(lambda n, request, reply: change(reply) if n == number else reply)


def _drip(pieces: int, wait_s: float) -> Callable[[Reply], Reply]:
    """Send the body in small pieces."""

    def change(reply: Reply) -> Reply:
        size = -(-len(reply.body) // pieces) or 1

        def chunks() -> Iterator[bytes]:
            for at in range(0, len(reply.body), size):
                yield reply.body[at : at + size]

        return Reply(chunks=chunks, chunk_wait_s=wait_s)

    return change


#: A body of thirty seconds: longer than any limit of these tests.
slow_drip = _drip(300, 0.1)


def endless(reply: Reply) -> Reply:
    """Send comments for ever, after the rows."""

    def chunks() -> Iterator[bytes]:
        yield reply.body[: reply.body.rindex(b"</RESOURCE>")]
        yield from repeat(b"<!-- and so on -->\n" * 2000)

    return Reply(chunks=chunks)


def endless_quietly(reply: Reply) -> Reply:
    def chunks() -> Iterator[bytes]:
        yield reply.body[: reply.body.rindex(b"</RESOURCE>")]
        # For half a minute: longer than any limit of these tests.
        yield from repeat(b"\n", 300)

    return Reply(chunks=chunks, chunk_wait_s=0.1)


def silent(reply: Reply) -> Reply:
    """Say nothing for half a minute."""
    return replace(reply, before_s=30.0)


def silent_half_way(reply: Reply) -> Reply:
    """Say nothing for half a minute in the middle of the answer."""
    return replace(reply, wait_s=30.0)


def _busy(wait: str, status: int = 503) -> Reply:
    return Reply(b"<html>busy</html>", status, {"Retry-After": wait}, "text/html")


def _broken_off(reply: Reply) -> Reply:
    """Break off at the same byte each time, where the answer is a large one."""
    return replace(reply, sent=60_000) if len(reply.body) > 60_000 else reply


def _left_alone(world: World) -> Outcome:
    """Ask for an hour from the 30th request on: nothing may be asked after that but what was under way."""
    service, numbers, refused = world.service, count(1), count(1)
    assert isinstance(service, SsapService)
    told = 0

    def wrap(request: Request, reply: Reply) -> Reply:
        nonlocal told
        if next(numbers) < 30:
            return reply
        told = next(refused)
        return _busy("3600")

    service.wraps = wrap
    outcome = first(world)
    assert told <= 2, f"asked {told} times a server that asked for an hour"
    return outcome


def _date_in(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT")


def _replaced(n: int, reply: Reply) -> Callable[[World], Outcome]:
    return _wrapped(lambda number, request, good: reply if number >= n else good)


_PAGE = Reply(b"<html>Welcome</html>", content_type="text/html")
_BOMB = Reply(
    b'<?xml version="1.0"?><!DOCTYPE VOTABLE [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<VOTABLE version="1.4"><RESOURCE>&b;</RESOURCE></VOTABLE>'
)
#: A time of day.
_LATER = r"\d\d:\d\d"
SCENARIOS: list[Scenario] = [
    Scenario("every answer drips, but in time", _from(1, _drip(5, 0.02)), "whole", policy=HASTY),
    Scenario("answers drip for ever", _from(20, slow_drip), policy=HASTY, within_s=15),
    Scenario("the description drips for ever", _from(1, slow_drip), policy=HASTY, within_s=15),
    Scenario("answers never end", _from(20, endless), policy=HASTY, within_s=20),
    Scenario("the description never ends", _from(1, endless), policy=HASTY, within_s=20),
    Scenario("answers never end, quietly", _from(20, endless_quietly), policy=HASTY, within_s=15),
    Scenario("a black hole from the start", _from(1, silent), policy=HASTY, within_s=10),
    Scenario("a black hole from the 20th request on", _from(20, silent), policy=HASTY, within_s=15),
    Scenario("silence in the middle of answers", _from(20, silent_half_way), policy=HASTY, within_s=15),
    Scenario(
        "one black hole",
        _at(30, silent),
        "whole",
        policy=HASTY,
    ),
    Scenario(
        "every third request is to wait for a second",
        _wrapped(lambda n, request, reply: _busy("1") if n % 3 == 0 else reply),
        "whole",
        policy=replace(HASTY, attempts=4),
        within_s=120,
    ),
    Scenario(
        "every third request is to wait no time",
        _wrapped(lambda n, request, reply: _busy("0") if n % 3 == 0 else reply),
        "whole",
        policy=replace(HASTY, attempts=4),
    ),
    Scenario(
        "every tenth request is one too many (429)",
        _wrapped(lambda n, request, reply: _busy("0", 429) if n % 10 == 0 else reply),
        "whole",
        policy=replace(HASTY, attempts=4),
    ),
    Scenario("come back in an hour", _left_alone, says=_LATER, policy=HASTY, within_s=10),
    Scenario(
        "come back at a date in an hour",
        _wrapped(lambda n, request, reply: _busy(_date_in(3600)) if n >= 30 else reply),
        says=_LATER,
        policy=HASTY,
        within_s=10,
    ),
    Scenario(
        "come back in an hour, from the start", _replaced(1, _busy("3600")), says=_LATER, policy=HASTY, within_s=5
    ),
    Scenario("large answers break off at the same place", _from(1, _broken_off), "whole", policy=HASTY),
    Scenario("every connection is closed without a word", _replaced(20, Reply(sent=-1)), policy=HASTY),
    Scenario(
        "every fourth connection is closed without a word",
        _wrapped(lambda n, request, reply: Reply(sent=-1) if n % 4 == 0 else reply),
        "whole",
        policy=replace(HASTY, attempts=5),
    ),
    Scenario(
        "a web page with HTTP 200",
        _replaced(20, Reply(b"<html>Welcome</html>", content_type="text/html")),
        policy=HASTY,
    ),
    Scenario("nothing at all with HTTP 200", _replaced(20, Reply()), policy=HASTY),
    Scenario("redirected in a circle", _replaced(20, Reply(status=302, headers={"Location": "/ssap"})), policy=HASTY),
    Scenario("a document with an entity bomb", _replaced(20, _BOMB), policy=HASTY),
]
