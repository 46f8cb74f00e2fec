"""Many small requests, one round trip: the batch is whatever arrived while the last one was under way. No timer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

Flush = Callable[[list[Item]], Awaitable[list[Result] | list[Result | Exception]]]

LARGEST_BATCH = 8
"""Items of one flush. What travels together waits together, for its slowest, at every following step: with 32, a hundred
channels on a slow platform went in convoys and took a tenth longer. Fewer would cost more commits than they spare."""


class Batcher(Generic[Item, Result]):
    """Calls ``flush`` with the items of all callers waiting, and gives each its own result.

    ``flush`` returns one result per item, in order; a result that is an exception is raised to its caller. When it raises,
    every caller of that batch gets the error.
    """

    def __init__(self, flush: Flush[Item, Result], largest: int = LARGEST_BATCH) -> None:
        self._flush = flush
        self._largest = largest
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._runner: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._largest], self._waiting[self._largest :]
                await self._serve(batch)
        finally:
            self._runner = None

    async def _serve(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._flush([item for item, _ in batch])
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else asyncio.CancelledError())
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
