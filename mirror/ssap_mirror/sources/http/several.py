"""Several requests at a time, of which a failure ends all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

__all__ = ["several"]

T = TypeVar("T")


async def several(work: Callable[[T], Coroutine[Any, Any, None]], items: Iterable[T], at_a_time: int) -> None:
    """Do something for each item, for some of them at a time; the first that fails ends the others.

    Parameters
    ----------
    work : callable
        Gives the coroutine for an item.
    items : iterable
        What to do it for.
    at_a_time : int
        How many are under way at most.
    """
    slots = asyncio.Semaphore(at_a_time)

    async def one(item: T) -> None:
        async with slots:
            await work(item)

    tasks = [asyncio.ensure_future(one(item)) for item in items]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
