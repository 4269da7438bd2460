"""The workers: those of a Dask cluster, or of this machine."""

from __future__ import annotations

import logging
from typing import Any

from ssap_mirror.errors import ParameterError, SourceError

__all__ = ["PROCESSES", "THREADS", "connect"]

#: In place of an address: workers that are started for this, and end with it.
PROCESSES, THREADS = "processes", "threads"
_WORKERS, _SCHEDULER = "workers", "scheduler"


def connect(scheduler: str, workers: int | None = None) -> Any:
    """Connect with the workers.

    Parameters
    ----------
    scheduler : str
        Address of a Dask scheduler (``tcp://host:8786``), or ``processes`` or ``threads`` of this machine.
    workers : int, optional
        How many of this machine, one for each core without it.

    Returns
    -------
    distributed.Client
        To be closed; workers of this machine end then.

    Raises
    ------
    ParameterError
        If the scheduler is no address, or numbers of workers are given for one.
    SourceError
        If it cannot be reached.
    ImportError
        If the extra ``cluster`` is not installed.
    """
    from distributed import Client

    if scheduler in (PROCESSES, THREADS):
        if workers is not None and workers < 1:
            raise ParameterError(_WORKERS, workers, "is not at least 1")
        processes = scheduler == PROCESSES
        return Client(
            n_workers=workers if processes else 1,
            threads_per_worker=1 if processes else workers,
            processes=processes,
            dashboard_address="127.0.0.1:0",  # any port: two at a time would want the same
            silence_logs=logging.CRITICAL,  # what fails is told by an error
        )
    if workers is not None:
        raise ParameterError(_WORKERS, workers, f"is of workers that are started here; {scheduler} has its own")
    try:
        return Client(scheduler)
    except ValueError as error:
        raise ParameterError(_SCHEDULER, scheduler, f"is no address of a Dask scheduler: {error}") from error
    except OSError as error:
        message = f"the Dask scheduler {scheduler} cannot be reached: {str(error).splitlines()[0]}"
        raise SourceError(message) from error
