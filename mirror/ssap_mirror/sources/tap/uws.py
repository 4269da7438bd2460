"""Asynchronous jobs (UWS 1.1) of a TAP service (TAP 1.1 §5): made, started, watched, read, deleted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from ssap_mirror.errors import FormatError, ServiceError, SourceError, TransportError
from ssap_mirror.sources.harvest.answers import QueryTooLargeError, error_of
from ssap_mirror.sources.harvest.client import Client, Download

__all__ = ["NoJobsError", "run_job"]

_UNDER_WAY = ("PENDING", "QUEUED", "EXECUTING", "UNKNOWN", "HELD", "SUSPENDED")


class NoJobsError(ServiceError):
    """The service refuses to make any job."""


def run_job(client: Client, url: str, form: dict[str, str], path: Path) -> Download:
    """Run one job to its end and fetch its result: a single attempt.

    Parameters
    ----------
    client : Client
        Carries the requests.
    url : str
        The TAP service, without ``/async``.
    form : dict
        Parameters of the job but PHASE.
    path : pathlib.Path
        File for the result.

    Raises
    ------
    SourceError
        If the job is not at its end after `RequestPolicy.longest_job_s`.
    TransportError
        If the network or the server failed, or the job was lost.
    QueryTooLargeError
        If the job was ended because it took too long.
    NoJobsError
        If the service refuses to make one.
    ServiceError
        If the job ended in an error, or none was made.
    FormatError
        If the result is a web page.
    """
    try:
        _, job = client.small("POST", f"{url}/async", form)
    except ServiceError as error:
        raise NoJobsError(str(error)) from error
    if job.rstrip("/").endswith("/async"):
        message = f"{url} made no job: it did not lead to one (UWS 1.1 §2.2.3.1)"
        raise ServiceError(message)
    with _deleted_at_last(client, job):
        # PHASE=RUN in the first request is part of the standard, but not every server heeds it.
        client.small("POST", f"{job}/phase", {"PHASE": "RUN"})
        phase = _wait(client, job)
        if phase == "COMPLETED":
            return client.download(f"{job}/results/result", [], path)
        if phase == "ERROR":
            raise _error(client, job)
        message = f"the job {job} ended as {phase}"
        if phase == "ABORTED":
            # Nobody but the server ends our jobs, and it does so when they took too long (UWS 1.1 §2.1.4).
            raise QueryTooLargeError(message)
        raise TransportError(message)


@contextlib.contextmanager
def _deleted_at_last(client: Client, job: str) -> Iterator[None]:
    try:
        yield
    finally:
        # A job that cannot be deleted now is deleted by the server some day.
        with contextlib.suppress(SourceError):
            client.delete(job)


def _wait(client: Client, job: str) -> str:
    """Look at the phase, less and less often, until it is a final one."""
    policy = client.policy
    began = time.monotonic()
    pause, phase = policy.first_poll_s, "PENDING"
    while (waited := time.monotonic() - began) < policy.longest_job_s:
        text, _ = client.retrying(lambda: client.small("GET", f"{job}/phase"))
        phase = text.strip().upper()
        if phase not in _UNDER_WAY:
            return phase if len(phase) < 20 else "something that is no phase"
        client.pause(min(pause, policy.longest_job_s - waited))
        pause = min(1.5 * pause, policy.longest_poll_s)
    how_long = f"{waited / 60:,.0f} min" if waited >= 60 else f"{waited:,.0f} s"
    message = (
        f"the job {job} is still {phase} after {how_long}, so the service is not asked for more; what was fetched is "
        "kept, and the same command goes on from here"
    )
    # No kind of error that is tried again: another job would wait as long.
    raise SourceError(message)


def _error(client: Client, job: str) -> SourceError:
    try:
        text, _ = client.small("GET", f"{job}/error")
    except (FormatError, ServiceError) as error:
        text = str(error)
    return error_of(text)
