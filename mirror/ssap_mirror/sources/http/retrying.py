"""A request that is tried until it works, or until another try is of no use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import httpx

from ssap_mirror.errors import FormatError, ServiceError, SourceError, TransportError
from ssap_mirror.sources.http.failures import ComeBackLater, translate_http_errors
from ssap_mirror.sources.source import RequestPolicy

__all__ = ["Retrying"]

T = TypeVar("T")

# Each try may bring a file on by a little; so many are enough for any.
_MOST_TRIES = 50
# A wait grows by this from attempt to attempt.
_LONGER = 4


class Retrying:
    """Tries a request again after a wait that grows, or for as long as the server asks for.

    Parameters
    ----------
    policy : RequestPolicy
        Waits, time-outs and attempts.
    note : callable
        Told one sentence for each wait.
    """

    def __init__(self, policy: RequestPolicy, note: Callable[[str], None]) -> None:
        self._policy = policy
        self._note = note

    async def run(
        self,
        work: Callable[[], Coroutine[Any, Any, T]],
        where: str,
        attempts: int | None = None,
        progress: Callable[[], int] = lambda: 0,
    ) -> T:
        """Do something until it works; attempts count that did not bring it on.

        Parameters
        ----------
        work : callable
            Gives the coroutine of one attempt.
        where : str
            Address that is asked, for errors.
        attempts : int, optional
            How often to try; as the policy says without it.
        progress : callable
            Says how far it has come.

        Raises
        ------
        SourceError
            What the last attempt ended with.
        """
        failures = 0
        for _ in range(_MOST_TRIES):
            before = progress()
            try:
                with translate_http_errors(httpx.URL(where)):
                    return await asyncio.wait_for(work(), self._policy.longest_answer_s)
            except TimeoutError:
                message = f"{where} had not arrived after {self._policy.longest_answer_s:,.0f} s"
                error: SourceError = TransportError(message)
            except ServiceError:
                raise
            except (TransportError, FormatError) as failure:
                error = failure
            failures = 1 if progress() > before else failures + 1
            if failures >= (attempts or self._policy.attempts):
                break
            await self._wait(error, failures, where)
        raise error

    async def _wait(self, error: SourceError, failures: int, where: str) -> None:
        policy = self._policy
        wait_s = min(policy.first_wait_s * _LONGER ** (failures - 1), policy.longest_wait_s)
        if isinstance(error, TransportError) and error.retry_after_s is not None:
            wait_s = max(error.retry_after_s, min(wait_s, 1.0))
            if wait_s > policy.longest_retry_after_s:
                raise ComeBackLater(httpx.URL(where).host, wait_s)
        self._note(f"{error}; trying again in {wait_s:.0f} s")
        await asyncio.sleep(wait_s)
