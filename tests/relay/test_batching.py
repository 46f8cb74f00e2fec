import asyncio
from typing import Any

import pytest

from relay.batching import Batcher


def test_what_arrives_during_a_round_trip_makes_the_next_batch() -> None:
    batches: list[list[int]] = []

    async def flush(items: list[int]) -> list[int]:
        batches.append(items)
        await asyncio.sleep(0)
        return [item * 10 for item in items]

    async def ask() -> list[int]:
        batcher = Batcher(flush)
        first = asyncio.create_task(batcher(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return [await first, *await asyncio.gather(*map(batcher, (2, 3, 4)))]

    assert asyncio.run(ask()) == [10, 20, 30, 40]
    assert batches == [[1], [2, 3, 4]]


def test_everyone_in_a_failed_batch_gets_the_error_and_the_next_batch_goes_on() -> None:
    async def flush(items: list[str]) -> list[str]:
        if "bad" in items:
            raise ValueError("no")
        return items

    async def ask() -> list[Any]:
        batcher = Batcher(flush)
        failed = await asyncio.gather(batcher("bad"), batcher("good"), return_exceptions=True)
        return [*failed, await batcher("later")]

    first, second, third = asyncio.run(ask())
    assert isinstance(first, ValueError)
    assert isinstance(second, ValueError)
    assert third == "later"


def test_a_caller_who_gave_up_does_not_disturb_the_others() -> None:
    release = None

    async def flush(items: list[int]) -> list[int]:
        assert release is not None
        await release.wait()
        return items

    async def ask() -> int:
        nonlocal release
        release = asyncio.Event()
        batcher = Batcher(flush)
        impatient = asyncio.create_task(batcher(1))
        patient = asyncio.create_task(batcher(2))
        await asyncio.sleep(0)
        impatient.cancel()
        release.set()
        return await patient

    assert asyncio.run(ask()) == 2


def test_a_batch_is_never_larger_than_allowed() -> None:
    sizes: list[int] = []

    async def flush(items: list[int]) -> list[int]:
        sizes.append(len(items))
        return items

    async def ask() -> None:
        batcher = Batcher(flush, largest=3)
        await asyncio.gather(*map(batcher, range(7)))

    asyncio.run(ask())
    assert sizes == [3, 3, 1]


@pytest.mark.parametrize("count", [1, 50])
def test_results_come_back_to_those_who_asked(count: int) -> None:
    async def flush(items: list[int]) -> list[str]:
        return [f"answer {item}" for item in items]

    async def ask() -> list[str]:
        return await asyncio.gather(*map(Batcher(flush), range(count)))

    assert asyncio.run(ask()) == [f"answer {number}" for number in range(count)]
