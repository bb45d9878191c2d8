"""The spool gives all bytes in order, from memory and from its file, and never makes the writer wait."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap.spool import Spool, SpoolFull, SpoolMemory


@settings(max_examples=60, deadline=None)
@given(
    pieces=st.lists(st.binary(min_size=1, max_size=200), max_size=40),
    memory=st.integers(0, 500),
    reads=st.lists(st.booleans(), max_size=60),
)
def test_what_is_written_is_read_whatever_the_order_of_writes_and_reads(
    pieces: list[bytes], memory: int, reads: list[bool]
) -> None:
    async def play() -> bytes:
        spool = Spool(asyncio.get_running_loop(), SpoolMemory(memory, memory), 10**6)
        waiting, got = list(pieces), b""
        for read in reads:
            if read and len(got) < sum(map(len, pieces)) - sum(map(len, waiting)):
                got += await spool.read()
            elif waiting:
                spool.write(waiting.pop(0))
        for piece in waiting:
            spool.write(piece)
        spool.finish()
        async for piece in spool:
            got += piece
        spool.close()
        return got

    assert asyncio.run(play()) == b"".join(pieces)


def test_an_error_comes_after_what_was_written() -> None:
    async def play() -> None:
        spool = Spool(asyncio.get_running_loop(), SpoolMemory(100, 100), 100)
        spool.write(b"abc")
        spool.finish(ValueError("broken"))
        assert await spool.read() == b"abc"
        with pytest.raises(ValueError, match="broken"):
            await spool.read()

    asyncio.run(play())


def test_more_than_the_limit_is_refused() -> None:
    async def play() -> None:
        spool = Spool(asyncio.get_running_loop(), SpoolMemory(10, 10), 20)
        spool.write(b"x" * 10)
        spool.write(b"x" * 20)
        with pytest.raises(SpoolFull):
            spool.write(b"x")
        spool.close()

    asyncio.run(play())


def test_a_reader_that_waits_is_woken_from_another_thread() -> None:
    async def play() -> bytes:
        loop = asyncio.get_running_loop()
        spool = Spool(loop, SpoolMemory(10, 10), 20)
        loop.run_in_executor(None, spool.write, b"late")
        return await asyncio.wait_for(spool.read(), 5)

    assert asyncio.run(play()) == b"late"


def test_what_all_results_hold_in_memory_has_a_limit_and_is_given_back() -> None:
    async def play() -> None:
        memory = SpoolMemory(10, 25)
        spools = [Spool(asyncio.get_running_loop(), memory, 100) for _ in range(4)]
        for spool in spools:
            spool.write(b"x" * 10)
        assert not memory.take(6)
        assert [await spool.read() for spool in spools] == [b"x" * 10] * 4
        assert memory.take(25)
        memory.give_back(25)
        for spool in spools:
            spool.write(b"y" * 10)
            spool.close()
        assert memory.take(25)

    asyncio.run(play())
