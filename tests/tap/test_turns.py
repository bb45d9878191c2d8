import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tap.errors import Busy
from tap.turns import Turn, Turns, beginning_at_once


def running(test: Callable[[], Awaitable[None]]) -> None:
    async def within_seconds() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(within_seconds())


async def _waits(task: asyncio.Task[Turn], seconds: float) -> bool:
    done, _ = await asyncio.wait([task], timeout=seconds)
    return not done


def test_a_query_that_has_just_begun_lets_the_next_wait_until_it_is_over() -> None:
    async def test() -> None:
        turns = Turns(4, 1, 10)
        first = await turns.take("a", 4)
        second = asyncio.create_task(turns.take("a", 4))
        assert await _waits(second, 0)
        first.end()
        (await second).end()

    running(test)


def test_a_long_query_holds_up_nobody() -> None:
    async def test() -> None:
        turns = Turns(4, 1, 10)
        long = [await turns.take("a", 4) for _ in range(3)]
        (await turns.take("a", 4)).end()
        for turn in long:
            turn.end()

    running(test)


def test_no_more_queries_run_at_once_than_may() -> None:
    async def test() -> None:
        turns = Turns(2, 2, 10)
        first, _ = await turns.take("a", 2), await turns.take("a", 2)
        third = asyncio.create_task(turns.take("a", 2))
        assert await _waits(third, 0.2)
        first.end()
        (await third).end()

    running(test)


def test_one_who_asks_for_much_leaves_turns_to_others() -> None:
    async def test() -> None:
        turns = Turns(4, 4, 10)
        first, second = await turns.take("a", 2), await turns.take("a", 2)
        third = asyncio.create_task(turns.take("a", 2))
        assert await _waits(third, 0.1)
        others = [await turns.take("b", 2), await turns.take("c", 2)]
        first.end()
        for turn in (second, await third, *others):
            turn.end()
        assert not turns._shares

    running(test)


def test_who_waits_behind_own_queries_keeps_no_turn_of_others() -> None:
    async def test() -> None:
        turns = Turns(2, 2, 10)
        first = await turns.take("a", 1)
        waiting = [asyncio.create_task(turns.take("a", 1)) for _ in range(5)]
        await asyncio.sleep(0)
        (await turns.take("b", 1)).end()
        first.end()
        for task in waiting:
            (await task).end()
        assert not turns._shares

    running(test)


def test_queries_run_in_the_order_in_which_they_came() -> None:
    async def test() -> None:
        turns, order = Turns(1, 1, 10), []

        async def query(number: int) -> None:
            turn = await turns.take("a", 1)
            order.append(number)
            await asyncio.sleep(0)
            turn.end()

        await asyncio.gather(*(query(number) for number in range(20)))
        assert order == list(range(20))

    running(test)


def test_who_waits_too_long_is_told_that_the_service_is_busy() -> None:
    async def test() -> None:
        turns = Turns(1, 1, 0.05)
        first = await turns.take("a", 1)
        with pytest.raises(Busy, match="Too many queries"):
            await turns.take("a", 1)
        first.end()
        (await turns.take("a", 1)).end()

    running(test)


@pytest.mark.parametrize("seconds", [0, 0.05])
def test_who_gives_up_while_waiting_leaves_its_turn_to_others(seconds: float) -> None:
    async def test() -> None:
        turns = Turns(2, 1, 10)
        first = await turns.take("a", 2)
        others = [asyncio.create_task(turns.take("a", 2)) for _ in range(2)]
        await asyncio.sleep(seconds)
        for other in others:
            other.cancel()
        for turn in await asyncio.gather(*others, return_exceptions=True):
            if isinstance(turn, Turn):
                turn.end()
        first.end()
        for turn in [await turns.take("a", 2), await turns.take("a", 2)]:
            turn.end()

    running(test)


def test_where_a_core_is_idle_two_queries_begin_at_once() -> None:
    assert beginning_at_once(10_000) == 1
    assert beginning_at_once(0) == 2
