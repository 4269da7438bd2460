"""Ask many requests, and watch what happens."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ssap_mirror.errors import ParameterError

from scripts.fuzz.hostile_requests import Requests
from scripts.fuzz.report import Report, tell
from scripts.fuzz.statements import StatementLog

__all__ = ["LIMIT_S", "RequestReport", "ask", "fuzz"]

#: No request may take longer [s of processor time].
LIMIT_S = 2.0


@dataclass
class RequestReport(Report):
    """What happened."""

    slowest: list[tuple[float, str]] = field(default_factory=list)
    """Processor time [s] and beginning of the slowest requests, slowest first."""
    markers_bound: int = 0
    """In how many requests the planted word was among the bound values."""
    statements: int = 0
    """How many different statements were run."""


def fuzz(
    mirror: Any, log: StatementLog, requests: Requests, numbers: Sequence[int], tell_every: int = 0
) -> RequestReport:
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
    report = RequestReport()
    began = time.perf_counter()
    for number in numbers:
        request, dialect, marker = requests.make(number)
        log.start_anew()
        outcome, took_s = ask(mirror, request, dialect)
        label = f"request {number} ({dialect}): {_shown(request)}"
        if took_s > LIMIT_S:  # once more: the first time may have paid for something else
            took_s = min(took_s, ask(mirror, request, dialect)[1])
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
            tell([counted, *report.problems])
    report.elapsed_s = time.perf_counter() - began
    report.statements = log.different
    return report


def ask(mirror: Any, request: Any, dialect: str) -> tuple[str, float]:
    """Send one request; give the word for what came of it, or a traceback, and the processor time it took [s]."""
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
