"""Options that say how patiently a server is asked: fields of `RequestPolicy` that a person may want to change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Any, TypeVar

import click
from ssap_mirror.errors import ParameterError
from ssap_mirror.sources.source import RequestPolicy

__all__ = ["limits", "limits_of_requests", "policy_of", "refuse_idle"]

F = TypeVar("F", bound=Callable[..., Any])

_PREFIX = "limit_"
# Option, field of the policy, unit, least value, and what it is about.
_LIMITS = (
    ("--connections", "requests_at_a_time", "N", 1, "How many requests are sent at a time."),
    ("--pause", "pause_s", "SECONDS", 0, "Shortest time between the beginnings of two requests."),
    ("--attempts", "attempts", "N", 1, "How often one request is tried."),
    ("--longest-connect", "connect_timeout_s", "SECONDS", 0.1, "Longest wait for a connection."),
    ("--longest-silence", "read_timeout_s", "SECONDS", 0.1, "Longest silence within an answer."),
    ("--longest-answer", "longest_answer_s", "SECONDS", 0.1, "Longest time for one answer."),
    ("--slowest-rate", "slowest_rate_bytes_s", "BYTES/S", 0, "An answer that comes more slowly is broken off."),
    ("--longest-pause", "longest_retry_after_s", "SECONDS", 0, "Longest pause that a server may ask for (Retry-After); "
     "beyond it the harvest ends, and goes on when it is asked to."),
    ("--longest-outage", "longest_outage_s", "SECONDS", 0, "How long a server may give no answer at all."),
    ("--most-cones", "most_cones", "N", 1, "How many cones a sky may take of a service that refuses larger ones."),
    ("--longest-job", "longest_job_s", "SECONDS", 0.1, "Longest time for a job of a TAP service."),
)  # fmt: skip
# What no single request is about.
_OF_HARVESTS = frozenset({"most_cones", "longest_job_s"})


def limits(command: F) -> F:
    """Add an option for each limit; the command is given them as ``limit_...``, for `policy_of`."""
    return _add(command, (field for _, field, *_ in _LIMITS))


def limits_of_requests(command: F) -> F:
    """Add those of the options that are about any request, and not about a harvest."""
    return _add(command, (field for _, field, *_ in _LIMITS if field not in _OF_HARVESTS))


def _add(command: F, chosen: Iterable[str]) -> F:
    fields = set(chosen)
    for option, field, unit, least, words in reversed([limit for limit in _LIMITS if limit[1] in fields]):
        kind = click.IntRange(min=int(least)) if unit == "N" else click.FloatRange(min=least)
        told = f"{words} (default: {getattr(RequestPolicy(), field):g})"
        command = click.option(option, _PREFIX + field, type=kind, metavar=unit, help=told)(command)
    return command


def refuse_idle(given: dict[str, Any], idle: Collection[str], kind: str) -> None:
    """Refuse options that have no meaning for a source, since to pass over them would look as if they held.

    Parameters
    ----------
    given : dict
        Values of the options, None where there is none.
    idle : collection of str
        Fields of the policy that have no meaning.
    kind : str
        Of the source.

    Raises
    ------
    ParameterError
        If one of them is given.
    """
    for option, field, *_ in _LIMITS:
        value = given[_PREFIX + field]
        if value is not None and field in idle:
            raise ParameterError(option, value, f"has no meaning for a source of kind {kind!r}")


def policy_of(given: dict[str, Any], base: RequestPolicy | None = None) -> RequestPolicy:
    """Change a policy by the options that were given.

    Parameters
    ----------
    given : dict
        Values of the options, None where there is none.
    base : RequestPolicy, optional
        The policy without them.
    """
    changed = {name.removeprefix(_PREFIX): value for name, value in given.items() if value is not None}
    return replace(base or RequestPolicy(), **changed)
